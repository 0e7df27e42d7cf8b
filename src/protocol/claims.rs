//! The claims of a JWT, each check by itself (RFC 7519 §4.1, RFC 9068 §4). The signature was
//! verified before; here nothing is trusted but the time that the caller gives.

use serde_json::{Map, Value};

use super::json;

/// The members of a JWT's payload.
pub type Claims = Map<String, Value>;

/// A time with the difference between clocks that is forgiven, both in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Now, in Unix seconds.
    pub now: f64,
    /// The leeway (RFC 7519 §4.1.4).
    pub leeway: f64,
}

/// Why a check failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClaimError {
    /// A claim that must be there is not.
    #[error("the claim {0} is missing")]
    Missing(String),
    /// A claim has another type than its specification gives it.
    #[error("the claim {name} must be {expected}, found {found}")]
    Type {
        /// The claim.
        name: &'static str,
        /// What it must be, and by which clause.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// `exp` is over (RFC 7519 §4.1.4).
    #[error("expired {0:.0} s ago (exp, RFC 7519 §4.1.4)")]
    Expired(f64),
    /// `nbf` is not yet (RFC 7519 §4.1.5).
    #[error("becomes valid in {0:.0} s (nbf, RFC 7519 §4.1.5)")]
    NotYetValid(f64),
    /// `iat` lies ahead (RFC 7519 §4.1.6).
    #[error("was issued {0:.0} s in the future (iat, RFC 7519 §4.1.6)")]
    IssuedInFuture(f64),
    /// Another issuer (RFC 7519 §4.1.1, RFC 9068 §4).
    #[error("expected iss {expected:?}, found {found:?}: they must be identical (RFC 9068 §4)")]
    Issuer {
        /// The issuer that is asked for.
        expected: String,
        /// The one that the token names.
        found: String,
    },
    /// Not for this audience (RFC 7519 §4.1.3).
    #[error("expected one of {expected:?} in aud, found {found:?} (RFC 7519 §4.1.3)")]
    Audience {
        /// The audiences that are asked for.
        expected: Vec<String>,
        /// Those that the token names.
        found: Vec<String>,
    },
    /// For others too, where that is not wanted.
    #[error("aud names others beside {expected:?}: {found:?}")]
    FurtherAudience {
        /// The audiences that are asked for.
        expected: Vec<String>,
        /// Those that the token names.
        found: Vec<String>,
    },
    /// The token was issued to somebody else (OpenID Connect Core §3.1.3.7).
    #[error("expected azp {expected:?}, found {found:?} (OpenID Connect Core §3.1.3.7)")]
    AuthorizedParty {
        /// The client.
        expected: String,
        /// Whom the token was issued to.
        found: String,
    },
    /// `nonce` is not that of the request.
    #[error(
        "the nonce is {0}, so the token belongs to another login (OpenID Connect Core §3.1.3.7)"
    )]
    Nonce(&'static str),
    /// `at_hash` or `c_hash` belongs to something else.
    #[error(
        "{0} is not the hash of what came with the token (OpenID Connect Core §3.1.3.6, §3.3.2.11)"
    )]
    Hash(&'static str),
    /// Somebody else logged in.
    #[error(
        "the subject is not that of the ID token of this login (OpenID Connect Core §5.3.2, §12.2)"
    )]
    Subject,
    /// The login was too long ago.
    #[error(
        "the login was {age:.0} s ago, more than max_age of {most:.0} s (OpenID Connect Core §3.1.3.7)"
    )]
    AuthTime {
        /// Seconds since the login.
        age: f64,
        /// The most that it may be ago.
        most: f64,
    },
    /// A login that is yet to come.
    #[error("auth_time lies {0:.0} s in the future (OpenID Connect Core §2)")]
    AuthTimeInFuture(f64),
    /// Another login than the one that was refreshed.
    #[error("auth_time is not that of the ID token of this login (OpenID Connect Core §12.2)")]
    AuthTimeChanged,
    /// Another `aud` or `azp` than before the refresh.
    #[error("{0} is not that of the ID token of this login (OpenID Connect Core §12.2)")]
    ChangedParty(&'static str),
    /// Issued before the token that it follows.
    #[error(
        "iat lies {0:.0} s before that of the ID token of this login, and not at the refresh (OpenID Connect Core §12.2)"
    )]
    IssuedBefore(f64),
    /// Another `typ` (RFC 7519 §5.1, RFC 9068 §2.1).
    #[error("expected typ {expected:?}, found {found:?} (RFC 9068 §2.1)")]
    MediaType {
        /// The type that is asked for.
        expected: String,
        /// That of the header, empty when it has none.
        found: String,
    },
    /// A scope was not granted (RFC 9068 §2.2.3, RFC 8693 §4.2).
    #[error("the scope {missing:?} is not in {found:?} (RFC 9068 §2.2.3)")]
    Scope {
        /// The first scope that is missing.
        missing: String,
        /// What the token holds.
        found: Vec<String>,
    },
    /// Less time is left than asked for.
    #[error("{left:.0} s are left, fewer than min_ttl of {least:.0} s")]
    TooShort {
        /// Seconds until `exp`.
        left: f64,
        /// The least that must be left.
        least: f64,
    },
    /// It lives longer than allowed.
    #[error("it lives {lifetime:.0} s, more than max_ttl of {most:.0} s")]
    TooLong {
        /// Seconds from `iat` to `exp`.
        lifetime: f64,
        /// The most that it may live.
        most: f64,
    },
    /// It never expires, though a longest lifetime is configured.
    #[error("it has no exp and so lives longer than max_ttl of {0:.0} s")]
    Unlimited(f64),
}

/// A claim that is a `NumericDate` (RFC 7519 §2): a number, whole or not.
///
/// # Errors
/// For any other type; text that reads as a number is none.
pub fn numeric_date(claims: &Claims, name: &'static str) -> Result<Option<f64>, ClaimError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(ClaimError::Type {
            name,
            expected: "a number of seconds (RFC 7519 §2)",
            found: json::kind(value),
        }),
    }
}

/// `exp`; `None` when it is neither there nor required.
///
/// # Errors
/// When the token has expired, or does not say when it does.
pub fn expiry(claims: &Claims, clock: Clock, required: bool) -> Option<Result<(), ClaimError>> {
    Some(match numeric_date(claims, "exp") {
        Err(error) => Err(error),
        Ok(None) if required => Err(ClaimError::Missing("exp".into())),
        Ok(None) => return None,
        Ok(Some(exp)) if clock.now - clock.leeway >= exp => {
            Err(ClaimError::Expired(clock.now - exp))
        }
        Ok(Some(_)) => Ok(()),
    })
}

/// `nbf`; `None` when it is not there.
///
/// # Errors
/// When the token is not valid yet.
pub fn not_before(claims: &Claims, clock: Clock) -> Option<Result<(), ClaimError>> {
    Some(match numeric_date(claims, "nbf") {
        Err(error) => Err(error),
        Ok(None) => return None,
        Ok(Some(nbf)) if nbf > clock.now + clock.leeway => {
            Err(ClaimError::NotYetValid(nbf - clock.now))
        }
        Ok(Some(_)) => Ok(()),
    })
}

/// `iat`; `None` when it is not there.
///
/// # Errors
/// When the token was issued in the future.
pub fn issued_at(claims: &Claims, clock: Clock) -> Option<Result<(), ClaimError>> {
    Some(match numeric_date(claims, "iat") {
        Err(error) => Err(error),
        Ok(None) => return None,
        Ok(Some(iat)) if iat > clock.now + clock.leeway => {
            Err(ClaimError::IssuedInFuture(iat - clock.now))
        }
        Ok(Some(_)) => Ok(()),
    })
}

/// `iss`, character by character.
///
/// # Errors
/// When it is missing or another.
pub fn issuer(claims: &Claims, expected: &str) -> Result<(), ClaimError> {
    match claims.get("iss") {
        None => Err(ClaimError::Missing("iss".into())),
        Some(Value::String(found)) if found == expected => Ok(()),
        Some(Value::String(found)) => {
            Err(ClaimError::Issuer { expected: expected.to_owned(), found: found.clone() })
        }
        Some(other) => Err(ClaimError::Type {
            name: "iss",
            expected: "a string (RFC 7519 §4.1.1)",
            found: json::kind(other),
        }),
    }
}

/// `aud`, which must name one of the expected and, when `exact`, nothing else.
///
/// # Errors
/// When it does not.
pub fn audience(claims: &Claims, expected: &[String], exact: bool) -> Result<(), ClaimError> {
    let found = audiences(claims)?;
    let expected = || expected.iter().cloned();
    if !found.iter().any(|name| expected().any(|wanted| wanted == *name)) {
        return Err(ClaimError::Audience { expected: expected().collect(), found });
    }
    if exact && !found.iter().all(|name| expected().any(|wanted| wanted == *name)) {
        return Err(ClaimError::FurtherAudience { expected: expected().collect(), found });
    }
    Ok(())
}

/// Whom `aud` names: one may stand there without a list (RFC 7519 §4.1.3).
///
/// # Errors
/// When it is not there, or of another type.
pub fn audiences(claims: &Claims) -> Result<Vec<String>, ClaimError> {
    let wrong = |value: &Value| ClaimError::Type {
        name: "aud",
        expected: "a string or an array of strings (RFC 7519 §4.1.3)",
        found: json::kind(value),
    };
    match claims.get("aud") {
        None => Err(ClaimError::Missing("aud".into())),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong(item)))
            .collect(),
        Some(other) => Err(wrong(other)),
    }
}

/// `typ` of the header: a media type, whose case and `application/` do not matter (RFC 7515 §4.1.9).
///
/// # Errors
/// When it is another.
pub fn media_type(found: Option<&str>, expected: &str) -> Result<(), ClaimError> {
    let bare = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("application/").map_or(text.clone(), str::to_owned)
    };
    let found = found.unwrap_or_default();
    if bare(found) == bare(expected) {
        return Ok(());
    }
    Err(ClaimError::MediaType { expected: expected.to_owned(), found: found.to_owned() })
}

/// The claims that must be there. A null says nothing.
///
/// # Errors
/// For the first that is missing.
pub fn required(claims: &Claims, names: &[String]) -> Result<(), ClaimError> {
    match names.iter().find(|name| claims.get(*name).is_none_or(Value::is_null)) {
        Some(missing) => Err(ClaimError::Missing(missing.clone())),
        None => Ok(()),
    }
}

/// The claims that are strings wherever they are there, whoever asks for them; `aud` may be a list
/// of them. A null says nothing.
///
/// # Errors
/// For the first that is of another type.
pub fn strings(claims: &Claims) -> Result<(), ClaimError> {
    for (name, expected) in [
        ("iss", "a string (RFC 7519 §4.1.1)"),
        ("sub", "a string (RFC 7519 §4.1.2)"),
        ("aud", "a string or an array of strings (RFC 7519 §4.1.3)"),
        ("jti", "a string (RFC 7519 §4.1.7)"),
        ("client_id", "a string (RFC 8693 §4.3)"),
    ] {
        let wrong = match claims.get(name) {
            None | Some(Value::Null | Value::String(_)) => None,
            Some(Value::Array(all)) if name == "aud" => all.iter().find(|one| !one.is_string()),
            other => other,
        };
        if let Some(other) = wrong {
            return Err(ClaimError::Type { name, expected, found: json::kind(other) });
        }
    }
    Ok(())
}

/// The scopes that must be granted, in `scope` (RFC 8693 §4.2: words in one string) or in `scp`,
/// as several providers call it; both as a string or as an array of strings.
///
/// # Errors
/// For the first that is missing.
pub fn scopes(claims: &Claims, wanted: &[String]) -> Result<(), ClaimError> {
    let mut found: Vec<String> = Vec::new();
    for name in ["scope", "scp"] {
        let wrong = |value: &Value| ClaimError::Type {
            name,
            expected: "a string of words (RFC 8693 §4.2) or an array of strings",
            found: json::kind(value),
        };
        match claims.get(name) {
            None | Some(Value::Null) => {}
            // By spaces alone (RFC 6749 §3.3).
            Some(Value::String(words)) => {
                let words = words.split(' ').filter(|word| !word.is_empty());
                found.extend(words.map(str::to_owned));
            }
            Some(Value::Array(items)) => {
                for item in items {
                    found.push(item.as_str().ok_or_else(|| wrong(item))?.to_owned());
                }
            }
            Some(other) => return Err(wrong(other)),
        }
    }
    match wanted.iter().find(|scope| !found.contains(scope)) {
        Some(missing) => Err(ClaimError::Scope { missing: missing.clone(), found }),
        None => Ok(()),
    }
}

/// What is left of the lifetime, and the whole of it: from `iat`, or from now where there is none.
///
/// # Errors
/// When too little is left, or it is too long.
pub fn lifetime(
    claims: &Claims,
    now: f64,
    least: Option<f64>,
    most: Option<f64>,
) -> Option<Result<(), ClaimError>> {
    let date = |name| numeric_date(claims, name).ok().flatten();
    let Some(exp) = date("exp") else {
        // Of the wrong type it failed another check. Without any, the token lives for ever.
        let unlimited = claims.get("exp").is_none();
        return most.filter(|_| unlimited).map(|most| Err(ClaimError::Unlimited(most)));
    };
    let (left, whole) = (exp - now, exp - date("iat").unwrap_or(now));
    Some(match (least, most) {
        (Some(least), _) if left < least => Err(ClaimError::TooShort { left, least }),
        (_, Some(most)) if whole > most => Err(ClaimError::TooLong { lifetime: whole, most }),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_700_000_000.0;
    const CLOCK: Clock = Clock { now: NOW, leeway: 30.0 };

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).expect(text)
    }

    /// "passes", "not run", or the message.
    fn told(verdict: Option<Result<(), ClaimError>>) -> String {
        match verdict {
            None => "not run".into(),
            Some(Ok(())) => "passes".into(),
            Some(Err(error)) => error.to_string(),
        }
    }

    #[test]
    fn expiry_is_a_number_after_now() {
        for (text, required, expected) in [
            (r#"{"exp": 1700000060}"#, true, "passes"),
            (r#"{"exp": 1700000060.5}"#, true, "passes"),
            (r#"{"exp": 1.70000006e9}"#, true, "passes"),
            (r#"{"exp": 1699999971}"#, true, "passes"),
            (r#"{"exp": 1699999970}"#, true, "expired 30 s ago (exp, RFC 7519 §4.1.4)"),
            (r#"{"exp": -1}"#, true, "expired 1700000001 s ago (exp, RFC 7519 §4.1.4)"),
            ("{}", true, "the claim exp is missing"),
            ("{}", false, "not run"),
            (
                r#"{"exp": "1700000060"}"#,
                false,
                "the claim exp must be a number of seconds (RFC 7519 §2), found a string",
            ),
            (
                r#"{"exp": null}"#,
                false,
                "the claim exp must be a number of seconds (RFC 7519 §2), found null",
            ),
        ] {
            assert_eq!(told(expiry(&claims(text), CLOCK, required)), expected, "{text}");
        }
    }

    #[test]
    fn validity_begins_and_tokens_are_issued_before_now() {
        for (text, nbf, iat) in [
            ("{}", "not run", "not run"),
            (r#"{"nbf": 1700000030, "iat": 1700000030}"#, "passes", "passes"),
            (
                r#"{"nbf": 1700000031, "iat": 1700000031}"#,
                "becomes valid in 31 s (nbf, RFC 7519 §4.1.5)",
                "was issued 31 s in the future (iat, RFC 7519 §4.1.6)",
            ),
            (
                r#"{"nbf": "0", "iat": true}"#,
                "the claim nbf must be a number of seconds (RFC 7519 §2), found a string",
                "the claim iat must be a number of seconds (RFC 7519 §2), found a boolean",
            ),
        ] {
            assert_eq!(told(not_before(&claims(text), CLOCK)), nbf, "{text}");
            assert_eq!(told(issued_at(&claims(text), CLOCK)), iat, "{text}");
        }
    }

    #[test]
    fn the_issuer_is_identical() {
        for (text, expected) in [
            (r#"{"iss": "https://a.example"}"#, "passes"),
            (
                r#"{"iss": "https://a.example/"}"#,
                r#"expected iss "https://a.example", found "https://a.example/": they must be identical (RFC 9068 §4)"#,
            ),
            ("{}", "the claim iss is missing"),
            (
                r#"{"iss": ["https://a.example"]}"#,
                "the claim iss must be a string (RFC 7519 §4.1.1), found an array",
            ),
        ] {
            let verdict = Some(issuer(&claims(text), "https://a.example"));
            assert_eq!(told(verdict), expected, "{text}");
        }
    }

    #[test]
    fn the_audience_is_one_of_those_asked_for() {
        let wanted = ["api".to_owned(), "other-api".to_owned()];
        let wrong =
            "the claim aud must be a string or an array of strings (RFC 7519 §4.1.3), found ";
        for (text, tolerant, exact) in [
            (r#"{"aud": "api"}"#, "passes", "passes"),
            (r#"{"aud": ["api"]}"#, "passes", "passes"),
            (r#"{"aud": ["api", "other-api"]}"#, "passes", "passes"),
            (
                r#"{"aud": ["userinfo", "api"]}"#,
                "passes",
                r#"aud names others beside ["api", "other-api"]: ["userinfo", "api"]"#,
            ),
        ] {
            let claims = claims(text);
            assert_eq!(told(Some(audience(&claims, &wanted, false))), tolerant, "{text}");
            assert_eq!(told(Some(audience(&claims, &wanted, true))), exact, "{text}");
        }
        for (text, expected) in [
            ("{}", "the claim aud is missing".to_owned()),
            (r#"{"aud": {"api": 1}}"#, format!("{wrong}an object")),
            (r#"{"aud": ["api", 1]}"#, format!("{wrong}a number")),
            (
                r#"{"aud": []}"#,
                r#"expected one of ["api", "other-api"] in aud, found [] (RFC 7519 §4.1.3)"#.into(),
            ),
            (
                r#"{"aud": "API"}"#,
                r#"expected one of ["api", "other-api"] in aud, found ["API"] (RFC 7519 §4.1.3)"#
                    .into(),
            ),
        ] {
            assert_eq!(told(Some(audience(&claims(text), &wanted, false))), expected, "{text}");
        }
    }

    #[test]
    fn the_type_is_a_media_type() {
        for (found, passes) in [
            (Some("at+jwt"), true),
            (Some("AT+JWT"), true),
            (Some("application/at+jwt"), true),
            (Some("JWT"), false),
            (None, false),
        ] {
            assert_eq!(media_type(found, "at+jwt").is_ok(), passes, "{found:?}");
        }
        assert_eq!(
            told(Some(media_type(None, "at+jwt"))),
            r#"expected typ "at+jwt", found "" (RFC 9068 §2.1)"#
        );
    }

    #[test]
    fn required_claims_are_there_and_not_null() {
        let names = ["sub".to_owned(), "https://a.example/roles".to_owned()];
        for (text, expected) in [
            (r#"{"sub": "", "https://a.example/roles": []}"#, "passes"),
            (r#"{"sub": "ada"}"#, "the claim https://a.example/roles is missing"),
            (r#"{"sub": null, "https://a.example/roles": []}"#, "the claim sub is missing"),
        ] {
            assert_eq!(told(Some(required(&claims(text), &names))), expected, "{text}");
        }
    }

    #[test]
    fn some_claims_are_strings_whoever_asks_for_them() {
        for (text, expected) in [
            (r#"{"sub": "", "jti": null, "aud": ["a", "b"], "other": 5}"#, "passes"),
            (r#"{"iss": {}}"#, "the claim iss must be a string (RFC 7519 §4.1.1), found an object"),
            (
                r#"{"aud": ["a", 5]}"#,
                "the claim aud must be a string or an array of strings (RFC 7519 §4.1.3), found a number",
            ),
            (r#"{"sub": 5}"#, "the claim sub must be a string (RFC 7519 §4.1.2), found a number"),
            (
                r#"{"jti": ["x"]}"#,
                "the claim jti must be a string (RFC 7519 §4.1.7), found an array",
            ),
            (
                r#"{"client_id": 5}"#,
                "the claim client_id must be a string (RFC 8693 §4.3), found a number",
            ),
        ] {
            assert_eq!(told(Some(strings(&claims(text)))), expected, "{text}");
        }
    }

    #[test]
    fn scopes_stand_in_scope_or_scp() {
        let wanted = ["read".to_owned(), "write".to_owned()];
        for (text, expected) in [
            (r#"{"scope": "openid write read"}"#, "passes"),
            (r#"{"scp": ["write", "read"]}"#, "passes"),
            (r#"{"scope": ["write", "read"]}"#, "passes"),
            (r#"{"scp": "write read"}"#, "passes"),
            (r#"{"scope": "read", "scp": ["write"]}"#, "passes"),
            (r#"{"scope": " read  write "}"#, "passes"),
            (
                r#"{"scope": "read\u00a0write"}"#,
                "the scope \"read\" is not in [\"read\\u{a0}write\"] (RFC 9068 §2.2.3)",
            ),
            (
                r#"{"scope": "read\nwrite"}"#,
                "the scope \"read\" is not in [\"read\\nwrite\"] (RFC 9068 §2.2.3)",
            ),
            (
                r#"{"scope": "read writer"}"#,
                r#"the scope "write" is not in ["read", "writer"] (RFC 9068 §2.2.3)"#,
            ),
            ("{}", r#"the scope "read" is not in [] (RFC 9068 §2.2.3)"#),
            (
                r#"{"scope": 1}"#,
                "the claim scope must be a string of words (RFC 8693 §4.2) or an array of strings, found a number",
            ),
        ] {
            assert_eq!(told(Some(scopes(&claims(text), &wanted))), expected, "{text}");
        }
    }

    #[test]
    fn the_lifetime_has_two_ends() {
        for (text, least, most, expected) in [
            (r#"{"exp": 1700000300, "iat": 1700000000}"#, Some(300.0), Some(300.0), "passes"),
            (
                r#"{"exp": 1700000299}"#,
                Some(300.0),
                None,
                "299 s are left, fewer than min_ttl of 300 s",
            ),
            (
                r#"{"exp": 1700000300, "iat": 1699990000}"#,
                None,
                Some(300.0),
                "it lives 10300 s, more than max_ttl of 300 s",
            ),
            (
                r#"{"exp": 1700000301}"#,
                None,
                Some(300.0),
                "it lives 301 s, more than max_ttl of 300 s",
            ),
            ("{}", Some(1.0), None, "not run"),
            ("{}", None, Some(300.0), "it has no exp and so lives longer than max_ttl of 300 s"),
            (r#"{"exp": "soon"}"#, None, Some(300.0), "not run"),
        ] {
            assert_eq!(told(lifetime(&claims(text), NOW, least, most)), expected, "{text}");
        }
    }
}
