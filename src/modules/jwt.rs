//! `jwt`: issue a token, verify it as a relying party would, use it, and see that bad ones are
//! refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::access::{Blocks, TokenSource};
use crate::probe::{Block, Loaded, Prober};
use crate::secret::{Secret, SecretFile};
use crate::settings::{
    CallApiSettings, ClientSettings, DiscoverySetting, EndpointsSettings, Error, Grant, OneOrMany,
    Parameter, Path, TokenParameters, ValidateSettings, one_secret, plain,
};
use crate::steps::token::TokenRequest;

pub(super) const PROBER: Prober = Prober { name: "jwt", load };

#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    endpoints: EndpointsSettings,
    #[serde(default)]
    discovery: DiscoverySetting,
    token: TokenSettings,
    #[serde(default)]
    validate: ValidateSettings,
    call_api: Option<CallApiSettings>,
    #[serde(default)]
    revoke: bool,
}

/// How a token is had: one that is given, or a grant with what belongs to it.
#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenSettings {
    token: Option<Secret>,
    token_file: Option<SecretFile>,
    grant: Option<Grant>,
    client: Option<ClientSettings>,
    #[serde(default)]
    scopes: Vec<String>,
    audience: Option<String>,
    resource: Option<OneOrMany>,
    #[serde(default)]
    params: BTreeMap<String, Secret>,
    username: Option<String>,
    password: Option<Secret>,
    password_file: Option<SecretFile>,
    refresh_token: Option<Secret>,
    refresh_token_file: Option<SecretFile>,
    assertion: Option<Secret>,
    assertion_file: Option<SecretFile>,
    subject_token: Option<Secret>,
    subject_token_file: Option<SecretFile>,
    subject_token_type: Option<String>,
}

/// What a token is exchanged for when its type is not configured (RFC 8693 §3).
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    let certificate = block.transport.client_certificate;
    let source = settings.token.compile(certificate, &at.key("token"))?;
    let unfit = match &source {
        TokenSource::Given(_) => Some("would spend the token that is given"),
        TokenSource::Issued { client: None, .. } => {
            Some("needs token.client: a client revokes its own tokens (RFC 7009 §2.1)")
        }
        TokenSource::Issued { client: Some(_), .. } => None,
    };
    if let Some(message) = unfit.filter(|_| settings.revoke) {
        return Err(at.key("revoke").error(message));
    }
    let blocks = Blocks {
        endpoints: settings.endpoints,
        discovery: settings.discovery,
        validate: Some(settings.validate),
        introspect: false,
        call_api: settings.call_api,
        revoke: settings.revoke,
    };
    blocks.load(source, block, shown)
}

impl TokenSettings {
    fn compile(self, certificate: bool, at: &Path) -> Result<TokenSource, Error> {
        if let Some(given) = one_secret(self.token.clone(), self.token_file.clone(), at, "token")? {
            return match self.beside_given() {
                Some(field) => {
                    Err(at.key(field).error("means nothing beside a token that is given"))
                }
                None => Ok(TokenSource::Given(given)),
            };
        }
        let grant = self.grant.ok_or_else(|| at.error("needs grant, or token or token_file"))?;
        let subject_token_type = self.subject_token_type;
        let given = [
            ("username", self.username.map(Parameter::Plain)),
            ("password", secret(self.password, self.password_file, at, "password")?),
            (
                "refresh_token",
                secret(self.refresh_token, self.refresh_token_file, at, "refresh_token")?,
            ),
            ("assertion", secret(self.assertion, self.assertion_file, at, "assertion")?),
            (
                "subject_token",
                secret(self.subject_token, self.subject_token_file, at, "subject_token")?,
            ),
            ("subject_token_type", subject_token_type.map(Parameter::Plain)),
        ];
        let takes = grant.parameters();
        if grant == Grant::ClientCredentials && self.client.is_none() {
            return Err(at.error("client_credentials needs client (RFC 6749 §4.4)"));
        }
        let scopes = self.scopes.clone();
        let parameters = TokenParameters {
            scopes: self.scopes,
            audience: self.audience,
            resource: self.resource,
            params: self.params,
        };
        let mut parameters = parameters.compile(grant, at)?;
        for (name, value) in given {
            match value {
                Some(Parameter::Plain(text)) if text.is_empty() => {
                    return Err(at.key(name).error("is empty"));
                }
                Some(value) if takes.contains(&name) => parameters.push((name.to_owned(), value)),
                Some(_) => return Err(at.key(name).error("means nothing for this grant")),
                None if name == "subject_token_type" && takes.contains(&name) => {
                    parameters.push(plain(name, ACCESS_TOKEN_TYPE));
                }
                None if name == "username" && takes.contains(&name) => {
                    return Err(at.error("this grant needs username (RFC 6749 §4.3.2)"));
                }
                None if takes.contains(&name) => {
                    return Err(at.error(format!("this grant needs {name} or {name}_file")));
                }
                None => {}
            }
        }
        let client =
            self.client.map(|client| client.compile(certificate, &at.key("client"))).transpose()?;
        let request =
            TokenRequest { grant, parameters, scopes, headers: Vec::new(), assertions: Vec::new() };
        Ok(TokenSource::Issued { client, request: Box::new(request) })
    }

    /// A field that only a grant has a use for.
    fn beside_given(&self) -> Option<&'static str> {
        [
            ("grant", self.grant.is_some()),
            ("client", self.client.is_some()),
            ("scopes", !self.scopes.is_empty()),
            ("audience", self.audience.is_some()),
            ("resource", self.resource.is_some()),
            ("params", !self.params.is_empty()),
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
            ("password_file", self.password_file.is_some()),
            ("refresh_token", self.refresh_token.is_some()),
            ("refresh_token_file", self.refresh_token_file.is_some()),
            ("assertion", self.assertion.is_some()),
            ("assertion_file", self.assertion_file.is_some()),
            ("subject_token", self.subject_token.is_some()),
            ("subject_token_file", self.subject_token_file.is_some()),
            ("subject_token_type", self.subject_token_type.is_some()),
        ]
        .into_iter()
        .find_map(|(field, given)| given.then_some(field))
    }
}

fn secret(
    inline: Option<Secret>,
    file: Option<SecretFile>,
    at: &Path,
    field: &str,
) -> Result<Option<Parameter>, Error> {
    Ok(one_secret(inline, file, at, field)?.map(Parameter::Secret))
}
