//! An API that wants an access token (RFC 6750).

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use super::Site;
use super::answer::Answer;
use super::received::Received;

pub(super) const PATH: &str = "/api/me";

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    let Some(token) = request.bearer() else {
        // Without a credential there is nothing to say of it (RFC 6750 §3.1).
        return refused(StatusCode::UNAUTHORIZED, "Bearer realm=\"demo\"");
    };
    match site.shared.key.verify(token, &site.base) {
        Some(claims) => accepted(&claims.sub, &claims.scope),
        None => refused(
            StatusCode::UNAUTHORIZED,
            "Bearer realm=\"demo\", error=\"invalid_token\", \
             error_description=\"the token is expired, forged or from elsewhere\"",
        ),
    }
}

pub(super) fn accepted(sub: &str, scope: &str) -> Answer {
    Answer::json(StatusCode::OK, &json!({"sub": sub, "scope": scope}))
}

pub(super) fn refused(status: StatusCode, challenge: &str) -> Answer {
    Answer::json(status, &json!({"message": "authentication needed"}))
        .with(WWW_AUTHENTICATE, challenge)
}
