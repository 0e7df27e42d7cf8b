//! The `call_api` block: use the credential, and see that bad ones are refused.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{
    Assertion, AssertionSettings, Error, Headers, HeadersSettings, Location, Path, PromDuration,
    Transport,
};
use crate::secret::Secret;

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallApiSettings {
    url: Location,
    method: Option<String>,
    #[serde(default)]
    headers: HeadersSettings,
    body: Option<Secret>,
    #[serde(default)]
    assertions: Vec<AssertionSettings>,
    #[serde(default)]
    must_refuse: Vec<MustRefuse>,
    refuse_status: Option<Vec<u16>>,
    expired_after: Option<PromDuration>,
}

/// Bad credentials of `call_api.must_refuse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MustRefuse {
    /// No credential at all.
    NoCredential,
    /// The token with another signature.
    TamperedSignature,
    /// The token without a signature.
    AlgNone,
    /// The token signed with another key.
    ForeignKey,
    /// The token under an HMAC of the public key.
    #[serde(rename = "hs256_public_key")]
    Hs256PublicKey,
    /// A token that has expired.
    Expired,
    /// A token that was revoked.
    Revoked,
}

/// How long ago the token of `expired` has expired when nothing is configured: servers have leeway.
const EXPIRED_AFTER: Duration = Duration::from_secs(600);

/// The block, checked.
#[derive(Debug, Clone)]
pub struct CallApi {
    /// What is called.
    pub url: Location,
    /// Request method.
    pub method: Method,
    /// Headers beside the credential.
    pub headers: Headers,
    /// Request body.
    pub body: Option<Secret>,
    /// Assertions on the answer.
    pub assertions: Vec<Assertion>,
    /// The bad credentials that must be refused.
    pub must_refuse: Vec<MustRefuse>,
    /// How long ago the token of `expired` has expired.
    pub expired_after: Duration,
    /// The statuses that count as refusals.
    pub refuse_status: RefuseStatus,
}

/// Which statuses refuse a bad credential.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RefuseStatus {
    /// 401 and 403, and 400 with an error code of OAuth or RFC 6750.
    #[default]
    Standard,
    /// These and no other.
    Listed(Vec<StatusCode>),
}

impl RefuseStatus {
    /// The rule that an optional list means.
    ///
    /// # Errors
    /// For an empty list, a number that is no status, and one that accepts.
    pub fn compile(listed: Option<Vec<u16>>, at: &Path) -> Result<Self, Error> {
        let Some(listed) = listed else {
            return Ok(Self::Standard);
        };
        if listed.is_empty() {
            return Err(at.error("is empty: no answer could be a refusal"));
        }
        listed
            .into_iter()
            .enumerate()
            .map(|(index, number)| {
                let status = StatusCode::from_u16(number)
                    .map_err(|_| at.index(index).error("is not a status code"))?;
                if status.is_success() {
                    return Err(at.index(index).error("accepts: a refusal is no 2xx"));
                }
                Ok(status)
            })
            .collect::<Result<_, _>>()
            .map(Self::Listed)
    }
}

impl CallApi {
    /// Whether this bad credential must be refused.
    #[must_use]
    pub fn refuses(&self, check: MustRefuse) -> bool {
        self.must_refuse.contains(&check)
    }

    /// Whether bad credentials are sent right after the good one. The revoked token comes later,
    /// once it is revoked.
    #[must_use]
    pub fn has_refusals(&self) -> bool {
        self.must_refuse.iter().any(|check| *check != MustRefuse::Revoked)
    }

    /// Refuses checks that the flow cannot make.
    ///
    /// # Errors
    /// For `hs256_public_key` without a public key, and `revoked` where nothing is revoked.
    pub fn check_refusals(&self, public_key: bool, revokes: bool, at: &Path) -> Result<(), Error> {
        let at = at.key("must_refuse");
        for (index, check) in self.must_refuse.iter().enumerate() {
            let missing = match check {
                MustRefuse::Hs256PublicKey if !public_key => {
                    "hs256_public_key needs validate with public keys: published ones, jwks_file or public_key_file"
                }
                MustRefuse::Revoked if !revokes => "revoked needs revoke: true",
                _ => continue,
            };
            return Err(at.index(index).error(missing));
        }
        Ok(())
    }
}

impl CallApiSettings {
    /// The checked block.
    ///
    /// # Errors
    /// For a bad URL, method, header, assertion or status list.
    pub fn compile(self, at: &Path, transport: Transport) -> Result<CallApi, Error> {
        self.url.check(&at.key("url"), transport)?;
        if self.refuse_status.is_some() && self.must_refuse.is_empty() {
            return Err(at.key("refuse_status").error("means nothing without must_refuse"));
        }
        if self.expired_after.is_some() && !self.must_refuse.contains(&MustRefuse::Expired) {
            let at = at.key("expired_after");
            return Err(at.error("means nothing without expired in must_refuse"));
        }
        for (index, check) in self.must_refuse.iter().enumerate() {
            if self.must_refuse.iter().take(index).any(|known| known == check) {
                return Err(at.key("must_refuse").index(index).error("is listed twice"));
            }
        }
        Ok(CallApi {
            url: self.url,
            method: method(self.method.as_deref(), &at.key("method"))?,
            headers: self.headers.compile(&at.key("headers"), &[AUTHORIZATION])?,
            body: self.body,
            assertions: super::compile_assertions(self.assertions, &at.key("assertions"))?,
            expired_after: self.expired_after.map_or(EXPIRED_AFTER, |time| time.0),
            must_refuse: self.must_refuse,
            refuse_status: RefuseStatus::compile(self.refuse_status, &at.key("refuse_status"))?,
        })
    }
}

/// A request method of the configuration, GET when there is none.
///
/// # Errors
/// For text that is no method, or one that opens a tunnel.
pub fn method(text: Option<&str>, at: &Path) -> Result<Method, Error> {
    let method = Method::from_bytes(text.unwrap_or("GET").as_bytes())
        .map_err(|_| at.error("is not a request method (RFC 9110 §9.1)"))?;
    if method.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(at.error("must be in upper case: methods differ in case (RFC 9110 §9.1)"));
    }
    if method == Method::CONNECT || method == Method::TRACE {
        return Err(at.error("CONNECT and TRACE are not calls of an API"));
    }
    Ok(method)
}
