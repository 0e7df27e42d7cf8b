//! `revoke`: give the token back, and see that it is spent (RFC 7009).

use http::StatusCode;

use super::answer::{Body, Judgement};
use super::call::Accepted;
use super::call_api;
use super::client::{Form, authenticate};
use super::introspect::{Introspection, is_active};
use super::provider::CalledEndpoint;
use super::refuse;
use super::token::Token;
use crate::probe::Context;
use crate::protocol::json::Document;
use crate::protocol::oauth;
use crate::report::{Endpoint, Failure, FailureReason};
use crate::secret::SecretText;
use crate::settings::{CallApi, Client, MustRefuse};

/// Revokes the token. Where the flow introspects, the token must be inactive afterwards, and
/// where the API must refuse it, the API is called once more.
///
/// # Errors
/// When the provider does not answer 200, or the token is still good.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_endpoint: &CalledEndpoint,
    client: &Client,
    token: &Token,
    introspection: Option<&Introspection>,
    api: Option<(&CallApi, &Accepted)>,
) -> Result<(), Failure> {
    let access_token = token.expose().to_owned().into();
    give_back(context, endpoint, token_endpoint, client, ("access_token", access_token)).await?;
    if let Some(introspection) = introspection
        && is_active(context, introspection, client, token).await?
    {
        return Err(Failure::new(
            FailureReason::BadCredentialAccepted,
            "the revoked token is still active by introspection (RFC 7009 §2.2, RFC 7662 §2.2)",
        ));
    }
    if let Some((api, accepted)) = api
        && api.refuses(MustRefuse::Revoked)
    {
        let attempt = call_api::revoked(context, api, accepted, token).await?;
        refuse::run(context, vec![attempt], &api.refuse_status).await?;
    }
    Ok(())
}

/// Revokes a refresh token, and with it what it was good for (§2.1).
///
/// # Errors
/// When the provider does not answer 200.
pub async fn refresh_token(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_endpoint: &CalledEndpoint,
    client: &Client,
    token: &SecretText,
) -> Result<(), Failure> {
    give_back(context, endpoint, token_endpoint, client, ("refresh_token", token.clone())).await
}

async fn give_back(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_endpoint: &CalledEndpoint,
    client: &Client,
    (hint, token): (&str, SecretText),
) -> Result<(), Failure> {
    let mut request = endpoint.post(Endpoint::Revocation, true);
    let form: Form<'_> = vec![("token", token), ("token_type_hint", hint.to_owned().into())];
    authenticate(context, Some(client), token_endpoint, form, &mut request).await?;
    let answer = context.send(request).await?;
    let judgement = Judgement::new(context, &answer, &[], Body::Any);
    judgement.rate_limit()?;
    // An error is JSON as at the token endpoint (§2.2.1), and wins over the status as it does there.
    // Otherwise the status alone tells (§2.2), and 200 is what says that the token is spent.
    let error = Document::parse(&answer.body).ok().as_ref().and_then(oauth::error_response);
    if let Some(error) = error {
        return Err(super::refused(context, answer.status, &error));
    }
    if answer.status != StatusCode::OK {
        let failure = super::answer::status_failure(answer.status);
        let detail = format!("{}, where RFC 7009 §2.2 has 200", failure.detail);
        return Err(Failure { detail, ..failure });
    }
    Ok(())
}
