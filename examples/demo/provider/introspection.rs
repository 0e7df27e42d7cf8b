//! Whether a token is active (RFC 7662), and how it ceases to be (RFC 7009).

use std::sync::PoisonError;

use http::StatusCode;
use serde_json::json;

use super::Site;
use super::answer::Answer;
use super::client::{self, refusal};
use super::received::Received;
use super::{access_token, token};

pub(super) const PATH: &str = "/introspect";
pub(super) const REVOCATION_PATH: &str = "/revoke";

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    client::answer(site, request, |form| {
        let token =
            form.one("token").ok_or_else(|| refusal("invalid_request", "token is missing"))?;
        Ok(match access_token::verify(site, token) {
            Ok(claims) => Answer::json(
                StatusCode::OK,
                &json!({
                    "active": true,
                    "token_type": "Bearer",
                    "scope": claims.scope,
                    "client_id": claims.client_id,
                    "exp": claims.exp,
                }),
            ),
            Err(_) => inactive(),
        })
    })
}

pub(super) fn inactive() -> Answer {
    Answer::json(StatusCode::OK, &json!({"active": false}))
}

/// Revokes the token; one that is none is as good as revoked (RFC 7009 §2.2).
pub(super) fn revoke(site: &Site, request: &Received, effective: bool) -> Answer {
    client::answer(site, request, |form| {
        let given =
            form.one("token").ok_or_else(|| refusal("invalid_request", "token is missing"))?;
        if effective && let Ok(claims) = access_token::verify(site, given) {
            let mut revoked = site.shared.revoked.lock().unwrap_or_else(PoisonError::into_inner);
            revoked.insert(claims.jti);
        } else if effective {
            token::forget(&site.shared, given);
        }
        Ok(Answer::text(StatusCode::OK, ""))
    })
}
