//! The steps of all flows, one file each, named as its label.
//!
//! A step builds with the protocol room, sends with the net room, reads with the
//! protocol room and maps the error to its reason. What it returns is the proof
//! that the next step takes, so a wrong order does not compile.

pub mod acs;
mod answer;
pub mod assertion;
pub mod authorize;
mod browser;
pub mod call;
pub mod call_api;
pub mod certificates;
mod client;
pub mod discovery;
mod forge;
pub mod introspect;
pub mod jwks;
pub mod key_info;
mod login;
pub mod logout;
pub mod metadata;
mod opened;
pub mod provider;
pub mod refresh;
pub mod refuse;
pub mod replay;
pub mod request;
pub mod revoke;
pub mod sso;
pub mod token;
pub mod userinfo;
pub mod validate;

pub use forge::make_no_more_keys;

use http::StatusCode;

use crate::probe::Context;
use crate::protocol::claims::ClaimError;
use crate::protocol::expiry::ExpiryError;
use crate::protocol::jose::{
    AlgorithmRefused, DecryptionError, FormatError, KeyNotFound, KeySetError,
};
use crate::protocol::json::JsonError;
use crate::protocol::metadata::MetadataError;
use crate::protocol::oauth::{ErrorResponse, TokenError};
use crate::report::{Failure, FailureReason, Warning};

/// A failure whose detail quotes what a server sent.
fn quoting(context: &Context<'_>, error: impl Into<Failure>) -> Failure {
    let failure = error.into();
    Failure { detail: context.foreign(&failure.detail), ..failure }
}

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

/// The provider's own error. RFC 6749 §5.2 asks for 400, or 401 where the client is refused; RFC 6750
/// §3.1 for 403 where the scope is.
fn refused(context: &Context<'_>, status: StatusCode, error: &ErrorResponse) -> Failure {
    let is_expected = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => error.code == "insufficient_scope",
        _ => false,
    };
    if !is_expected {
        context.warn(Warning::StatusUnexpected);
    }
    let mut detail = format!("status {}, error {}", status.as_u16(), context.foreign(&error.code));
    if let Some(description) = &error.description {
        detail = format!("{detail}: {}", context.foreign(description));
    }
    Failure::new(oauth_reason(&error.code), detail)
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
            TokenError::IdToken(_) => FailureReason::MalformedClaim,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Self::new(FailureReason::MalformedJson, error.to_string())
    }
}

impl From<ExpiryError> for Failure {
    fn from(error: ExpiryError) -> Self {
        Self::new(FailureReason::MalformedClaim, error.to_string())
    }
}

impl From<KeySetError> for Failure {
    fn from(error: KeySetError) -> Self {
        let reason = match &error {
            KeySetError::NotJson(_) => FailureReason::MalformedJson,
            KeySetError::NoKeys => FailureReason::NoKeys,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        let reason = match &error {
            FormatError::Opaque => FailureReason::OpaqueToken,
            FormatError::Encrypted => FailureReason::EncryptedToken,
            FormatError::Critical(_) => FailureReason::UnsupportedCriticalHeader,
            FormatError::Base64(_)
            | FormatError::Json(..)
            | FormatError::DuplicateMember(_)
            | FormatError::Parameter(..) => FailureReason::MalformedJwt,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<DecryptionError> for Failure {
    fn from(error: DecryptionError) -> Self {
        let reason = match &error {
            DecryptionError::Format(error) => Self::from(error.clone()).reason,
            DecryptionError::Base64 | DecryptionError::NotSigned => FailureReason::MalformedJwt,
            DecryptionError::Unsupported { .. } => FailureReason::AlgorithmRefused,
            DecryptionError::Misfit(_) | DecryptionError::Failed => FailureReason::DecryptionFailed,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<AlgorithmRefused> for Failure {
    fn from(error: AlgorithmRefused) -> Self {
        Self::new(FailureReason::AlgorithmRefused, error.to_string())
    }
}

impl From<KeyNotFound> for Failure {
    fn from(error: KeyNotFound) -> Self {
        let reason =
            if error.is_weak() { FailureReason::WeakKey } else { FailureReason::KeyNotFound };
        Self::new(reason, error.to_string())
    }
}

impl From<ClaimError> for Failure {
    fn from(error: ClaimError) -> Self {
        let reason = match &error {
            ClaimError::Missing(_) => FailureReason::MissingClaim,
            ClaimError::Type { .. } => FailureReason::MalformedClaim,
            ClaimError::Expired(_) => FailureReason::TokenExpired,
            ClaimError::NotYetValid(_) => FailureReason::TokenNotYetValid,
            ClaimError::IssuedInFuture(_) | ClaimError::AuthTimeInFuture(_) => {
                FailureReason::IssuedInFuture
            }
            ClaimError::Issuer { .. } => FailureReason::IssuerMismatch,
            ClaimError::Audience { .. }
            | ClaimError::FurtherAudience { .. }
            | ClaimError::AuthorizedParty { .. }
            | ClaimError::ChangedParty(_) => FailureReason::AudienceMismatch,
            ClaimError::Nonce(_) => FailureReason::NonceMismatch,
            ClaimError::Hash(_) => FailureReason::AtHashMismatch,
            ClaimError::Subject => FailureReason::SubjectMismatch,
            ClaimError::AuthTime { .. } => FailureReason::AuthTimeTooOld,
            ClaimError::MediaType { .. }
            | ClaimError::AuthTimeChanged
            | ClaimError::IssuedBefore(_) => FailureReason::ClaimMismatch,
            ClaimError::Scope { .. } => FailureReason::ScopeMissing,
            ClaimError::TooShort { .. } => FailureReason::TtlTooShort,
            ClaimError::TooLong { .. } | ClaimError::Unlimited(_) => FailureReason::TtlTooLong,
        };
        Self::new(reason, error.to_string())
    }
}
