//! `call_api`: use the access token at an API (RFC 6750 §2.1).

use http::header::AUTHORIZATION;
use url::Url;

use super::refuse::Attempt;
use super::token::Token;
use super::validate::{Validated, of_previous};
use super::{call, forge};
use crate::net::{Answer, Request};
use crate::probe::{Context, header_value};
use crate::report::{Credential, Failure, FailureReason, JwtCheck, RefusalCheck};
use crate::settings::{CallApi, MustRefuse};

/// Where the good credential was accepted: bad ones are sent to the same place.
#[derive(Debug, Clone)]
pub struct Accepted(Url);

/// Calls the API with the token, and then with one of an earlier probe that must still be good.
///
/// # Errors
/// When the API does not accept one of them.
pub async fn run(
    context: &Context<'_>,
    api: &CallApi,
    token: &Token,
    validated: Option<&Validated>,
) -> Result<Accepted, Failure> {
    let url = api.url.resolve(context.target().url()).ok_or_else(|| {
        Failure::new(FailureReason::Internal, "the URL of the API does not resolve")
    })?;
    let answer = context.send(build(context, api, &url, Some(token.expose())).await?).await?;
    call::judge(context, &url, &answer, &api.assertions)?;
    if let Some(previous) = validated.and_then(|validated| validated.previous.as_ref()) {
        let request = build(context, api, &url, Some(previous.expose())).await?;
        let accepted = match context.send(request).await {
            Ok(second) => treated_alike(context, &url, &answer, &second),
            Err(failure) => Err(failure),
        };
        context.jwt_check(Credential::AccessToken, JwtCheck::Previous, accepted.is_ok());
        accepted.map_err(|failure| of_previous(&failure))?;
    }
    Ok(Accepted(answer.url))
}

/// Whether a second good token got the answer of the first. Assertions judged that one: they are
/// about the fresh token.
fn treated_alike(
    context: &Context<'_>,
    url: &Url,
    first: &Answer,
    second: &Answer,
) -> Result<(), Failure> {
    if first.status == second.status && first.url == second.url {
        return Ok(());
    }
    call::judge(context, url, second, &[])
}

/// Gets ready for the calls of this API while the configuration is loaded.
pub fn prepare(api: &CallApi) {
    if api.refuses(MustRefuse::ForeignKey) {
        forge::prepare();
    }
}

/// The same call with the bad credentials that must be refused.
///
/// # Errors
/// When a secret of the call cannot be read, and when the token is none that bad ones can be
/// made of.
pub async fn attempts(
    context: &Context<'_>,
    api: &CallApi,
    accepted: &Accepted,
    token: &Token,
    validated: Option<&Validated>,
) -> Result<Vec<Attempt>, Failure> {
    let jwt = || token.jwt().map_err(|error| Failure::from(error.clone()));
    let mut attempts = Vec::new();
    for must_refuse in &api.must_refuse {
        let (check, bad) = match must_refuse {
            MustRefuse::NoCredential => {
                let request = build(context, api, &accepted.0, None).await?;
                attempts.push(Attempt { check: RefusalCheck::NoCredential, request });
                continue;
            }
            MustRefuse::TamperedSignature => {
                jwt()?;
                let tampered = forge::tampered(token.expose());
                (RefusalCheck::TamperedSignature, tampered.into_iter().collect())
            }
            MustRefuse::AlgNone => (RefusalCheck::AlgNone, forge::unsigned(jwt()?)),
            MustRefuse::ForeignKey => {
                (RefusalCheck::ForeignKey, vec![forge::foreign(context, jwt()?).await?])
            }
            MustRefuse::Hs256PublicKey => {
                let Some(validated) = validated else { continue };
                let forged = forge::under_public_key(jwt()?, &validated.key)?;
                (RefusalCheck::Hs256PublicKey, forged)
            }
            MustRefuse::Expired => {
                let expired = context.expired_token(api.expired_after);
                let expired = expired.iter().map(|token| token.expose().to_owned());
                (RefusalCheck::Expired, expired.collect())
            }
            // Its time comes when it is revoked.
            MustRefuse::Revoked => continue,
        };
        for bad in bad {
            context.hide(&bad);
            let request = build(context, api, &accepted.0, Some(&bad)).await?;
            attempts.push(Attempt { check, request });
        }
    }
    Ok(attempts)
}

/// The call with the token after its revocation.
///
/// # Errors
/// When a secret of the call cannot be read.
pub(super) async fn revoked(
    context: &Context<'_>,
    api: &CallApi,
    accepted: &Accepted,
    token: &Token,
) -> Result<Attempt, Failure> {
    let request = build(context, api, &accepted.0, Some(token.expose())).await?;
    Ok(Attempt { check: RefusalCheck::Revoked, request })
}

async fn build(
    context: &Context<'_>,
    api: &CallApi,
    url: &Url,
    bearer: Option<&str>,
) -> Result<Request, Failure> {
    let (headers, body) = (&api.headers, api.body.as_ref());
    let mut request = call::build(context, url.clone(), &api.method, headers, body).await?;
    if let Some(bearer) = bearer {
        request.headers.insert(AUTHORIZATION, header_value(&format!("Bearer {bearer}"))?);
    }
    Ok(request)
}
