//! `oauth_cc`: the client credentials grant (RFC 6749 §4.4), from the metadata to the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::access;
use crate::probe::{Block, Context, Loaded, Planned, Probe, Prober, Running, planned};
use crate::protocol::metadata::EndpointName;
use crate::report::Step;
use crate::secret::Secret;
use crate::settings::{
    Assertion, AssertionSettings, Authentication, CallApi, CallApiSettings, Client, ClientSettings,
    Discovery, DiscoverySetting, EndpointsSettings, Error, Grant, HeadersSettings, OneOrMany,
    TokenParameters, Validate, ValidateSettings, ValidateSubject, compile_assertions,
};
use crate::steps::introspect::Introspection;
use crate::steps::token::TokenRequest;
use crate::steps::{discovery, introspect, revoke, token};

pub(super) const PROBER: Prober = Prober { name: "oauth_cc", load };

#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    client: ClientSettings,
    #[serde(default)]
    endpoints: EndpointsSettings,
    #[serde(default)]
    discovery: DiscoverySetting,
    #[serde(default)]
    scopes: Vec<String>,
    audience: Option<String>,
    resource: Option<OneOrMany>,
    #[serde(default)]
    params: BTreeMap<String, Secret>,
    #[serde(default)]
    headers: HeadersSettings,
    #[serde(default)]
    assertions: Vec<AssertionSettings>,
    validate: Option<ValidateSettings>,
    #[serde(default)]
    introspect: bool,
    call_api: Option<CallApiSettings>,
    #[serde(default)]
    revoke: bool,
}

struct OauthCc {
    client: Client,
    discovery: Discovery,
    token: TokenRequest,
    validate: Option<Validate>,
    introspect: bool,
    call_api: Option<CallApi>,
    revoke: bool,
}

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let mut settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    let scopes = settings.scopes.clone();
    let parameters = TokenParameters {
        scopes: settings.scopes,
        audience: settings.audience,
        resource: settings.resource,
        params: settings.params,
    };
    let parameters = parameters.compile(Grant::ClientCredentials, at)?;
    let at_validate = at.key("validate");
    let validate = settings
        .validate
        .map(|validate| {
            validate.compile(
                &mut settings.endpoints,
                ValidateSubject::AccessToken,
                block.transport,
                &at_validate,
            )
        })
        .transpose()?;
    let mut needed = vec![EndpointName::Token];
    needed.extend(access::needs_keys(validate.as_ref()).then_some(EndpointName::Jwks));
    needed.extend(settings.introspect.then_some(EndpointName::Introspection));
    needed.extend(settings.revoke.then_some(EndpointName::Revocation));
    let (endpoints, discovery) = (settings.endpoints, settings.discovery);
    let discovery = Discovery::compile(endpoints, discovery, &needed, at, block.transport)?;
    let call_api = settings
        .call_api
        .map(|api| api.compile(&at.key("call_api"), block.transport))
        .transpose()?;
    access::check(validate.as_ref(), call_api.as_ref(), settings.revoke, at)?;
    let probe = OauthCc {
        client: settings.client.compile(block.transport.client_certificate, &at.key("client"))?,
        discovery,
        token: TokenRequest {
            grant: Grant::ClientCredentials,
            parameters,
            scopes,
            headers: settings
                .headers
                .compile(&at.key("headers"), &[ACCEPT, AUTHORIZATION, CONTENT_TYPE])?,
            assertions: compile_assertions(settings.assertions, &at.key("assertions"))?,
        },
        validate,
        introspect: settings.introspect,
        call_api,
        revoke: settings.revoke,
    };
    let in_header = matches!(probe.client.authentication, Authentication::Basic(_))
        || probe.call_api.as_ref().is_some_and(|api| !api.must_refuse.is_empty());
    let credential_headers = if in_header { vec![AUTHORIZATION] } else { Vec::new() };
    Ok(Loaded { probe: Arc::new(probe), shown, credential_headers })
}

impl Probe for OauthCc {
    fn plan(&self) -> Vec<Planned> {
        let mut plan = Vec::new();
        let discovers = self.discovery.documents.is_some();
        if discovers {
            plan.push(planned(Step::Discovery, []));
        }
        plan.push(planned(Step::Token, self.token.assertions.iter().map(Assertion::label)));
        plan.extend(access::plan_validate(self.validate.as_ref(), discovers));
        if self.introspect {
            plan.push(planned(Step::Introspect, []));
        }
        plan.extend(access::plan_api(self.call_api.as_ref()));
        if self.revoke {
            plan.push(planned(Step::Revoke, []));
        }
        plan
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            let client = &self.client;
            if let Some(expires_at) = &client.expires_at {
                context.credential(None, expires_at.unix_seconds());
            }
            let provider = discovery::provider(context, &self.discovery, Some(client)).await?;
            let token_endpoint = provider.endpoint(context, EndpointName::Token);
            let request = token::run(context, &token_endpoint, &self.token, Some(client), &[]);
            let token = context.step(Step::Token, request).await?.access;
            let validate = self.validate.as_ref();
            let validated = access::validate(context, validate, &provider, &token).await?;
            let introspection = self.introspect.then(|| Introspection {
                endpoint: provider.endpoint(context, EndpointName::Introspection),
                token_endpoint: token_endpoint.clone(),
            });
            if let Some(introspection) = &introspection {
                let introspect = introspect::run(context, introspection, client, &token);
                context.step(Step::Introspect, introspect).await?;
            }
            let api = self.call_api.as_ref();
            let accepted = access::use_token(context, api, &token, validated.as_ref()).await?;
            access::leave_to_later_probes(context, validate, api, &token);
            if self.revoke {
                let endpoint = provider.endpoint(context, EndpointName::Revocation);
                let introspection = introspection.as_ref();
                let api = api.zip(accepted.as_ref());
                let revoke = revoke::run(
                    context,
                    &endpoint,
                    &token_endpoint,
                    client,
                    &token,
                    introspection,
                    api,
                );
                context.step(Step::Revoke, revoke).await?;
            }
            Ok(())
        })
    }
}
