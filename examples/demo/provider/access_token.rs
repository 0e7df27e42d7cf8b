//! Access tokens: how they are issued (RFC 9068), and what can be wrong with one that comes back.

use std::sync::PoisonError;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::keys::{self, Key};
use super::{Site, random};

/// Lifetime in seconds, unless the client asks for another one.
pub(super) const LIFETIME: u64 = 300;

/// What a token grants.
pub(super) struct Grant<'a> {
    pub(super) sub: &'a str,
    pub(super) client: &'a str,
    pub(super) audience: Vec<String>,
    pub(super) scope: &'a str,
    pub(super) lifetime: u64,
    /// `jti`
    pub(super) id: &'a str,
}

/// A new `jti`.
pub(super) fn new_id() -> String {
    URL_SAFE_NO_PAD.encode(random::<12>())
}

/// A new token (RFC 9068 §2).
pub(super) fn issue(issuer: &str, key: &Key, grant: &Grant<'_>) -> String {
    let header = json!({"typ": "at+jwt", "alg": key.algorithm, "kid": key.id});
    let iat = keys::now();
    let claims = json!({
        "iss": issuer,
        "sub": grant.sub,
        "aud": grant.audience,
        "client_id": grant.client,
        "scope": grant.scope,
        "iat": iat,
        "exp": iat + grant.lifetime,
        "jti": grant.id,
    });
    key.sign(header.as_object().expect("an object"), &claims.to_string())
}

/// The claims that are looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    #[serde(default)]
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) scope: String,
    pub(super) exp: f64,
    #[serde(default)]
    pub(super) jti: String,
}

/// What is wrong with a token, the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    Malformed,
    /// No signature; whether `alg` is `none` in small letters.
    Unsigned {
        small: bool,
    },
    /// Signed with a public key as if it were a secret.
    PublicSecret,
    UnknownKey,
    /// The signature is not by the key, or `nearly`: it differs in one byte.
    Signature {
        nearly: bool,
    },
    Expired,
    Issuer,
    Revoked,
}

/// The claims of a token with which nothing is wrong.
pub(super) fn verify(site: &Site, token: &str) -> Result<Claims, Defect> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err(Defect::Malformed) };
    let message = &token[..header.len() + 1 + payload.len()];
    let decoded = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Defect::Malformed);
    let header: Map<String, Value> =
        serde_json::from_slice(&decoded(header)?).map_err(|_| Defect::Malformed)?;
    check_signature(site, &header, message.as_bytes(), &decoded(signature)?)?;

    let claims: Claims =
        serde_json::from_slice(&decoded(payload)?).map_err(|_| Defect::Malformed)?;
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    let now = keys::now() as f64;
    let revoked = site.shared.revoked.lock().unwrap_or_else(PoisonError::into_inner);
    if claims.exp <= now {
        Err(Defect::Expired)
    } else if claims.iss != site.base {
        Err(Defect::Issuer)
    } else if revoked.contains(&claims.jti) {
        Err(Defect::Revoked)
    } else {
        Ok(claims)
    }
}

fn check_signature(
    site: &Site,
    header: &Map<String, Value>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Defect> {
    let text = |name| header.get(name).and_then(Value::as_str);
    let algorithm = text("alg").ok_or(Defect::Malformed)?;
    if algorithm.eq_ignore_ascii_case("none") {
        return Err(Defect::Unsigned { small: algorithm == "none" });
    }
    // A key is only used for its own algorithm, which closes the door to confusion of the two.
    let key = match text("kid") {
        Some(id) => site.shared.ring.named(id),
        None => site.shared.ring.existing(algorithm),
    };
    match key {
        Some(key) if key.algorithm == algorithm => {
            if key.verifies(message, signature) {
                Ok(())
            } else {
                // Of an algorithm without randomness the right signature is known.
                let right = key.signature(message);
                let differing = right.iter().zip(signature).filter(|(a, b)| a != b).count();
                Err(Defect::Signature { nearly: right.len() == signature.len() && differing == 1 })
            }
        }
        Some(key) if algorithm == "HS256" && is_by_public_key(&key, message, signature) => {
            Err(Defect::PublicSecret)
        }
        _ => Err(Defect::UnknownKey),
    }
}

/// Whether the secret was the public key, in one of the forms in which servers keep it.
fn is_by_public_key(key: &Key, message: &[u8], signature: &[u8]) -> bool {
    let pem = key.public_pem();
    [pem.as_bytes(), pem.trim_end().as_bytes(), &key.public_der()].into_iter().any(|secret| {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), message, signature).is_ok()
    })
}
