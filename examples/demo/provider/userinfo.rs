//! What is known of the user (OpenID Connect Core §5.3).

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::received::Received;
use super::{Site, access_token, api};

pub(super) const PATH: &str = "/userinfo";

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    let Some(token) = request.bearer() else {
        return api::refused(StatusCode::UNAUTHORIZED, "Bearer realm=\"demo\"");
    };
    match access_token::verify(site, token) {
        Ok(claims) if claims.scope.split(' ').any(|word| word == "openid") => {
            Answer::json(StatusCode::OK, &known(&claims.sub))
        }
        Ok(_) => api::refused(StatusCode::FORBIDDEN, "Bearer error=\"insufficient_scope\""),
        Err(_) => api::refused(StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\""),
    }
}

fn known(sub: &str) -> Value {
    json!({"sub": sub, "name": "Demo User", "email": "demo-user@example.com"})
}
