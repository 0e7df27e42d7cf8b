//! `revoke`: give the token back, and see that it is spent (RFC 7009).

use http::StatusCode;

use super::answer::{Body, Judgement};
use super::call::Accepted;
use super::call_api;
use super::client::{Form, authenticate};
use super::introspect::{self, is_active};
use super::provider::Provider;
use super::refuse;
use super::token::Token;
use crate::probe::Context;
use crate::protocol::json::Document;
use crate::protocol::metadata::EndpointName;
use crate::protocol::oauth;
use crate::report::{Endpoint, Failure, FailureReason};
use crate::secret::SecretText;
use crate::settings::{CallApi, Client, MustRefuse};

/// Revokes the refresh token, where there is one, and with it what it was good for (§2.1), and then
/// the access token. Where the flow introspects, that must be inactive afterwards, and where the
/// API must refuse it, the API is called once more.
///
/// # Errors
/// When the provider does not answer 200, or the token is still good.
pub async fn run(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    (token, refresh_token): (&Token, Option<&SecretText>),
    introspects: bool,
    api: Option<(&CallApi, &Accepted)>,
) -> Result<(), Failure> {
    if let Some(text) = refresh_token {
        give_back(context, provider, client, ("refresh_token", text.clone())).await?;
    }
    let access_token = token.expose().to_owned().into();
    give_back(context, provider, client, ("access_token", access_token)).await?;
    if introspects && is_active(&introspect::ask(context, provider, client, token).await?.0)? {
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

async fn give_back(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    (hint, token): (&str, SecretText),
) -> Result<(), Failure> {
    let endpoint = provider.endpoint(context, EndpointName::Revocation);
    let token_endpoint = provider.endpoint(context, EndpointName::Token);
    let mut request = endpoint.post(Endpoint::Revocation, true);
    let form: Form<'_> = vec![("token", token), ("token_type_hint", hint.to_owned().into())];
    authenticate(context, Some(client), &token_endpoint, form, &mut request).await?;
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
