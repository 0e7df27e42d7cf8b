//! The token endpoint: requests of RFC 6749 §4 and the judgement of answers by §5.1 and §5.2.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::json::{self, Document};

/// `Authorization: Basic` of a client: id and secret are form-encoded first (RFC 6749 §2.3.1).
#[must_use]
pub fn basic_credential(id: &str, secret: &str) -> String {
    basic_pair(&form_encoded(id), &form_encoded(secret))
}

/// One value as it stands in a form, and in the pair of a client's Basic credential.
#[must_use]
pub fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `Authorization: Basic` of a user as it stands (RFC 7617 §2).
#[must_use]
pub fn basic_pair(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A form body (WHATWG URL §5.2, as RFC 6749 appendix B asks).
#[must_use]
pub fn form(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// An access token and what was said of it.
#[derive(Clone, PartialEq)]
pub struct TokenResponse {
    /// `access_token`
    pub access_token: String,
    /// `refresh_token`, when there is one.
    pub refresh_token: Option<String>,
    /// `id_token` (OpenID Connect Core §3.1.3.3), when there is one.
    pub id_token: Option<String>,
    /// `expires_in` in seconds, when it was given.
    pub expires_in: Option<f64>,
    /// What works, but breaks the RFC.
    pub oddities: Vec<Oddity>,
}

/// Keeps the token out of logs and panics.
impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse")
            .field("expires_in", &self.expires_in)
            .field("oddities", &self.oddities)
            .finish_non_exhaustive()
    }
}

/// A deviation from RFC 6749 that a tolerant client survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// `expires_in` is no JSON integer (appendix A.14).
    ExpiresInType,
    /// `scope` is no string (§3.3).
    ScopeType,
    /// Less scope than was asked for (§3.3).
    ScopeNarrowed,
    /// A token exchange does not say what kind of token it issued (RFC 8693 §2.2.1).
    IssuedTokenType,
}

/// The provider's own word that it refuses: the `error` member of §5.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// `error`
    pub code: String,
    /// `error_description`, text of the server.
    pub description: Option<String>,
}

/// Why a successful answer holds no usable token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// `access_token` is REQUIRED (RFC 6749 §5.1).
    #[error("access_token must be a string that is not empty, found {0} (RFC 6749 §5.1)")]
    AccessToken(&'static str),
    /// A token that no Authorization header can carry (RFC 6750 §2.1).
    #[error("access_token holds characters that no Authorization header may have (RFC 6750 §2.1)")]
    Unsendable,
    /// `token_type` is REQUIRED, and a client must not use a type that it does not know (§5.1, §7.1).
    #[error("token_type must be Bearer in any case, found {0} (RFC 6749 §5.1, §7.1)")]
    TokenType(String),
    /// A lifetime in seconds (§5.1).
    #[error("expires_in must be a positive number of seconds, found {0} (RFC 6749 §5.1)")]
    ExpiresIn(String),
    /// An ID token that is none (OpenID Connect Core §3.1.3.3).
    #[error("id_token must be a string, found {0} (OpenID Connect Core §3.1.3.3)")]
    IdToken(&'static str),
}

/// The error of an answer, when it has one. null, false, zero and what is empty are how some
/// servers write that there is none.
#[must_use]
pub fn error_response(document: &Document) -> Option<ErrorResponse> {
    let members = document.members().ok()?;
    let code = match members.get("error")? {
        Value::Null | Value::Bool(false) => return None,
        Value::Number(number) if number.as_f64() == Some(0.0) => return None,
        Value::Array(errors) if errors.is_empty() => return None,
        Value::Object(errors) if errors.is_empty() => return None,
        Value::String(code) if code.is_empty() => return None,
        Value::String(code) => code.clone(),
        other => format!("({})", json::kind(other)),
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(ErrorResponse { code, description: text("error_description") })
}

/// Whether a text is an error code of RFC 6749 §4.1.2.1 and §5.2 or RFC 6750 §3.1: what tells a
/// refusal apart from the error texts of web frameworks.
#[must_use]
pub fn is_error_code(text: &str) -> bool {
    [
        "access_denied",
        "insufficient_scope",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_token",
        "unauthorized_client",
        "unsupported_grant_type",
    ]
    .contains(&text)
}

/// Judges a successful answer of the token endpoint by RFC 6749 §5.1. `requested`
/// are the scopes that were asked for; an exchange may issue a token of no access token's type
/// (`N_A`, RFC 8693 §2.2.1).
///
/// # Errors
/// When a client could not use the token.
pub fn judge_token(
    members: &Map<String, Value>,
    requested: &[String],
    exchange: bool,
) -> Result<TokenResponse, TokenError> {
    let mut oddities = Vec::new();
    let access_token = match members.get("access_token") {
        Some(Value::String(token)) if !token.is_empty() => token.clone(),
        Some(Value::String(_)) => return Err(TokenError::AccessToken("an empty string")),
        Some(other) => return Err(TokenError::AccessToken(json::kind(other))),
        None => return Err(TokenError::AccessToken("nothing")),
    };
    match members.get("token_type") {
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
        Some(Value::String(kind)) if exchange && kind.eq_ignore_ascii_case("N_A") => {}
        Some(Value::String(kind)) => {
            // Types are short names (§11.1); what is longer is not repeated.
            let shown = if kind.len() <= 32 { format!("{kind:?}") } else { "a long text".into() };
            return Err(TokenError::TokenType(shown));
        }
        Some(other) => return Err(TokenError::TokenType(json::kind(other).into())),
        None => return Err(TokenError::TokenType("nothing".into())),
    }
    if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::Unsendable);
    }
    let expires_in = expires_in(members.get("expires_in"), &mut oddities)?;
    judge_scope(members.get("scope"), requested, &mut oddities);
    if exchange && !members.get("issued_token_type").is_some_and(Value::is_string) {
        oddities.push(Oddity::IssuedTokenType);
    }
    if let Some(other) = members.get("id_token").filter(|it| !it.is_string() && !it.is_null()) {
        return Err(TokenError::IdToken(json::kind(other)));
    }
    let text = |name: &str| {
        members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Ok(TokenResponse {
        access_token,
        refresh_token: text("refresh_token"),
        id_token: text("id_token"),
        expires_in,
        oddities,
    })
}

/// Any positive number is a lifetime (RFC 6749 appendix A.14), and a very large one how some say
/// that the token never ends.
fn expires_in(
    value: Option<&Value>,
    oddities: &mut Vec<Oddity>,
) -> Result<Option<f64>, TokenError> {
    let (seconds, integer) = match value {
        None => return Ok(None),
        Some(Value::Null) => {
            oddities.push(Oddity::ExpiresInType);
            return Ok(None);
        }
        Some(Value::Number(number)) => (number.as_f64(), !number.is_f64()),
        Some(Value::String(text)) => (text.trim().parse().ok(), false),
        Some(other) => return Err(TokenError::ExpiresIn(json::kind(other).into())),
    };
    let Some(seconds) = seconds else {
        return Err(TokenError::ExpiresIn("a text that is no number".into()));
    };
    if !(seconds > 0.0 && seconds.is_finite()) {
        return Err(TokenError::ExpiresIn(seconds.to_string()));
    }
    if !integer {
        oddities.push(Oddity::ExpiresInType);
    }
    Ok(Some(seconds))
}

fn judge_scope(value: Option<&Value>, requested: &[String], oddities: &mut Vec<Oddity>) {
    let granted: BTreeSet<&str> = match value {
        // Absent means: as requested (§5.1).
        None => return,
        Some(Value::String(scope)) => scope.split(' ').filter(|part| !part.is_empty()).collect(),
        Some(other) => {
            oddities.push(Oddity::ScopeType);
            match other {
                Value::Array(scopes) => scopes.iter().filter_map(Value::as_str).collect(),
                _ => return,
            }
        }
    };
    if !requested.iter().all(|scope| granted.contains(scope.as_str())) {
        oddities.push(Oddity::ScopeNarrowed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(body: &str) -> Result<TokenResponse, TokenError> {
        let document = Document::parse(body.as_bytes()).expect("test JSON");
        judge_token(document.members().expect("object"), &["a".into(), "b".into()], false)
    }

    fn with(members: &str) -> Result<(Option<f64>, Vec<Oddity>), TokenError> {
        judge(&format!(r#"{{"access_token": "t0k3n", "token_type": "Bearer"{members}}}"#))
            .map(|response| (response.expires_in, response.oddities))
    }

    #[test]
    fn basic_form_encodes_id_and_secret() {
        // "app%3Aone:s%2Bcr%25t%2F%C3%BC+%26" in base64
        assert_eq!(
            basic_credential("app:one", "s+cr%t/ü &"),
            format!("Basic {}", STANDARD.encode("app%3Aone:s%2Bcr%25t%2F%C3%BC+%26"))
        );
        // RFC 6749 §2.3.1
        assert_eq!(
            basic_credential("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
    }

    #[test]
    fn pass_the_example_of_the_rfc() {
        // RFC 6749 §5.1, with its example parameter
        let response = judge(
            r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600}"#,
        );
        assert_eq!(response, Err(TokenError::TokenType("\"example\"".into())));
        let response = judge(
            r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":3600,"example_parameter":"x"}"#,
        )
        .expect("valid");
        assert_eq!(response.access_token, "2YotnFZFEjr1zCsicMWpAA");
        assert_eq!(response.expires_in, Some(3600.0));
        assert_eq!(response.oddities, []);
        assert_eq!(response.refresh_token, None);
    }

    #[test]
    fn an_exchange_may_issue_what_is_no_access_token() {
        // RFC 8693 §2.3, in short
        let body = r#"{"access_token": "t0k3n", "token_type": "N_A", "refresh_token": "r"}"#;
        let document = Document::parse(body.as_bytes()).expect("test JSON");
        let members = document.members().expect("object");
        let response = judge_token(members, &[], true).expect("a token");
        assert_eq!(response.refresh_token.as_deref(), Some("r"));
        // Which it must name (§2.2.1).
        assert_eq!(response.oddities, [Oddity::IssuedTokenType]);
        assert_eq!(judge_token(members, &[], false), Err(TokenError::TokenType("\"N_A\"".into())));
        let body = body.replace('{', r#"{"issued_token_type": "urn:x", "#);
        let document = Document::parse(body.as_bytes()).expect("test JSON");
        let response = judge_token(document.members().expect("object"), &[], true);
        assert_eq!(response.expect("a token").oddities, []);
    }

    #[test]
    fn pass_with_oddities() {
        use Oddity::{ExpiresInType, ScopeNarrowed, ScopeType};
        for (members, expires_in, oddities) in [
            ("", None, vec![]),
            (r#", "expires_in": "3600""#, Some(3600.0), vec![ExpiresInType]),
            (r#", "expires_in": 3599.5"#, Some(3599.5), vec![ExpiresInType]),
            (r#", "expires_in": null"#, None, vec![ExpiresInType]),
            (r#", "expires_in": 9007199254740992"#, Some(9_007_199_254_740_992.0), vec![]),
            (r#", "expires_in": 9223372036854775807"#, Some(9_223_372_036_854_775_807.0), vec![]),
            (r#", "expires_in": 1e30"#, Some(1e30), vec![ExpiresInType]),
            (r#", "scope": "b a""#, None, vec![]),
            (r#", "scope": "a""#, None, vec![ScopeNarrowed]),
            (r#", "scope": "ab""#, None, vec![ScopeNarrowed]),
            (r#", "scope": """#, None, vec![ScopeNarrowed]),
            (r#", "scope": ["a", "b", "c"]"#, None, vec![ScopeType]),
            (r#", "scope": null"#, None, vec![ScopeType]),
        ] {
            assert_eq!(with(members), Ok((expires_in, oddities)), "{members}");
        }
    }

    #[test]
    fn fail_on_what_no_client_can_use() {
        for (members, found) in [
            (r#", "expires_in": 0"#, "0"),
            (r#", "expires_in": -1"#, "-1"),
            (r#", "expires_in": "1e400""#, "inf"),
            (r#", "expires_in": "soon""#, "a text that is no number"),
            (r#", "expires_in": "NaN""#, "NaN"),
            (r#", "expires_in": true"#, "a boolean"),
        ] {
            assert_eq!(with(members), Err(TokenError::ExpiresIn(found.into())), "{members}");
        }
        for (body, error) in [
            ("{}", TokenError::AccessToken("nothing")),
            (r#"{"access_token": null}"#, TokenError::AccessToken("null")),
            (r#"{"access_token": ""}"#, TokenError::AccessToken("an empty string")),
            (r#"{"access_token": "x"}"#, TokenError::TokenType("nothing".into())),
            (r#"{"access_token": "x", "token_type": 1}"#, TokenError::TokenType("a number".into())),
            (r#"{"access_token": "x\ny", "token_type": "bearer"}"#, TokenError::Unsendable),
            (
                r#"{"access_token": "x", "token_type": "bearer", "id_token": 5}"#,
                TokenError::IdToken("a number"),
            ),
        ] {
            assert_eq!(judge(body), Err(error), "{body}");
        }
    }

    #[test]
    fn an_error_member_is_an_error_unless_it_says_nothing() {
        let code = |body: &str| {
            error_response(&Document::parse(body.as_bytes()).expect("test JSON"))
                .map(|error| error.code)
        };
        assert_eq!(code(r#"{"error": "invalid_client"}"#).as_deref(), Some("invalid_client"));
        assert_eq!(code(r#"{"error": {"code": 400}}"#).as_deref(), Some("(an object)"));
        for body in ["{}", r#"{"error": null}"#, r#"{"error": ""}"#, r#"{"error": false}"#, "[]"] {
            assert_eq!(code(body), None, "{body}");
        }
    }
}
