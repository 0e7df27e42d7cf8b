//! `call_api`: use the access token at an API (RFC 6750 §2.1).

use http::header::AUTHORIZATION;
use url::Url;

use super::call;
use super::refuse::Attempt;
use super::token::AccessToken;
use crate::net::Request;
use crate::probe::{Context, header_value};
use crate::report::{Failure, FailureReason, RefusalCheck};
use crate::settings::CallApi;

/// Where the good credential was accepted: bad ones are sent to the same place.
#[derive(Debug, Clone)]
pub struct Accepted(pub(super) Url);

/// Calls the API with the token.
///
/// # Errors
/// When the API does not accept it.
pub async fn run(
    context: &Context<'_>,
    api: &CallApi,
    token: &AccessToken,
) -> Result<Accepted, Failure> {
    let url = api.url.resolve(context.target().url()).ok_or_else(|| {
        Failure::new(FailureReason::Internal, "the URL of the API does not resolve")
    })?;
    let mut request = build(context, api, url.clone()).await?;
    let credential = header_value(&format!("Bearer {}", token.expose()))?;
    request.headers.insert(AUTHORIZATION, credential);
    let answer = context.send(request).await?;
    call::judge(context, &url, &answer, &api.assertions)?;
    Ok(Accepted(answer.url))
}

/// The same call with the bad credentials that must be refused.
///
/// # Errors
/// When a secret of the call cannot be read.
pub async fn attempts(
    context: &Context<'_>,
    api: &CallApi,
    accepted: &Accepted,
) -> Result<Vec<Attempt>, Failure> {
    let mut attempts = Vec::new();
    if api.refuse_no_credential {
        attempts.push(Attempt {
            check: RefusalCheck::NoCredential,
            request: build(context, api, accepted.0.clone()).await?,
        });
    }
    Ok(attempts)
}

async fn build(context: &Context<'_>, api: &CallApi, url: Url) -> Result<Request, Failure> {
    call::build(context, url, &api.method, &api.headers, api.body.as_ref()).await
}
