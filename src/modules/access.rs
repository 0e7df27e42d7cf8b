//! The flow of an access token: it is had, verified, introspected, used, and given back or kept for
//! later. How it is had is what the probers differ in; a login takes parts of the rest.

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::probe::{Block, Context, Loaded, Planned, Probe, Running, Stopped, planned};
use crate::protocol::metadata::EndpointName;
use crate::report::Step;
use crate::secret::Secret;
use crate::settings::{
    Assertion, Authentication, CallApi, CallApiSettings, Client, Discovery, DiscoverySetting,
    EndpointsSettings, Error, Grant, KeySource, MustRefuse, Validate, ValidateSettings,
    ValidateSubject,
};
use crate::steps::call::Accepted;
use crate::steps::provider::Provider;
use crate::steps::token::{Token, TokenRequest};
use crate::steps::validate::Validated;
use crate::steps::{call_api, discovery, introspect, revoke, token, validate};

/// Where the token comes from.
pub(super) enum TokenSource {
    /// The configuration.
    Given(Secret),
    /// The token endpoint.
    Issued { client: Option<Client>, request: Box<TokenRequest> },
}

/// What is configured beside that, as written. Only a client introspects and revokes.
pub(super) struct Blocks {
    pub(super) endpoints: EndpointsSettings,
    pub(super) discovery: DiscoverySetting,
    pub(super) validate: Option<ValidateSettings>,
    pub(super) introspect: bool,
    pub(super) call_api: Option<CallApiSettings>,
    pub(super) revoke: bool,
}

struct Access {
    discovery: Discovery,
    source: TokenSource,
    validate: Option<Validate>,
    introspect: bool,
    call_api: Option<CallApi>,
    revoke: bool,
}

impl TokenSource {
    fn client(&self) -> Option<&Client> {
        match self {
            Self::Given(_) => None,
            Self::Issued { client, .. } => client.as_ref(),
        }
    }
}

impl Blocks {
    /// The flow, ready to run.
    pub(super) fn load(
        mut self,
        source: TokenSource,
        block: Block<'_>,
        shown: serde_yaml::Value,
    ) -> Result<Loaded, Error> {
        let (at, transport) = (block.at, block.transport);
        let validate = self.validate.map(|validate| {
            let (endpoints, at) = (&mut self.endpoints, at.key("validate"));
            validate.compile(endpoints, ValidateSubject::AccessToken, transport, &at)
        });
        let validate = validate.transpose()?;
        let mut needed = Vec::new();
        for (name, wanted) in [
            (EndpointName::Token, matches!(source, TokenSource::Issued { .. })),
            (EndpointName::Jwks, needs_keys(validate.as_ref())),
            (EndpointName::Introspection, self.introspect),
            (EndpointName::Revocation, self.revoke),
        ] {
            needed.extend(wanted.then_some(name));
        }
        let discovery = Discovery::compile(self.endpoints, self.discovery, &needed, at, transport)?;
        let call_api = compile_api(self.call_api, validate.as_ref(), self.revoke, block)?;
        let credential_headers = credential_headers(source.client(), call_api.as_ref());
        let (introspect, revoke) = (self.introspect, self.revoke);
        let probe = Access { discovery, source, validate, introspect, call_api, revoke };
        Ok(Loaded { probe: Arc::new(probe), shown, credential_headers })
    }
}

impl Probe for Access {
    fn plan(&self) -> Vec<Planned> {
        let mut plan = Vec::new();
        let discovers = self.discovery.documents.is_some();
        if discovers {
            plan.push(planned(Step::Discovery, []));
        }
        if let TokenSource::Issued { request, .. } = &self.source {
            plan.push(planned(Step::Token, request.assertions.iter().map(Assertion::label)));
        }
        plan.extend(plan_validate(self.validate.as_ref(), discovers));
        if self.introspect {
            plan.push(planned(Step::Introspect, []));
        }
        plan.extend(plan_api(self.call_api.as_ref()));
        if self.revoke {
            plan.push(planned(Step::Revoke, []));
        }
        plan
    }

    fn is_shared(&self) -> bool {
        match &self.source {
            TokenSource::Given(_) => false,
            TokenSource::Issued { request, .. } => {
                matches!(request.grant, Grant::Password | Grant::RefreshToken)
            }
        }
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            let client = self.source.client();
            if let Some(expires_at) = client.and_then(|client| client.expires_at.as_ref()) {
                context.credential(None, expires_at.unix_seconds());
            }
            let provider = discovery::provider(context, &self.discovery, client).await?;
            let token = self.token(context, &provider).await?;
            let (rules, api) = (self.validate.as_ref(), self.call_api.as_ref());
            let validated = validate(context, rules, &provider, &token).await?;
            if let Some(client) = client.filter(|_| self.introspect) {
                let introspect = introspect::run(context, &provider, client, &token, rules);
                context.step(Step::Introspect, introspect).await?;
            }
            let accepted = use_token(context, api, &token, validated.as_ref()).await?;
            leave_to_later_probes(context, rules, api, &token);
            if let Some(client) = client.filter(|_| self.revoke) {
                let (tokens, api) = ((&token, None), api.zip(accepted.as_ref()));
                let revoke = revoke::run(context, &provider, client, tokens, self.introspect, api);
                context.step(Step::Revoke, revoke).await?;
            }
            Ok(())
        })
    }
}

impl Access {
    async fn token(&self, context: &Context<'_>, provider: &Provider) -> Result<Token, Stopped> {
        match &self.source {
            TokenSource::Given(secret) => match context.secret(secret).await {
                Ok(text) => Ok(Token::given(text)),
                // The step that would have needed it first.
                Err(failure) => {
                    let by_keys = needs_keys(self.validate.as_ref());
                    let first = if by_keys { Step::Jwks } else { Step::Validate };
                    context.step(first, async { Err(failure) }).await
                }
            },
            TokenSource::Issued { client, request } => {
                let endpoint = provider.endpoint(context, EndpointName::Token);
                let issue = token::run(context, &endpoint, request, client.as_ref(), &[]);
                Ok(context.step(Step::Token, issue).await?.access)
            }
        }
    }
}

/// Whether the flow needs the published keys.
pub(super) fn needs_keys(validate: Option<&Validate>) -> bool {
    validate.is_some_and(|validate| matches!(validate.keys, KeySource::Published))
}

/// The API, where there is one. Refuses what the blocks cannot do together, and gets ready for what
/// they can.
pub(super) fn compile_api(
    settings: Option<CallApiSettings>,
    validate: Option<&Validate>,
    revokes: bool,
    block: Block<'_>,
) -> Result<Option<CallApi>, Error> {
    let (at, at_api) = (block.at, block.at.key("call_api"));
    let api = settings.map(|api| api.compile(&at_api, block.transport)).transpose()?;
    if let Some(api) = &api {
        call_api::prepare(api);
        let public =
            validate.is_some_and(|validate| !matches!(validate.keys, KeySource::Secret(_)));
        api.check_refusals(public, revokes, &at_api)?;
        if revokes && api.refuses(MustRefuse::Expired) {
            return Err(at_api.key("must_refuse").error(
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
    Ok(api)
}

/// The header that the client and the calls of the API may not find set.
pub(super) fn credential_headers(
    client: Option<&Client>,
    api: Option<&CallApi>,
) -> Vec<HeaderName> {
    let basic = client.is_some_and(|it| matches!(it.authentication, Authentication::Basic(_)));
    let taken = basic || api.is_some_and(|api| !api.must_refuse.is_empty());
    taken.then_some(AUTHORIZATION).into_iter().collect()
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
async fn use_token(
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
fn leave_to_later_probes(
    context: &Context<'_>,
    validate: Option<&Validate>,
    api: Option<&CallApi>,
    token: &Token,
) {
    let stays_good = validate.is_some_and(|validate| validate.previous_token);
    let ends = api.is_some_and(|api| api.refuses(MustRefuse::Expired));
    token.leave_to_later_probes(context, stays_good, ends);
}
