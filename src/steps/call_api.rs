//! `call_api`: use the access token at an API (RFC 6750 §2.1).

use http::StatusCode;
use http::header::AUTHORIZATION;
use url::Url;

use super::answer::{hold_again, redirect};
use super::call::{self, Accepted};
use super::forge;
use super::refuse::{self, Attempt};
use super::token::Token;
use super::validate::{Validated, of_previous};
use crate::net::{Answer, Request};
use crate::probe::{Context, header_value};
use crate::protocol::login;
use crate::report::{Credential, Failure, FailureReason, JwtCheck, RefusalCheck};
use crate::settings::{CallApi, MustRefuse};

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
        let (proves, accepted) = match context.send(request).await {
            Ok(second) => {
                (!is_outage(&second), treated_alike(context, api, (&url, &answer), &second))
            }
            Err(failure) => (false, Err(failure)),
        };
        if proves || accepted.is_ok() {
            context.jwt_check(Credential::AccessToken, JwtCheck::Previous, accepted.is_ok());
        } else {
            context.jwt_check_undecided(Credential::AccessToken, JwtCheck::Previous);
        }
        accepted.map_err(|failure| of_previous(&failure))?;
    }
    Ok(Accepted { redirected: answer.url != url, url })
}

/// Whether an answer says nothing of the token, but of the API.
fn is_outage(answer: &Answer) -> bool {
    answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error()
}

/// Whether a second good token got an answer as good as the first. That one's assertions are on
/// record; where an API says in the body that it refuses, they tell here too.
fn treated_alike(
    context: &Context<'_>,
    api: &CallApi,
    (url, first): (&Url, &Answer),
    second: &Answer,
) -> Result<(), Failure> {
    if let Some(refused) = &second.refused_redirect
        && redirect(second).is_some_and(|to| login::leads_to_login(&second.url, &to))
    {
        return Err(refused.clone());
    }
    if first.status != second.status || first.url != second.url {
        call::judge(context, url, second, &[])?;
    }
    if hold_again(second, &api.assertions) {
        return Ok(());
    }
    Err(Failure::new(
        FailureReason::AssertionFailed,
        "what is asserted of the answer does not hold for that to this token",
    ))
}

/// Gets ready for the calls of this API while the configuration is loaded.
pub fn prepare(api: &CallApi) {
    if api.refuses(MustRefuse::ForeignKey) {
        forge::prepare();
    }
}

/// Sends the same call with the bad credentials that must be refused.
///
/// # Errors
/// When one was accepted, when an answer proves nothing, and when a bad token cannot be made of
/// this one; the others are sent all the same.
pub async fn refuse(
    context: &Context<'_>,
    api: &CallApi,
    accepted: &Accepted,
    token: &Token,
    validated: Option<&Validated>,
) -> Result<(), Failure> {
    let mut attempts = Vec::new();
    let mut impossible = None;
    for must_refuse in &api.must_refuse {
        let check = check(*must_refuse);
        let bearers = match bad_tokens(context, api, *must_refuse, token, validated).await {
            Ok(bearers) => bearers,
            Err(failure) => {
                let detail = format!("{check} cannot be made of this token: {}", failure.detail);
                impossible.get_or_insert(Failure { detail, ..failure });
                continue;
            }
        };
        for bearer in bearers {
            if let Some(bearer) = &bearer {
                context.hide(bearer);
            }
            let request = build(context, api, &accepted.url, bearer.as_deref()).await?;
            attempts.push(Attempt::new(check, request, accepted));
        }
    }
    refuse::run(context, attempts, &api.refuse_status).await?;
    impossible.map_or(Ok(()), Err)
}

const fn check(must_refuse: MustRefuse) -> RefusalCheck {
    match must_refuse {
        MustRefuse::NoCredential => RefusalCheck::NoCredential,
        MustRefuse::TamperedSignature => RefusalCheck::TamperedSignature,
        MustRefuse::AlgNone => RefusalCheck::AlgNone,
        MustRefuse::ForeignKey => RefusalCheck::ForeignKey,
        MustRefuse::Hs256PublicKey => RefusalCheck::Hs256PublicKey,
        MustRefuse::Expired => RefusalCheck::Expired,
        MustRefuse::Revoked => RefusalCheck::Revoked,
    }
}

/// What is sent instead of the token, each in a call of its own; `None` is no credential at all. A
/// check whose time has not come has nothing to send.
async fn bad_tokens(
    context: &Context<'_>,
    api: &CallApi,
    must_refuse: MustRefuse,
    token: &Token,
    validated: Option<&Validated>,
) -> Result<Vec<Option<String>>, Failure> {
    let jwt = || token.jwt().map_err(|error| Failure::from(error.clone()));
    let tokens = match must_refuse {
        MustRefuse::NoCredential => return Ok(vec![None]),
        MustRefuse::TamperedSignature => {
            jwt()?;
            vec![forge::tampered(token.expose()).ok_or_else(|| {
                let detail = "it has no signature (RFC 7519 §6)";
                Failure::new(FailureReason::SignatureInvalid, detail)
            })?]
        }
        MustRefuse::AlgNone => forge::unsigned(jwt()?),
        MustRefuse::ForeignKey => vec![forge::foreign(context, jwt()?).await?],
        MustRefuse::Hs256PublicKey => match validated {
            Some(validated) => {
                let key = validated.key_of(context, jwt()?).await?;
                forge::under_public_key(jwt()?, &key)?
            }
            None => Vec::new(),
        },
        MustRefuse::Expired => match context.expired_token(api.expired_after) {
            Some(expired) => vec![expired.expose().to_owned()],
            None if token.expires_at().is_none() => {
                return Err(Failure::new(
                    FailureReason::ExpiresIn,
                    "neither exp nor expires_in says when it ends",
                ));
            }
            None => Vec::new(),
        },
        // Its time comes when it is revoked.
        MustRefuse::Revoked => Vec::new(),
    };
    Ok(tokens.into_iter().map(Some).collect())
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
    let request = build(context, api, &accepted.url, Some(token.expose())).await?;
    Ok(Attempt::new(RefusalCheck::Revoked, request, accepted))
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
