//! Provider metadata (OpenID Connect Discovery §3, RFC 8414 §2) and the key set.

use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde_json::json;

use super::answer::Answer;
use super::{Site, authorize, introspection, keys, logout, token, userinfo};

pub(super) const OPENID_CONNECT: &str = "/.well-known/openid-configuration";
pub(super) const OAUTH: &str = "/.well-known/oauth-authorization-server";
pub(super) const JWKS: &str = "/jwks";
/// How long caches may keep the key set, in seconds.
const MAX_AGE: u64 = 300;

/// One document serves both specifications.
pub(super) fn document(site: &Site) -> Answer {
    let base = &site.base;
    let scopes = [&token::SCOPES[..], &token::USER_SCOPES].concat();
    Answer::json(
        StatusCode::OK,
        &json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}{}", authorize::PATH),
            "pushed_authorization_request_endpoint": format!("{base}{}", authorize::PUSHED_PATH),
            "token_endpoint": format!("{base}{}", token::PATH),
            "introspection_endpoint": format!("{base}{}", introspection::PATH),
            "revocation_endpoint": format!("{base}{}", introspection::REVOCATION_PATH),
            "userinfo_endpoint": format!("{base}{}", userinfo::PATH),
            "end_session_endpoint": format!("{base}{}", logout::PATH),
            "jwks_uri": format!("{base}{JWKS}"),
            "scopes_supported": scopes,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "code_challenge_methods_supported": authorize::CHALLENGE_METHODS,
            "authorization_response_iss_parameter_supported": true,
            "prompt_values_supported": ["none", "login", "consent"],
            "acr_values_supported": ["one-time-code"],
            "grant_types_supported": token::GRANTS,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": keys::algorithms().collect::<Vec<_>>(),
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "none"],
        }),
    )
}

pub(super) fn key_set(site: &Site) -> Answer {
    Answer::json(StatusCode::OK, &site.shared.ring.set())
        .with(CACHE_CONTROL, &format!("public, max-age={MAX_AGE}"))
}
