//! The times that a JWT states of itself, unverified: for the lifetime of an
//! access token, which is opaque to its client (RFC 6749 §1.4) and judged by nobody here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::json::Document;

/// `exp` and `iat` of a JWT (RFC 7519 §4.1.4, §4.1.6), in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StatedTimes {
    /// `exp`, when it is a number.
    pub expires_at: Option<f64>,
    /// `iat`, when it is a number.
    pub issued_at: Option<f64>,
}

/// The times stated by a token in JWS compact serialization; `None` when it is no such token.
#[must_use]
pub fn stated_times(token: &str) -> Option<StatedTimes> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let object = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        let document = Document::parse(&bytes).ok()?;
        document.members().ok().cloned()
    };
    object(header)?;
    let claims = object(payload)?;
    Some(StatedTimes {
        expires_at: claims.get("exp").and_then(Value::as_f64),
        issued_at: claims.get("iat").and_then(Value::as_f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_example_of_rfc_7519() {
        // RFC 7519 §3.1
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
            dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let times = stated_times(token).expect("a JWT");
        assert_eq!(times.expires_at, Some(1_300_819_380.0));
        assert_eq!(times.issued_at, None);
    }

    #[test]
    fn an_opaque_token_states_nothing() {
        for token in ["", "2YotnFZFEjr1zCsicMWpAA", "a.b.c", "e30.e30", "e30.e30.e30.e30.e30"] {
            assert_eq!(stated_times(token), None, "{token}");
        }
    }
}
