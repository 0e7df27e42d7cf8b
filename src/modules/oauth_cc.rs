//! `oauth_cc`: the client credentials grant (RFC 6749 §4.4), from the metadata to the API.

use std::collections::BTreeMap;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::access::{Blocks, TokenSource};
use crate::probe::{Block, Loaded, Prober};
use crate::secret::Secret;
use crate::settings::{
    AssertionSettings, CallApiSettings, ClientSettings, DiscoverySetting, EndpointsSettings, Error,
    Grant, HeadersSettings, OneOrMany, TokenParameters, ValidateSettings, compile_assertions,
};
use crate::steps::token::TokenRequest;

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

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    let scopes = settings.scopes.clone();
    let parameters = TokenParameters {
        scopes: settings.scopes,
        audience: settings.audience,
        resource: settings.resource,
        params: settings.params,
    };
    let request = TokenRequest {
        grant: Grant::ClientCredentials,
        parameters: parameters.compile(Grant::ClientCredentials, at)?,
        scopes,
        headers: settings
            .headers
            .compile(&at.key("headers"), &[ACCEPT, AUTHORIZATION, CONTENT_TYPE])?,
        assertions: compile_assertions(settings.assertions, &at.key("assertions"))?,
    };
    let client = settings.client.compile(block.transport.client_certificate, &at.key("client"))?;
    let source = TokenSource::Issued { client: Some(client), request: Box::new(request) };
    let blocks = Blocks {
        endpoints: settings.endpoints,
        discovery: settings.discovery,
        validate: settings.validate,
        introspect: settings.introspect,
        call_api: settings.call_api,
        revoke: settings.revoke,
    };
    blocks.load(source, block, shown)
}
