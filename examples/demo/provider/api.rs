//! An API that wants an access token (RFC 6750), and knows which were revoked.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use super::Site;
use super::access_token::{self, Defect};
use super::answer::Answer;
use super::received::Received;

pub(super) const PATH: &str = "/api/me";

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    let Some(token) = request.bearer() else {
        // Without a credential there is nothing to say of it (RFC 6750 §3.1).
        return refused(StatusCode::UNAUTHORIZED, "Bearer realm=\"demo\"");
    };
    match access_token::verify(site, token) {
        Ok(claims) => accepted(&claims.sub, &claims.scope),
        Err(_) => refused(
            StatusCode::UNAUTHORIZED,
            "Bearer realm=\"demo\", error=\"invalid_token\", \
             error_description=\"the token is expired, revoked, forged or from elsewhere\"",
        ),
    }
}

/// What is wrong with the token of a request that carries one.
pub(super) fn defect(site: &Site, request: &Received) -> Option<Defect> {
    access_token::verify(site, request.bearer()?).err()
}

pub(super) fn accepted(sub: &str, scope: &str) -> Answer {
    Answer::json(StatusCode::OK, &json!({"sub": sub, "scope": scope}))
}

pub(super) fn refused(status: StatusCode, challenge: &str) -> Answer {
    Answer::json(status, &json!({"message": "authentication needed"}))
        .with(WWW_AUTHENTICATE, challenge)
}
