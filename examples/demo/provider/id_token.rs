//! ID tokens (OpenID Connect Core §2, §3.1.3.6).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::access_token::LIFETIME;
use super::authorize::Login;
use super::keys::{self, Key};

/// A new token, which comes with this access token. Signed with RS256.
pub(super) fn issue(
    issuer: &str,
    key: &Key,
    (sub, client): (&str, &str),
    login: &Login,
    access_token: &str,
) -> String {
    let header = json!({"typ": "JWT", "alg": key.algorithm, "kid": key.id});
    let iat = keys::now();
    let mut claims = json!({
        "iss": issuer,
        "sub": sub,
        "aud": client,
        "iat": iat,
        "exp": iat + LIFETIME,
        "auth_time": login.auth_time,
        "at_hash": left_half(access_token),
    });
    if let Some(nonce) = &login.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    if login.one_time_code {
        claims["acr"] = "one-time-code".into();
        claims["amr"] = json!(["pwd", "otp", "mfa"]);
    }
    key.sign(header.as_object().expect("an object"), &claims.to_string())
}

/// The left half of the hash that RS256 has (§3.1.3.6).
pub(super) fn left_half(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}
