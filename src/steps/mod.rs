//! The steps of all flows, one file each, named as its label.
//!
//! A step builds with the protocol room, sends with the net room, reads with the
//! protocol room and maps the error to its reason. What it returns is the proof
//! that the next step takes, so a wrong order does not compile.

mod answer;
mod call;
pub mod call_api;
pub mod discovery;
pub mod refuse;
pub mod request;
pub mod token;

use crate::protocol::json::JsonError;
use crate::protocol::metadata::MetadataError;
use crate::protocol::oauth::TokenError;
use crate::report::{Failure, FailureReason};

/// The reason of an error code of OAuth (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1).
fn oauth_reason(code: &str) -> FailureReason {
    match code {
        "invalid_client" => FailureReason::InvalidClient,
        "invalid_grant" => FailureReason::InvalidGrant,
        "invalid_scope" => FailureReason::InvalidScope,
        "unauthorized_client" => FailureReason::UnauthorizedClient,
        "unsupported_grant_type" => FailureReason::UnsupportedGrantType,
        "access_denied" => FailureReason::AccessDenied,
        "insufficient_scope" => FailureReason::ScopeMissing,
        _ => FailureReason::OauthError,
    }
}

impl From<MetadataError> for Failure {
    fn from(error: MetadataError) -> Self {
        let reason = match &error {
            MetadataError::NotJson(_) => FailureReason::MalformedJson,
            MetadataError::Issuer { .. } => FailureReason::IssuerMismatch,
            MetadataError::NoEndpoint(_) | MetadataError::BadEndpoint(_) => {
                FailureReason::MissingEndpoint
            }
        };
        Self::new(reason, error.to_string())
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let reason = match &error {
            TokenError::AccessToken(_) | TokenError::Unsendable => {
                FailureReason::MissingAccessToken
            }
            TokenError::TokenType(_) => FailureReason::TokenType,
            TokenError::ExpiresIn(_) => FailureReason::ExpiresIn,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Self::new(FailureReason::MalformedJson, error.to_string())
    }
}
