//! `request`: call the API that an API key protects.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, Method};
use url::Url;

use super::call::{self, Accepted};
use super::refuse::Attempt;
use crate::net::Request;
use crate::probe::{Context, header_value};
use crate::protocol::{apikey, oauth};
use crate::report::{Failure, FailureReason, RefusalCheck};
use crate::secret::Secret;
use crate::settings::{Assertion, Headers};

/// How the key is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// In a header, after a prefix.
    Header {
        /// Name of the header.
        name: HeaderName,
        /// What stands before the key.
        prefix: String,
    },
    /// As a parameter of the query.
    Query {
        /// Name of the parameter.
        name: String,
        /// What stands before the key.
        prefix: String,
    },
    /// As a cookie.
    Cookie {
        /// Name of the cookie.
        name: String,
        /// What stands before the key.
        prefix: String,
    },
    /// HTTP Basic: the key is the password of this user, or the user when there is none.
    Basic {
        /// The user, when the key is the password.
        user: Option<String>,
    },
    /// `Authorization: Bearer`.
    Bearer,
}

/// The call and the key that it needs.
#[derive(Debug, Clone)]
pub struct KeyedCall {
    /// The key.
    pub key: Secret,
    /// How it is carried.
    pub carrier: Carrier,
    /// Request method.
    pub method: Method,
    /// Headers beside the key.
    pub headers: Headers,
    /// Request body.
    pub body: Option<Secret>,
    /// Assertions on the answer.
    pub assertions: Vec<Assertion>,
    /// The bad credentials that must be refused.
    pub must_refuse: Vec<RefusalCheck>,
}

/// Calls the URL with the key.
///
/// # Errors
/// When the key is not accepted.
pub async fn run(context: &Context<'_>, call: &KeyedCall, url: Url) -> Result<Accepted, Failure> {
    let key = context.secret(&call.key).await?;
    let mut request = build(context, call, url.clone()).await?;
    carry(context, &mut request, &call.carrier, key.expose())?;
    let requested = request.url.clone();
    let answer = context.send(request).await?;
    call::judge(context, &requested, &answer, &call.assertions)?;
    Ok(Accepted { url, redirected: answer.url != requested })
}

/// The same call with the bad keys that must be refused.
///
/// # Errors
/// When a secret of the call cannot be read.
pub async fn attempts(
    context: &Context<'_>,
    call: &KeyedCall,
    accepted: &Accepted,
) -> Result<Vec<Attempt>, Failure> {
    let mut attempts = Vec::new();
    for check in &call.must_refuse {
        let mut request = build(context, call, accepted.url.clone()).await?;
        if *check == RefusalCheck::WrongKey {
            let key = context.secret(&call.key).await?;
            let wrong = apikey::wrong_key(key.expose(), &context.random::<32>()?);
            carry(context, &mut request, &call.carrier, &wrong)?;
        }
        attempts.push(Attempt::new(*check, request, accepted));
    }
    Ok(attempts)
}

async fn build(context: &Context<'_>, call: &KeyedCall, url: Url) -> Result<Request, Failure> {
    call::build(context, url, &call.method, &call.headers, call.body.as_ref()).await
}

fn carry(
    context: &Context<'_>,
    request: &mut Request,
    carrier: &Carrier,
    key: &str,
) -> Result<(), Failure> {
    match carrier {
        Carrier::Header { name, prefix } => {
            let value = header_value(&format!("{prefix}{key}"))?;
            request.headers.insert(name.clone(), value);
        }
        Carrier::Query { name, prefix } => {
            let value = format!("{prefix}{key}");
            request.url.query_pairs_mut().append_pair(name, &value);
        }
        Carrier::Cookie { name, prefix } => {
            let value = format!("{prefix}{key}");
            if !is_cookie_value(&value) {
                return Err(Failure::new(
                    FailureReason::SecretUnavailable,
                    "the key holds a character that no cookie may have (RFC 6265 §4.1.1)",
                ));
            }
            request.headers.insert(COOKIE, header_value(&format!("{name}={value}"))?);
        }
        Carrier::Basic { user } => {
            let credential = match user {
                Some(user) => oauth::basic_pair(user, key),
                None => oauth::basic_pair(key, ""),
            };
            context.hide(&credential);
            request.headers.insert(AUTHORIZATION, header_value(&credential)?);
        }
        Carrier::Bearer => {
            let credential = header_value(&format!("Bearer {key}"))?;
            request.headers.insert(AUTHORIZATION, credential);
        }
    }
    Ok(())
}

/// RFC 6265 §4.1.1: visible ASCII without quote, comma, semicolon and backslash.
#[must_use]
pub fn is_cookie_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}
