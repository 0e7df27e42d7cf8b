//! `introspect`: ask the provider whether it takes the token for active (RFC 7662).

use serde_json::Value;

use super::answer::{Body, Judgement};
use super::client::{Form, authenticate};
use super::provider::Provider;
use super::token::Token;
use crate::probe::Context;
use crate::protocol::json;
use crate::protocol::metadata::EndpointName;
use crate::report::{Endpoint, Failure, FailureReason};
use crate::settings::Client;

/// Asks, and requires that the token is active.
///
/// # Errors
/// `inactive`, or why there is no answer of RFC 7662 §2.2.
pub async fn run(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    token: &Token,
) -> Result<(), Failure> {
    if is_active(context, provider, client, token).await? {
        Ok(())
    } else {
        Err(Failure::new(FailureReason::Inactive, "active is false for a token just issued"))
    }
}

/// The `active` member of the answer.
pub(super) async fn is_active(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    token: &Token,
) -> Result<bool, Failure> {
    let endpoint = provider.endpoint(context, EndpointName::Introspection);
    let token_endpoint = provider.endpoint(context, EndpointName::Token);
    let mut request = endpoint.post(Endpoint::Introspection, true);
    let form: Form<'_> = vec![
        ("token", token.expose().to_owned().into()),
        ("token_type_hint", "access_token".to_owned().into()),
    ];
    authenticate(context, Some(client), &token_endpoint, form, &mut request).await?;
    let answer = context.send(request).await?;
    let judgement = Judgement::new(context, &answer, &[], Body::Json);
    judgement.oauth(context)?;
    match judgement.json()?.members()?.get("active") {
        Some(Value::Bool(active)) => Ok(*active),
        Some(other) => Err(Failure::new(
            FailureReason::MalformedClaim,
            format!("active must be a boolean, found {} (RFC 7662 §2.2)", json::kind(other)),
        )),
        None => Err(Failure::new(
            FailureReason::MissingClaim,
            "the answer holds no active (RFC 7662 §2.2)",
        )),
    }
}
