//! `introspect`: ask the provider whether it takes the token for active (RFC 7662).

use serde_json::Value;

use super::answer::{Body, Judgement, sent_at};
use super::client::{Form, authenticate};
use super::provider::Provider;
use super::token::Token;
use crate::probe::Context;
use crate::protocol::claims::{self, ClaimError, Claims, Clock};
use crate::protocol::json;
use crate::protocol::metadata::EndpointName;
use crate::report::{Endpoint, Failure, FailureReason};
use crate::settings::{Client, DEFAULT_LEEWAY, Validate};

/// Asks, and requires that the token is active, also by the times that the answer tells of it. They
/// are of the provider's clock and are held against it, so that ours may go wrong.
///
/// # Errors
/// `inactive`, what is wrong with the times, or why there is no answer of RFC 7662 §2.2.
pub async fn run(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    token: &Token,
    validate: Option<&Validate>,
) -> Result<(), Failure> {
    let (members, sent_at) = ask(context, provider, client, token).await?;
    if !is_active(&members)? {
        let detail = "active is false for a token just issued";
        return Err(Failure::new(FailureReason::Inactive, detail));
    }
    let leeway = validate.map_or(DEFAULT_LEEWAY, |validate| validate.leeway);
    let now = sent_at.unwrap_or_else(|| context.unix_now());
    in_force(&members, Clock { now, leeway }).map_err(|error| super::quoting(context, error))
}

/// The members of the answer, and when it was sent. A null says nothing.
pub(super) async fn ask(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    token: &Token,
) -> Result<(Claims, Option<f64>), Failure> {
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
    let mut members = judgement.json()?.members()?.clone();
    members.retain(|_, value| !value.is_null());
    Ok((members, sent_at(&answer.headers)))
}

/// The `active` member of the answer.
///
/// # Errors
/// When there is none, or no boolean.
pub(super) fn is_active(members: &Claims) -> Result<bool, ClaimError> {
    match members.get("active") {
        Some(Value::Bool(active)) => Ok(*active),
        Some(other) => Err(ClaimError::Type {
            name: "active",
            expected: "a boolean (RFC 7662 §2.2)",
            found: json::kind(other),
        }),
        None => Err(ClaimError::Missing("active".into())),
    }
}

/// Who answers checks these itself (RFC 7662 §4), so that they do not contradict `active`.
fn in_force(members: &Claims, clock: Clock) -> Result<(), ClaimError> {
    claims::expiry(members, clock, false).unwrap_or(Ok(()))?;
    claims::not_before(members, clock).unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_active_is_in_force() {
        let clock = Clock { now: 1_000.0, leeway: 60.0 };
        let reason = |text: &str| {
            let members: Claims = serde_json::from_str(text).expect(text);
            in_force(&members, clock).err().map(|error| Failure::from(error).reason)
        };
        for (text, expected) in [
            ("{}", None),
            (r#"{"exp": 941, "nbf": 1060}"#, None),
            (r#"{"exp": 940}"#, Some(FailureReason::TokenExpired)),
            (r#"{"nbf": 1061}"#, Some(FailureReason::TokenNotYetValid)),
            (r#"{"exp": "2000"}"#, Some(FailureReason::MalformedClaim)),
            (r#"{"nbf": []}"#, Some(FailureReason::MalformedClaim)),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
    }
}
