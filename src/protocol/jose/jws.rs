//! Compact JWS (RFC 7515 §7.1) as a JWT (RFC 7519 §7.2): taken apart, not yet verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::protocol::json::{self, Document, JsonError};

/// A signed JWT whose signature nobody has checked yet.
#[derive(Clone, PartialEq)]
pub struct Jws {
    /// What its header says. It chooses among the keys that are trusted and never brings one.
    pub header: Header,
    /// Its claims.
    pub claims: Map<String, Value>,
    /// `BASE64URL(header) . BASE64URL(payload)`, which the signature covers.
    pub(super) signing_input: String,
    /// The signature as it stands in the token.
    pub(super) signature: String,
}

/// The header parameters that matter to a verifier (RFC 7515 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`
    pub algorithm: String,
    /// `kid`
    pub key_id: Option<String>,
    /// `typ`
    pub media_type: Option<String>,
}

/// Why a token is no JWS that a relying party could verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// No JWT at all, which RFC 6749 §1.4 allows for an access token.
    #[error("the token is opaque: it has not the form of a JWT (RFC 7519 §7.2)")]
    Opaque,
    /// An encrypted one (RFC 7516 §3.1).
    #[error("the token is encrypted (RFC 7516), and no key to decrypt it is configured")]
    Encrypted,
    /// A part that is not base64url without padding (RFC 7515 §2).
    #[error("the {0} is not base64url without padding (RFC 7515 §2)")]
    Base64(&'static str),
    /// A part that is no JSON object (RFC 7515 §4, RFC 7519 §7.2).
    #[error("the {0} is no JSON object: {1} (RFC 7519 §7.2)")]
    Json(&'static str, JsonError),
    /// A member that occurs twice, on which parsers differ (RFC 7515 §4, RFC 7519 §4).
    #[error("the {0} has a member twice (RFC 7515 §4, RFC 7519 §4)")]
    DuplicateMember(&'static str),
    /// A header parameter of another type.
    #[error("the header parameter {0} is {1} (RFC 7515 §4.1)")]
    Parameter(&'static str, &'static str),
    /// An extension that must be understood and is not (RFC 7515 §4.1.11).
    #[error("the header asks for an extension that is not understood, {0:?} (RFC 7515 §4.1.11)")]
    Critical(String),
}

const HEADER: &str = "header";
pub(super) const PAYLOAD: &str = "payload";

impl Jws {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is no signed JWT.
    pub fn parse(token: &str) -> Result<Self, FormatError> {
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        match *parts.as_slice() {
            [header, payload, signature] => Self::from_parts(token, header, payload, signature),
            [header, _, _, _, _] if is_json_object(header) => Err(FormatError::Encrypted),
            _ => Err(FormatError::Opaque),
        }
    }

    fn from_parts(
        token: &str,
        header: &str,
        payload: &str,
        signature: &str,
    ) -> Result<Self, FormatError> {
        // Other tokens have dots too: what does not begin as JSON was never meant as a JWT.
        if !is_json_object(header) {
            return Err(FormatError::Opaque);
        }
        let header = Header::read(&object(header, HEADER)?)?;
        let claims = object(payload, PAYLOAD)?;
        if decode(signature).is_none() {
            return Err(FormatError::Base64("signature"));
        }
        let signing_input = token.strip_suffix(signature).and_then(|text| text.strip_suffix('.'));
        Ok(Self {
            header,
            claims,
            signing_input: signing_input.unwrap_or_default().to_owned(),
            signature: signature.to_owned(),
        })
    }
}

/// Keeps the token out of logs and panics.
impl std::fmt::Debug for Jws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jws").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Header {
    fn read(members: &Map<String, Value>) -> Result<Self, FormatError> {
        let text = |name: &'static str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(FormatError::Parameter(name, json::kind(other))),
        };
        nothing_critical(members)?;
        // An unencoded payload changes what is signed (RFC 7797 §3).
        if members.get("b64").is_some_and(|value| *value != Value::Bool(true)) {
            return Err(FormatError::Critical("b64".to_owned()));
        }
        Ok(Self {
            algorithm: text("alg")?.ok_or(FormatError::Parameter("alg", "missing"))?,
            key_id: text("kid")?,
            media_type: text("typ")?,
        })
    }
}

/// Extensions that must be understood, of which none is here: the first one decides. An empty list
/// is forbidden (RFC 7515 §4.1.11, RFC 7516 §4.1.13).
pub(super) fn nothing_critical(header: &Map<String, Value>) -> Result<(), FormatError> {
    let Some(names) = header.get("crit") else { return Ok(()) };
    let first = names.as_array().and_then(|names| names.first()?.as_str());
    Err(first.map_or(FormatError::Parameter("crit", "no list of names"), |name| {
        FormatError::Critical(name.to_owned())
    }))
}

/// The JSON object of a part.
pub(super) fn object(part: &str, what: &'static str) -> Result<Map<String, Value>, FormatError> {
    let bytes = decode(part).ok_or(FormatError::Base64(what))?;
    object_of(&bytes, what)
}

/// A JSON object that has no member twice. What its members hold is for who reads them: the names
/// of claims and of header parameters are unique (RFC 7519 §4, RFC 7515 §4), theirs need not be.
pub(super) fn object_of(
    bytes: &[u8],
    what: &'static str,
) -> Result<Map<String, Value>, FormatError> {
    let document = Document::parse(bytes).map_err(|error| FormatError::Json(what, error))?;
    if document.own_duplicate_member {
        return Err(FormatError::DuplicateMember(what));
    }
    match document.value {
        Value::Object(members) => Ok(members),
        other => Err(FormatError::Json(what, JsonError::NotAnObject(json::kind(&other)))),
    }
}

pub(super) fn decode(part: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// Whether a part begins as a JSON object, if it is base64 so far. Space may stand before it.
fn is_json_object(part: &str) -> bool {
    let groups = part.as_bytes().chunks(16).map(|group| URL_SAFE_NO_PAD.decode(group).ok());
    let mut beginning = groups.map(|bytes| bytes.map(|bytes| bytes.trim_ascii_start().to_vec()));
    let first = beginning.find(|bytes| bytes.as_ref().is_none_or(|bytes| !bytes.is_empty()));
    first.flatten().is_some_and(|bytes| bytes.starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    fn error(token: &str) -> String {
        Jws::parse(token).expect_err(token).to_string()
    }

    #[test]
    fn the_parts_of_a_jwt() {
        let jws = Jws::parse(&token(
            r#"{"alg": "RS256", "kid": "k1", "typ": "at+jwt", "jku": "https://evil.example"}"#,
            r#"{"sub": "ada", "n": 1.5}"#,
        ))
        .expect("a JWT");
        let expected = Header {
            algorithm: "RS256".into(),
            key_id: Some("k1".into()),
            media_type: Some("at+jwt".into()),
        };
        assert_eq!(jws.header, expected);
        assert_eq!(Value::Object(jws.claims), serde_json::json!({"sub": "ada", "n": 1.5}));
        assert_eq!(jws.signature, "c2ln");
        let parts = jws.signing_input.split('.').map(|part| decode(part).expect("base64url"));
        assert_eq!(parts.map(|part| part.len()).collect::<Vec<_>>(), [77, 24]);
    }

    #[test]
    fn what_is_not_meant_as_a_jwt_is_opaque() {
        for opaque in ["", "2YotnFZFEjr1zCsicMWpAA", "a.b.c", "ya29.a0AX.x-y_z", "e30.e30", "..."] {
            assert_eq!(Jws::parse(opaque), Err(FormatError::Opaque), "{opaque}");
        }
        assert_eq!(Jws::parse("eyJlbmMiOiJ4In0.a.b.c.d"), Err(FormatError::Encrypted));
        // Space before a document is of JSON (RFC 8259 §2).
        let spaced = format!("{}{}", " \n".repeat(20), r#"{"alg": "RS256"}"#);
        assert!(Jws::parse(&token(&spaced, "{}")).is_ok());
        assert_eq!(Jws::parse(&token("   ", "{}")), Err(FormatError::Opaque));
    }

    #[test]
    fn what_is_malformed_is_named() {
        let good = r#"{"alg": "RS256"}"#;
        for (token, message) in [
            (
                token(good, "[1]"),
                "the payload is no JSON object: expected an object, found an array (RFC 7519 §7.2)",
            ),
            (
                token(good, r#"{"sub": "#),
                "the payload is no JSON object: the text ends too early at line 1, column 8 (RFC 7519 §7.2)",
            ),
            (
                token(good, r#"{"exp": 1e400}"#),
                "the payload is no JSON object: not JSON at line 1, column 13 (RFC 7519 §7.2)",
            ),
            (
                token(good, &format!(r#"{{"a": {}1{}}}"#, "[".repeat(200), "]".repeat(200))),
                "the payload is no JSON object: not JSON at line 1, column 133 (RFC 7519 §7.2)",
            ),
            (
                token(good, r#"{"sub": "a", "sub": "b"}"#),
                "the payload has a member twice (RFC 7515 §4, RFC 7519 §4)",
            ),
            (
                token(r#"{"alg": "none", "alg": "RS256"}"#, "{}"),
                "the header has a member twice (RFC 7515 §4, RFC 7519 §4)",
            ),
            (token("{}", "{}"), "the header parameter alg is missing (RFC 7515 §4.1)"),
            (token(r#"{"alg": 1}"#, "{}"), "the header parameter alg is a number (RFC 7515 §4.1)"),
            (
                token(r#"{"alg": "RS256", "kid": 7}"#, "{}"),
                "the header parameter kid is a number (RFC 7515 §4.1)",
            ),
            (
                token(r#"{"alg": "RS256", "crit": []}"#, "{}"),
                "the header parameter crit is no list of names (RFC 7515 §4.1)",
            ),
            (
                token(r#"{"alg": "RS256", "crit": ["exp"]}"#, "{}"),
                "the header asks for an extension that is not understood, \"exp\" (RFC 7515 §4.1.11)",
            ),
            (
                token(r#"{"alg": "RS256", "b64": false}"#, "{}"),
                "the header asks for an extension that is not understood, \"b64\" (RFC 7515 §4.1.11)",
            ),
            (
                "eyJhbGciOiJSUzI1NiJ9.e30=.c2ln".to_owned(),
                "the payload is not base64url without padding (RFC 7515 §2)",
            ),
            (
                "eyJhbGciOiJSUzI1NiJ9.e30.c2+n".to_owned(),
                "the signature is not base64url without padding (RFC 7515 §2)",
            ),
        ] {
            assert_eq!(error(&token), message);
        }
    }
}
