//! What OpenID Connect asks of an ID token beside what every JWT is asked (Core §3.1.3.7, §12.2).

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::claims::{ClaimError, Claims, Clock, audiences, numeric_date};
use super::jose::Algorithm;
use super::json;

/// What the claims of an ID token are held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// `nonce` of the authorization request; `None` after a refresh.
    pub nonce: Option<&'a str>,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    /// The code that it was had for.
    pub code: Option<&'a str>,
    /// `max_age` of the authorization request, in seconds.
    pub max_age: Option<f64>,
    /// The claims of the ID token of the same login, after a refresh.
    pub earlier: Option<&'a Claims>,
}

/// The claims that only an ID token has, and those that it must have.
///
/// # Errors
/// For the first that is not as it must be.
pub fn check(
    claims: &Claims,
    algorithm: Algorithm,
    expected: &Expected<'_>,
    clock: Clock,
) -> Result<(), ClaimError> {
    if text(claims, "sub")?.is_none_or(str::is_empty) {
        return Err(ClaimError::Missing("sub".into()));
    }
    if let Some(earlier) = expected.earlier {
        same_login(claims, earlier, clock)?;
    }
    if numeric_date(claims, "iat")?.is_none() {
        return Err(ClaimError::Missing("iat".into()));
    }
    if let Some(nonce) = expected.nonce {
        match text(claims, "nonce")? {
            Some(found) if found == nonce => {}
            Some(_) => return Err(ClaimError::Nonce("another one")),
            None => return Err(ClaimError::Nonce("missing")),
        }
    }
    for (name, value) in [("at_hash", expected.access_token), ("c_hash", expected.code)] {
        if let (Some(found), Some(value)) = (text(claims, name)?, value)
            && found != left_half(algorithm, value)
        {
            return Err(ClaimError::Hash(name));
        }
    }
    let logged_in = numeric_date(claims, "auth_time")?;
    if let Some(ahead) = logged_in.map(|at| at - clock.now).filter(|ahead| *ahead > clock.leeway) {
        return Err(ClaimError::AuthTimeInFuture(ahead));
    }
    if let Some(most) = expected.max_age {
        let at = logged_in.ok_or_else(|| ClaimError::Missing("auth_time".into()))?;
        let age = clock.now - at;
        if age > most + clock.leeway {
            return Err(ClaimError::AuthTime { age, most });
        }
    }
    Ok(())
}

/// What a refresh keeps of the login (Core §12.2). A nonce and the time of the login need not be
/// there again.
fn same_login(claims: &Claims, earlier: &Claims, clock: Clock) -> Result<(), ClaimError> {
    super::claims::issuer(claims, text(earlier, "iss")?.unwrap_or_default())?;
    if text(claims, "sub")? != text(earlier, "sub")? {
        return Err(ClaimError::Subject);
    }
    if BTreeSet::from_iter(audiences(claims)?) != BTreeSet::from_iter(audiences(earlier)?) {
        return Err(ClaimError::ChangedParty("aud"));
    }
    if text(claims, "azp")? != text(earlier, "azp")? {
        return Err(ClaimError::ChangedParty("azp"));
    }
    // It is the time of the refresh, so not one before the login.
    let issued = (numeric_date(earlier, "iat")?, numeric_date(claims, "iat")?);
    if let (Some(before), Some(now)) = issued
        && before - now > clock.leeway
    {
        return Err(ClaimError::IssuedBefore(before - now));
    }
    if let Some(nonce) = text(claims, "nonce")?
        && Some(nonce) != text(earlier, "nonce")?
    {
        return Err(ClaimError::Nonce("another one"));
    }
    let logged_in = (numeric_date(earlier, "auth_time")?, numeric_date(claims, "auth_time")?);
    if let (Some(before), Some(now)) = logged_in
        && (before - now).abs() >= 1.0
    {
        return Err(ClaimError::AuthTimeChanged);
    }
    Ok(())
}

/// `iss` where nothing says which one it must be: there must be one all the same (Core §2).
///
/// # Errors
/// When there is none.
pub fn issuer(claims: &Claims) -> Result<(), ClaimError> {
    match text(claims, "iss")? {
        Some(issuer) if !issuer.is_empty() => Ok(()),
        _ => Err(ClaimError::Missing("iss".into())),
    }
}

/// `aud` and `azp`: the client, and others only when they are trusted.
///
/// # Errors
/// When the token is for somebody else, or for others too.
pub fn audience(claims: &Claims, client: &str, trusted: &[String]) -> Result<(), ClaimError> {
    let client = client.to_owned();
    super::claims::audience(claims, std::slice::from_ref(&client), false)?;
    let known: Vec<String> =
        std::iter::once(client.clone()).chain(trusted.iter().cloned()).collect();
    super::claims::audience(claims, &known, true)?;
    match text(claims, "azp")? {
        Some(party) if party != client => {
            Err(ClaimError::AuthorizedParty { expected: client, found: party.to_owned() })
        }
        _ => Ok(()),
    }
}

/// The left half of the hash of a token or code (Core §3.1.3.6, §3.3.2.11): the hash is that of the
/// signature's algorithm.
fn left_half(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::Hs384 | Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &SHA384,
        Algorithm::Hs512
        | Algorithm::Rs512
        | Algorithm::Ps512
        | Algorithm::Es512
        | Algorithm::EdDsa
        | Algorithm::Ed25519 => &SHA512,
        Algorithm::Hs256
        | Algorithm::Rs256
        | Algorithm::Ps256
        | Algorithm::Es256
        | Algorithm::Es256K => &SHA256,
    };
    let hash = digest(hash, text.as_bytes());
    let half = hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

fn text<'a>(claims: &'a Claims, name: &'static str) -> Result<Option<&'a str>, ClaimError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(ClaimError::Type {
            name,
            expected: "a string (OpenID Connect Core §2)",
            found: json::kind(other),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock { now: 1_000.0, leeway: 10.0 };

    fn told(text: &str, expected: &Expected<'_>) -> String {
        let claims: Claims = serde_json::from_str(text).expect(text);
        match check(&claims, Algorithm::Rs256, expected, CLOCK) {
            Ok(()) => "passes".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_hash_of_the_specification() {
        // OpenID Connect Core appendix A.4: the access token and its at_hash.
        assert_eq!(
            left_half(Algorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(left_half(Algorithm::Es384, "x").len(), 32);
        assert_eq!(left_half(Algorithm::EdDsa, "x").len(), 43);
    }

    #[test]
    fn what_an_id_token_must_hold() {
        let nonce = Expected { nonce: Some("n"), ..Expected::default() };
        for (text, expected, told_as) in [
            (r#"{"iss": "i", "sub": "ada", "iat": 1000}"#, Expected::default(), "passes"),
            (r#"{"iss": "i", "iat": 1000}"#, Expected::default(), "the claim sub is missing"),
            (
                r#"{"iss": "i", "sub": "", "iat": 1000}"#,
                Expected::default(),
                "the claim sub is missing",
            ),
            (
                r#"{"iss": "i", "sub": 7, "iat": 1000}"#,
                Expected::default(),
                "the claim sub must be a string (OpenID Connect Core §2), found a number",
            ),
            (r#"{"iss": "i", "sub": "ada"}"#, Expected::default(), "the claim iat is missing"),
            (r#"{"iss": "i", "sub": "ada", "iat": 1000, "nonce": "n"}"#, nonce, "passes"),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "nonce": "m"}"#,
                nonce,
                "the nonce is another one, so the token belongs to another login (OpenID Connect Core §3.1.3.7)",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000}"#,
                nonce,
                "the nonce is missing, so the token belongs to another login (OpenID Connect Core §3.1.3.7)",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}"#,
                Expected { access_token: Some("other"), ..Expected::default() },
                "at_hash is not the hash of what came with the token (OpenID Connect Core §3.1.3.6, §3.3.2.11)",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "c_hash": "x"}"#,
                Expected { code: Some("c"), ..Expected::default() },
                "c_hash is not the hash of what came with the token (OpenID Connect Core §3.1.3.6, §3.3.2.11)",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "auth_time": 979.5}"#,
                Expected { max_age: Some(10.0), ..Expected::default() },
                "the login was 20 s ago, more than max_age of 10 s (OpenID Connect Core §3.1.3.7)",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "auth_time": 980}"#,
                Expected { max_age: Some(10.0), ..Expected::default() },
                "passes",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000}"#,
                Expected { max_age: Some(10.0), ..Expected::default() },
                "the claim auth_time is missing",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "auth_time": 1010}"#,
                Expected::default(),
                "passes",
            ),
            (
                r#"{"iss": "i", "sub": "ada", "iat": 1000, "auth_time": 1060}"#,
                Expected::default(),
                "auth_time lies 60 s in the future (OpenID Connect Core §2)",
            ),
        ] {
            assert_eq!(told(text, &expected), told_as, "{text}");
        }
    }

    #[test]
    fn an_issuer_is_always_there() {
        for (text, passes) in [
            (r#"{"iss": "https://i.example"}"#, true),
            (r#"{"iss": ""}"#, false),
            (r#"{"iss": 7}"#, false),
            ("{}", false),
        ] {
            let claims: Claims = serde_json::from_str(text).expect(text);
            assert_eq!(issuer(&claims).is_ok(), passes, "{text}");
        }
    }

    #[test]
    fn what_a_refresh_keeps_of_the_login() {
        let claims = |text: &str| -> Claims { serde_json::from_str(text).expect(text) };
        let earlier = |more: &str| {
            claims(&format!(
                r#"{{"iss": "i", "sub": "ada", "aud": "app", "iat": 900, "nonce": "n", "auth_time": 900{more}}}"#
            ))
        };
        let (plain, with_azp) = (earlier(""), earlier(r#", "azp": "app""#));
        let told = |changes: &[(&str, &str)], earlier: &Claims| {
            let mut members = vec![
                ("iss", r#""i""#),
                ("sub", r#""ada""#),
                ("aud", r#"["app"]"#),
                ("iat", "1000"),
            ];
            members.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
            let members: Vec<_> = members
                .iter()
                .chain(changes)
                .map(|(name, value)| format!(r#""{name}": {value}"#))
                .collect();
            let expected = Expected { earlier: Some(earlier), ..Expected::default() };
            told(&format!("{{{}}}", members.join(", ")), &expected)
        };
        for changes in [
            &[][..],
            &[("nonce", r#""n""#), ("auth_time", "900")],
            // Clocks differ, but not by more than is forgiven.
            &[("iat", "890")],
            &[("aud", r#""app""#)],
        ] {
            assert_eq!(told(changes, &plain), "passes", "{changes:?}");
        }
        assert_eq!(told(&[("azp", r#""app""#)], &with_azp), "passes");
        let party = |name| {
            format!("{name} is not that of the ID token of this login (OpenID Connect Core §12.2)")
        };
        assert_eq!(told(&[], &with_azp), party("azp"));
        assert_eq!(told(&[("azp", r#""app""#)], &plain), party("azp"));
        assert_eq!(told(&[("aud", r#"["app", "other"]"#)], &plain), party("aud"));
        for (name, value, told_as) in [
            (
                "iss",
                r#""j""#,
                "expected iss \"i\", found \"j\": they must be identical (RFC 9068 §4)",
            ),
            (
                "sub",
                r#""eve""#,
                "the subject is not that of the ID token of this login (OpenID Connect Core §5.3.2, §12.2)",
            ),
            (
                "nonce",
                r#""m""#,
                "the nonce is another one, so the token belongs to another login (OpenID Connect Core §3.1.3.7)",
            ),
            (
                "auth_time",
                "1000",
                "auth_time is not that of the ID token of this login (OpenID Connect Core §12.2)",
            ),
            (
                "iat",
                "889",
                "iat lies 11 s before that of the ID token of this login, and not at the refresh (OpenID Connect Core §12.2)",
            ),
        ] {
            assert_eq!(told(&[(name, value)], &plain), told_as, "{name} {value}");
        }
    }

    #[test]
    fn the_audience_is_the_client() {
        let trusted = ["partner".to_owned()];
        for (text, passes) in [
            (r#"{"aud": "app"}"#, true),
            (r#"{"aud": ["app"]}"#, true),
            (r#"{"aud": ["app", "partner"]}"#, true),
            (r#"{"aud": ["app", "stranger"]}"#, false),
            (r#"{"aud": "partner"}"#, false),
            (r#"{"aud": "app", "azp": "app"}"#, true),
            (r#"{"aud": "app", "azp": "partner"}"#, false),
            ("{}", false),
        ] {
            let claims: Claims = serde_json::from_str(text).expect(text);
            assert_eq!(audience(&claims, "app", &trusted).is_ok(), passes, "{text}");
        }
    }
}
