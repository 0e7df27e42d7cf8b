//! `oauth_cc`: the client credentials grant (RFC 6749 §4.4), from the metadata to the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use crate::probe::{Block, Context, Loaded, Planned, Probe, Prober, Running, planned};
use crate::protocol::metadata::EndpointName;
use crate::report::Step;
use crate::secret::Secret;
use crate::settings::{
    Assertion, AssertionSettings, Authentication, CallApi, CallApiSettings, ClientSettings,
    Discovery, DiscoverySetting, EndpointsSettings, Error, HeadersSettings, OneOrMany, Path,
    compile_assertions,
};
use crate::steps::introspect::Introspection;
use crate::steps::token::{Parameter, TokenRequest};
use crate::steps::{call_api, discovery, introspect, refuse, revoke, token};

pub(super) const PROBER: Prober = Prober { name: "oauth_cc", load };

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
    #[serde(default)]
    introspect: bool,
    call_api: Option<CallApiSettings>,
    #[serde(default)]
    revoke: bool,
}

struct OauthCc {
    discovery: Discovery,
    token: TokenRequest,
    introspect: bool,
    call_api: Option<CallApi>,
    revoke: bool,
}

/// Parameters that the exporter sends itself: RFC 6749 §3.2 forbids to send one twice.
const OWN_PARAMETERS: [&str; 8] = [
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "grant_type",
    "resource",
    "scope",
];

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    let mut parameters = vec![plain("grant_type", "client_credentials")];
    scopes(&settings.scopes, &at.key("scopes"))?;
    if !settings.scopes.is_empty() {
        parameters.push(plain("scope", &settings.scopes.join(" ")));
    }
    if let Some(audience) = &settings.audience {
        if audience.is_empty() {
            return Err(at.key("audience").error("is empty"));
        }
        parameters.push(plain("audience", audience));
    }
    for (index, resource) in settings.resource.iter().flat_map(|many| many.0.iter()).enumerate() {
        // RFC 8707 §2: an absolute URI without fragment.
        if !url::Url::parse(resource).is_ok_and(|url| url.fragment().is_none()) {
            return Err(at
                .key("resource")
                .index(index)
                .error("is not an absolute URI without fragment (RFC 8707 §2)"));
        }
        parameters.push(plain("resource", resource));
    }
    for (name, value) in settings.params {
        if name.is_empty() {
            return Err(at.key("params").error("holds a parameter without a name"));
        }
        if OWN_PARAMETERS.contains(&name.as_str()) {
            return Err(at
                .key("params")
                .key(&name)
                .error("is sent by the exporter from another field"));
        }
        parameters.push((name, Parameter::Secret(value)));
    }
    let mut needed = vec![EndpointName::Token];
    needed.extend(settings.introspect.then_some(EndpointName::Introspection));
    needed.extend(settings.revoke.then_some(EndpointName::Revocation));
    let probe = OauthCc {
        discovery: Discovery::compile(
            settings.endpoints,
            settings.discovery,
            &needed,
            at,
            block.transport,
        )?,
        token: TokenRequest {
            client: settings
                .client
                .compile(block.transport.client_certificate, &at.key("client"))?,
            parameters,
            scopes: settings.scopes,
            headers: settings
                .headers
                .compile(&at.key("headers"), &[ACCEPT, AUTHORIZATION, CONTENT_TYPE])?,
            assertions: compile_assertions(settings.assertions, &at.key("assertions"))?,
        },
        introspect: settings.introspect,
        revoke: settings.revoke,
        call_api: settings
            .call_api
            .map(|api| api.compile(&at.key("call_api"), block.transport))
            .transpose()?,
    };
    let in_header = matches!(probe.token.client.authentication, Authentication::Basic(_))
        || probe.call_api.as_ref().is_some_and(|api| api.refuse_no_credential);
    let credential_headers = if in_header { vec![AUTHORIZATION] } else { Vec::new() };
    Ok(Loaded { probe: Arc::new(probe), shown, credential_headers })
}

fn plain(name: &str, value: &str) -> (String, Parameter) {
    (name.to_owned(), Parameter::Plain(value.to_owned()))
}

/// RFC 6749 §3.3: visible ASCII without quote and backslash, and no space inside.
fn scopes(scopes: &[String], at: &Path) -> Result<(), Error> {
    for (index, scope) in scopes.iter().enumerate() {
        let valid = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if scope.is_empty() || !scope.bytes().all(valid) {
            return Err(at.index(index).error("is not a scope (RFC 6749 §3.3): one word an entry"));
        }
    }
    Ok(())
}

impl Probe for OauthCc {
    fn plan(&self) -> Vec<Planned> {
        let mut plan = Vec::new();
        if self.discovery.documents.is_some() {
            plan.push(planned(Step::Discovery, []));
        }
        plan.push(planned(Step::Token, self.token.assertions.iter().map(Assertion::label)));
        if self.introspect {
            plan.push(planned(Step::Introspect, []));
        }
        if let Some(api) = &self.call_api {
            plan.push(planned(Step::CallApi, api.assertions.iter().map(Assertion::label)));
            if api.refuse_no_credential {
                plan.push(planned(Step::Refuse, []));
            }
        }
        if self.revoke {
            plan.push(planned(Step::Revoke, []));
        }
        plan
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            let client = &self.token.client;
            if let Some(expires_at) = &client.expires_at {
                context.credential(None, expires_at.unix_seconds());
            }
            let provider = discovery::provider(context, &self.discovery, client).await?;
            let token_endpoint = provider.endpoint(context, EndpointName::Token);
            let request = token::run(context, &token_endpoint, &self.token);
            let token = context.step(Step::Token, request).await?;
            let introspection = self.introspect.then(|| Introspection {
                endpoint: provider.endpoint(context, EndpointName::Introspection),
                token_endpoint: token_endpoint.clone(),
            });
            if let Some(introspection) = &introspection {
                let introspect = introspect::run(context, introspection, client, &token);
                context.step(Step::Introspect, introspect).await?;
            }
            if let Some(api) = &self.call_api {
                let call = call_api::run(context, api, &token);
                let accepted = context.step(Step::CallApi, call).await?;
                if api.refuse_no_credential {
                    let refuse = async {
                        let attempts = call_api::attempts(context, api, &accepted).await?;
                        refuse::run(context, attempts, &api.refuse_status).await
                    };
                    context.step(Step::Refuse, refuse).await?;
                }
            }
            if self.revoke {
                let endpoint = provider.endpoint(context, EndpointName::Revocation);
                let introspection = introspection.as_ref();
                let revoke =
                    revoke::run(context, &endpoint, &token_endpoint, client, &token, introspection);
                context.step(Step::Revoke, revoke).await?;
            }
            Ok(())
        })
    }
}
