//! A service that wants an API key, wherever it is put.

use http::StatusCode;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use serde_json::json;

use super::answer::Answer;
use super::received::Received;
use super::{Site, keys};

pub(super) const PATH: &str = "/v1/account";
pub(super) const KEY_PATH: &str = "/v1/keys/self";
/// Header of the key.
const HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// When the key ends, as GitHub tells it.
const EXPIRATION: HeaderName = HeaderName::from_static("github-authentication-token-expiration");
/// Parameter and cookie of the key.
const NAME: &str = "api_key";

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    if has_key(site, request) { accepted("active") } else { refused(StatusCode::UNAUTHORIZED) }
}

/// What the service knows of the key.
pub(super) fn key_info(site: &Site, request: &Received) -> Answer {
    if has_key(site, request) {
        info(keys::now() + 30 * 24 * 3600)
    } else {
        refused(StatusCode::UNAUTHORIZED)
    }
}

pub(super) fn info(expires_at: u64) -> Answer {
    Answer::json(StatusCode::OK, &json!({"id": "key-1", "expires_at": expires_at}))
}

fn has_key(site: &Site, request: &Received) -> bool {
    keys_in(request).contains(&site.shared.credentials.api_key)
}

/// Every key that the request carries.
fn keys_in(request: &Received) -> Vec<String> {
    let named = |pairs: Vec<(String, String)>| {
        pairs.into_iter().filter(|(name, _)| name == NAME).map(|(_, value)| value)
    };
    let mut keys: Vec<String> = request.header(&HEADER).map(str::to_owned).into_iter().collect();
    keys.extend(named(request.query()));
    keys.extend(named(request.cookies()));
    keys.extend(request.bearer().map(str::to_owned));
    // The key is the password, or the user where there is no password.
    keys.extend(
        request.basic().map(|(user, password)| if password.is_empty() { user } else { password }),
    );
    keys
}

pub(super) fn accepted(status: &str) -> Answer {
    Answer::json(StatusCode::OK, &json!({"account": {"id": "acct-1", "status": status}}))
        .with(EXPIRATION, "2099-12-31 12:00:00 UTC")
}

pub(super) fn refused(status: StatusCode) -> Answer {
    Answer::json(status, &json!({"message": "a good API key is needed"}))
        .with(WWW_AUTHENTICATE, "Basic realm=\"demo\", Bearer realm=\"demo\"")
}
