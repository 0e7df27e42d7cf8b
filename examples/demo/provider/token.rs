//! The token endpoint: client credentials (RFC 6749 §4.4), errors as §5.2 has them.

use std::collections::BTreeSet;

use http::header::AUTHORIZATION;
use http::header::{ALLOW, CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::json;

use super::answer::Answer;
use super::received::{Received, form_decoded};
use super::{CLIENT_ID, PUBLIC_CLIENT_ID, Site, keys};

pub(super) const PATH: &str = "/token";
/// What both clients may ask for.
pub(super) const SCOPES: [&str; 2] = ["monitoring:health", "monitoring:detail"];

/// An error of RFC 6749 §5.2.
struct Refusal {
    error: &'static str,
    description: &'static str,
}

const fn refusal(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    if request.method != Method::POST {
        let answer = Answer::text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n");
        return answer.with(ALLOW, "POST");
    }
    issue(site, request).unwrap_or_else(|refusal| error(refusal.error, refusal.description))
}

/// The error answer: 401 with a challenge where the client is refused, else 400.
pub(super) fn error(error: &str, description: &str) -> Answer {
    let body = json!({"error": error, "error_description": description});
    let answer = if error == "invalid_client" {
        Answer::json(StatusCode::UNAUTHORIZED, &body).with(WWW_AUTHENTICATE, "Basic realm=\"demo\"")
    } else {
        Answer::json(StatusCode::BAD_REQUEST, &body)
    };
    not_stored(answer)
}

fn not_stored(answer: Answer) -> Answer {
    answer.with(CACHE_CONTROL, "no-store").with(PRAGMA, "no-cache")
}

fn issue(site: &Site, request: &Received) -> Result<Answer, Refusal> {
    if !request.is_form() {
        return Err(refusal("invalid_request", "the body is no form"));
    }
    let form = request.form();
    let mut names = BTreeSet::new();
    // RFC 6749 §3.2; the exception is RFC 8707 §2.
    if form.iter().any(|(name, _)| !names.insert(name) && name != "resource") {
        return Err(refusal("invalid_request", "a parameter is given more than once"));
    }
    // An empty parameter is none (§3.2).
    let one = |wanted: &str| {
        let found = form.iter().find(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let client = authenticate(site, request, one("client_id"), one("client_secret"))?;
    match one("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(refusal("unsupported_grant_type", "only client_credentials")),
        None => return Err(refusal("invalid_request", "grant_type is missing")),
    }
    let scope = match one("scope") {
        None => SCOPES.join(" "),
        Some(scope) if scope.split(' ').all(|word| SCOPES.contains(&word)) => scope.to_owned(),
        Some(_) => return Err(refusal("invalid_scope", "the client may not have this scope")),
    };
    let mut audience: Vec<String> = form
        .iter()
        .filter(|(name, _)| name == "resource" || name == "audience")
        .map(|(_, value)| value.clone())
        .collect();
    if audience.is_empty() {
        audience.push(format!("{}/api", site.base));
    }
    Ok(not_stored(Answer::json(
        StatusCode::OK,
        &json!({
            "access_token": site.shared.key.sign(&site.base, client, audience, &scope),
            "token_type": "Bearer",
            "expires_in": keys::LIFETIME,
            "scope": scope,
        }),
    )))
}

/// The client, by one of the methods and no two (§2.3).
fn authenticate(
    site: &Site,
    request: &Received,
    id: Option<&str>,
    secret: Option<&str>,
) -> Result<&'static str, Refusal> {
    let unknown = refusal("invalid_client", "unknown client, or a wrong secret");
    if request.headers.contains_key(AUTHORIZATION) {
        if secret.is_some() {
            return Err(refusal("invalid_request", "two methods of client authentication"));
        }
        let pair = request
            .basic()
            .and_then(|(user, password)| Some((form_decoded(&user)?, form_decoded(&password)?)));
        return match pair {
            Some((user, password))
                if user == CLIENT_ID && password == site.shared.credentials.client_secret =>
            {
                Ok(CLIENT_ID)
            }
            _ => Err(unknown),
        };
    }
    match (id, secret) {
        (Some(CLIENT_ID), Some(secret)) if secret == site.shared.credentials.client_secret => {
            Ok(CLIENT_ID)
        }
        // Against RFC 6749 §4.4, which keeps this grant for clients with a secret; but such
        // providers are, and they must be probed.
        (Some(PUBLIC_CLIENT_ID), None) => Ok(PUBLIC_CLIENT_ID),
        _ => Err(unknown),
    }
}
