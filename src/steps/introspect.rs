//! `introspect`: ask the provider whether it takes the token for active (RFC 7662).

use serde_json::Value;

use super::answer::{Body, Judgement};
use super::client::{Form, authenticate};
use super::provider::CalledEndpoint;
use super::token::Token;
use crate::probe::Context;
use crate::protocol::{json, oauth};
use crate::report::{Endpoint, Failure, FailureReason};
use crate::settings::Client;

/// The endpoints that a question about a token goes to.
#[derive(Debug)]
pub struct Introspection {
    /// Where it is asked.
    pub endpoint: CalledEndpoint,
    /// The audience of assertions.
    pub token_endpoint: CalledEndpoint,
}

/// Asks, and requires that the token is active.
///
/// # Errors
/// `inactive`, or why there is no answer of RFC 7662 §2.2.
pub async fn run(
    context: &Context<'_>,
    introspection: &Introspection,
    client: &Client,
    token: &Token,
) -> Result<(), Failure> {
    if is_active(context, introspection, client, token).await? {
        Ok(())
    } else {
        Err(Failure::new(FailureReason::Inactive, "active is false for a token just issued"))
    }
}

/// The `active` member of the answer.
pub(super) async fn is_active(
    context: &Context<'_>,
    introspection: &Introspection,
    client: &Client,
    token: &Token,
) -> Result<bool, Failure> {
    let mut request = introspection.endpoint.post(Endpoint::Introspection, true);
    let form: Form<'_> = vec![
        ("token", token.expose().to_owned().into()),
        ("token_type_hint", "access_token".to_owned().into()),
    ];
    authenticate(context, Some(client), &introspection.token_endpoint, form, &mut request).await?;
    let answer = context.send(request).await?;
    let judgement = Judgement::new(context, &answer, &[], Body::Json);
    judgement.format()?;
    judgement.rate_limit()?;
    if let Some(error) = judgement.document().and_then(oauth::error_response) {
        return Err(super::refused(context, answer.status, &error));
    }
    judgement.status()?;
    let members = judgement.json()?.members()?;
    match members.get("active") {
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
