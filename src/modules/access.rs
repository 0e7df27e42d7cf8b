//! What the probers share that have an access token: it is verified, used, and kept for later.

use crate::probe::{Context, Planned, Stopped, planned};
use crate::report::Step;
use crate::settings::{Assertion, CallApi, Error, KeySource, MustRefuse, Path, Validate};
use crate::steps::call::Accepted;
use crate::steps::provider::Provider;
use crate::steps::token::Token;
use crate::steps::validate::Validated;
use crate::steps::{call_api, validate};

/// Whether the flow needs the published keys.
pub(super) fn needs_keys(validate: Option<&Validate>) -> bool {
    validate.is_some_and(|validate| matches!(validate.keys, KeySource::Published))
}

/// Refuses what the blocks cannot do together, and gets ready for what they can.
pub(super) fn check(
    validate: Option<&Validate>,
    api: Option<&CallApi>,
    revokes: bool,
    at: &Path,
) -> Result<(), Error> {
    if let Some(api) = api {
        call_api::prepare(api);
        let public =
            validate.is_some_and(|validate| !matches!(validate.keys, KeySource::Secret(_)));
        api.check_refusals(public, revokes, &at.key("call_api"))?;
        if revokes && api.refuses(MustRefuse::Expired) {
            return Err(at.key("call_api").key("must_refuse").error(
                "expired means nothing with revoke: true, which leaves no token to expire",
            ));
        }
    }
    if revokes && validate.is_some_and(|validate| validate.previous_token) {
        return Err(at
            .key("validate")
            .key("previous_token")
            .error("means nothing with revoke: true, which leaves no token to keep"));
    }
    Ok(())
}

/// `jwks` and `validate`.
pub(super) fn plan_validate(validate: Option<&Validate>, discovers: bool) -> Vec<Planned> {
    let mut plan = Vec::new();
    if let Some(validate) = validate {
        if needs_keys(Some(validate)) {
            plan.push(planned(Step::Jwks, []));
        }
        let mut step = planned(Step::Validate, validate.claims.iter().map(Assertion::label));
        step.jwt_checks = validate::planned(validate, discovers);
        plan.push(step);
    }
    plan
}

/// `call_api` and `refuse`.
pub(super) fn plan_api(api: Option<&CallApi>) -> Vec<Planned> {
    let mut plan = Vec::new();
    if let Some(api) = api {
        plan.push(planned(Step::CallApi, api.assertions.iter().map(Assertion::label)));
        if api.has_refusals() {
            plan.push(planned(Step::Refuse, []));
        }
    }
    plan
}

/// Verifies the token, where that is asked for.
pub(super) async fn validate(
    context: &Context<'_>,
    validate: Option<&Validate>,
    provider: &Provider,
    token: &Token,
) -> Result<Option<Validated>, Stopped> {
    match validate {
        Some(validate) => validate::steps(context, validate, provider, token, None).await.map(Some),
        None => Ok(None),
    }
}

/// Calls the API with the token, where there is one to call.
pub(super) async fn call(
    context: &Context<'_>,
    api: Option<&CallApi>,
    token: &Token,
    validated: Option<&Validated>,
) -> Result<Option<Accepted>, Stopped> {
    match api {
        Some(api) => {
            let call = call_api::run(context, api, token, validated);
            context.step(Step::CallApi, call).await.map(Some)
        }
        None => Ok(None),
    }
}

/// Calls the API with the token, and then with bad ones.
pub(super) async fn use_token(
    context: &Context<'_>,
    api: Option<&CallApi>,
    token: &Token,
    validated: Option<&Validated>,
) -> Result<Option<Accepted>, Stopped> {
    let accepted = call(context, api, token, validated).await?;
    if let (Some(api), Some(accepted)) = (api, &accepted)
        && api.has_refusals()
    {
        let refuse = call_api::refuse(context, api, accepted, token, validated);
        context.step(Step::Refuse, refuse).await?;
    }
    Ok(accepted)
}

/// Keeps a token that was good all the way.
pub(super) fn leave_to_later_probes(
    context: &Context<'_>,
    validate: Option<&Validate>,
    api: Option<&CallApi>,
    token: &Token,
) {
    let stays_good = validate.is_some_and(|validate| validate.previous_token);
    let ends = api.is_some_and(|api| api.refuses(MustRefuse::Expired));
    token.leave_to_later_probes(context, stays_good, ends);
}
