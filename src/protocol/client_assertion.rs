//! JWTs with which a client proves who it is at the token endpoint (RFC 7523 §2.2, §3;
//! OpenID Connect Core §9).

use aws_lc_rs::rand::SecureRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, json};

use super::jose::{SigningFailed, SigningKey};

/// The value of `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds that an assertion is good for: enough for one request and for clocks a little apart.
const LIFETIME: u64 = 60;

/// A fresh assertion. `now` is in Unix seconds; `entropy` makes its `jti`, so that it can be
/// told from every other one and used once.
///
/// # Errors
/// When the cryptographic library fails.
pub fn client_assertion(
    key: &SigningKey,
    key_id: Option<&str>,
    client_id: &str,
    audience: &str,
    now: u64,
    entropy: [u8; 16],
    random: &dyn SecureRandom,
) -> Result<String, SigningFailed> {
    let mut header = Map::new();
    header.insert("typ".into(), "JWT".into());
    if let Some(key_id) = key_id {
        header.insert("kid".into(), key_id.into());
    }
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": URL_SAFE_NO_PAD.encode(entropy),
        "iat": now,
        "exp": now + LIFETIME,
    });
    key.sign(header, &claims, random)
}
