//! The token endpoint: client credentials (RFC 6749 §4.4).

use http::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::client::{self, ClientForm, Refusal, refusal};
use super::received::Received;
use super::{Site, keys};

pub(super) const PATH: &str = "/token";
/// What both clients may ask for.
pub(super) const SCOPES: [&str; 2] = ["monitoring:health", "monitoring:detail"];

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    client::answer(site, request, |form| issue(site, form))
}

fn issue(site: &Site, form: &ClientForm) -> Result<Answer, Refusal> {
    match form.one("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(refusal("unsupported_grant_type", "only client_credentials")),
        None => return Err(refusal("invalid_request", "grant_type is missing")),
    }
    let scope = match form.one("scope") {
        None => SCOPES.join(" "),
        Some(scope) if scope.split(' ').all(|word| SCOPES.contains(&word)) => scope.to_owned(),
        Some(_) => return Err(refusal("invalid_scope", "the client may not have this scope")),
    };
    let mut audience = form.all(&["audience", "resource"]);
    if audience.is_empty() {
        audience.push(format!("{}/api", site.base));
    }
    Ok(client::not_stored(Answer::json(
        StatusCode::OK,
        &json!({
            "access_token": site.shared.key.sign(&site.base, form.client, audience, &scope),
            "token_type": "Bearer",
            "expires_in": keys::LIFETIME,
            "scope": scope,
        }),
    )))
}
