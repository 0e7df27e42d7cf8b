//! What the endpoints of a client share: its form, its authentication (RFC 6749 §2.3), and the
//! errors of §5.2.

use std::collections::BTreeSet;

use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::json;

use super::answer::Answer;
use super::received::{Received, form_decoded};
use super::{CLIENT_ID, PUBLIC_CLIENT_ID, Site};

/// An error of RFC 6749 §5.2.
pub(super) struct Refusal {
    error: &'static str,
    description: &'static str,
}

pub(super) const fn refusal(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

/// A form of a client that proved itself.
pub(super) struct ClientForm {
    pub(super) client: &'static str,
    parameters: Vec<(String, String)>,
}

impl ClientForm {
    /// A parameter; an empty one is none (§3.2).
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        one(&self.parameters, name)
    }

    /// All parameters.
    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// All values under these names.
    pub(super) fn all(&self, names: &[&str]) -> Vec<String> {
        let found = self.parameters.iter().filter(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.clone()).collect()
    }
}

/// The value of a parameter; an empty one is none (§3.1).
pub(super) fn one<'a>(parameters: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(name, value)| name == wanted && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

/// Answers a POST of a client, or says why not.
pub(super) fn answer(
    site: &Site,
    request: &Received,
    serve: impl FnOnce(&ClientForm) -> Result<Answer, Refusal>,
) -> Answer {
    if request.method != Method::POST {
        let answer = Answer::text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n");
        return answer.with(ALLOW, "POST");
    }
    let answer = form(site, request).and_then(|form| serve(&form));
    answer.unwrap_or_else(|refusal| error(refusal.error, refusal.description))
}

/// The error answer: 401 with a challenge where the client is refused, else 400.
pub(super) fn error(error: &str, description: &str) -> Answer {
    let body = json!({"error": error, "error_description": description});
    not_stored(if error == "invalid_client" {
        Answer::json(StatusCode::UNAUTHORIZED, &body).with(WWW_AUTHENTICATE, "Basic realm=\"demo\"")
    } else {
        Answer::json(StatusCode::BAD_REQUEST, &body)
    })
}

pub(super) fn not_stored(answer: Answer) -> Answer {
    answer.with(CACHE_CONTROL, "no-store").with(PRAGMA, "no-cache")
}

fn form(site: &Site, request: &Received) -> Result<ClientForm, Refusal> {
    if !request.is_form() {
        return Err(refusal("invalid_request", "the body is no form"));
    }
    let parameters = request.form();
    let mut names = BTreeSet::new();
    // RFC 6749 §3.2; the exception is RFC 8707 §2.
    if parameters.iter().any(|(name, _)| !names.insert(name) && name != "resource") {
        return Err(refusal("invalid_request", "a parameter is given more than once"));
    }
    let client = authenticate(
        site,
        request,
        one(&parameters, "client_id"),
        one(&parameters, "client_secret"),
    )?;
    Ok(ClientForm { client, parameters })
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
        // providers exist, and they must be probed.
        (Some(PUBLIC_CLIENT_ID), None) => Ok(PUBLIC_CLIENT_ID),
        _ => Err(unknown),
    }
}
