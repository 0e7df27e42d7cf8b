//! Exchange a spent code once more, which the provider must refuse (RFC 6749 §4.1.2).

use super::provider::CalledEndpoint;
use super::token::{self, Fresh, TokenRequest};
use crate::probe::Context;
use crate::report::{Failure, FailureReason, RefusalCheck};
use crate::settings::Client;

/// Sends the exchange again.
///
/// # Errors
/// `replay_accepted` when there are tokens for it, and what went wrong otherwise.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    request: &TokenRequest,
    client: &Client,
    fresh: &[Fresh<'_>],
) -> Result<(), Failure> {
    let verdict = match token::run(context, endpoint, request, Some(client), fresh).await {
        Ok(_) => Err(Failure::new(
            FailureReason::ReplayAccepted,
            "tokens were issued for a code that was spent (RFC 6749 §4.1.2)",
        )),
        Err(failure) if failure.reason == FailureReason::InvalidGrant => Ok(()),
        Err(failure) => Err(failure),
    };
    context.refused(RefusalCheck::ReplayedCode, verdict.is_ok());
    verdict
}
