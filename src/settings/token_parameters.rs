//! What is asked of a token endpoint beside the grant itself: scopes, audience, resource and
//! parameters of one provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Error, OneOrMany, Path};
use crate::secret::Secret;

/// How a token is asked for: `grant_type` (RFC 6749 §4, §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §4.1: not configured, but the end of a login.
    #[serde(skip)]
    AuthorizationCode,
    /// RFC 6749 §4.3.
    Password,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 7523 §2.1.
    #[serde(alias = "jwt-bearer", alias = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
    /// RFC 8693 §2.
    #[serde(alias = "token-exchange", alias = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl Grant {
    /// The value of the parameter.
    #[must_use]
    pub const fn grant_type(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::Password => "password",
            Self::RefreshToken => "refresh_token",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// The parameters that this grant has beside those of every request.
    #[must_use]
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::ClientCredentials => &[],
            // RFC 7636 §4.5 adds the verifier.
            Self::AuthorizationCode => &["code", "code_verifier", "redirect_uri"],
            Self::Password => &["username", "password"],
            Self::RefreshToken => &["refresh_token"],
            Self::JwtBearer => &["assertion"],
            Self::TokenExchange => &["subject_token", "subject_token_type"],
        }
    }
}

/// The value of a parameter.
#[derive(Debug, Clone)]
pub enum Parameter {
    /// Shown by nobody, but no secret.
    Plain(String),
    /// A secret.
    Secret(Secret),
}

/// A parameter whose value is no secret.
#[must_use]
pub fn plain(name: &str, value: &str) -> (String, Parameter) {
    (name.to_owned(), Parameter::Plain(value.to_owned()))
}

/// The fields as written.
#[derive(Debug, Default)]
pub struct TokenParameters {
    /// `scopes`
    pub scopes: Vec<String>,
    /// `audience`
    pub audience: Option<String>,
    /// `resource`
    pub resource: Option<OneOrMany>,
    /// `params`
    pub params: BTreeMap<String, Secret>,
}

/// Parameters that the exporter sends itself, with any grant: RFC 6749 §3.2 forbids to send one
/// twice.
const OWN_PARAMETERS: [&str; 6] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "grant_type",
    "scope",
];

/// Parameters that are fields where a token is asked for directly.
const FIELDS: [&str; 2] = ["audience", "resource"];

impl TokenParameters {
    /// The parameters of a request for this grant, in order.
    ///
    /// # Errors
    /// For a scope, audience, resource or parameter that cannot be sent.
    pub fn compile(self, grant: Grant, at: &Path) -> Result<Vec<(String, Parameter)>, Error> {
        let mut parameters = vec![plain("grant_type", grant.grant_type())];
        scopes(&self.scopes, &at.key("scopes"))?;
        if !self.scopes.is_empty() {
            parameters.push(plain("scope", &self.scopes.join(" ")));
        }
        if let Some(audience) = &self.audience {
            if audience.is_empty() {
                return Err(at.key("audience").error("is empty"));
            }
            parameters.push(plain("audience", audience));
        }
        for (index, resource) in self.resource.iter().flat_map(|many| many.0.iter()).enumerate() {
            // RFC 8707 §2: an absolute URI without fragment.
            if !url::Url::parse(resource).is_ok_and(|url| url.fragment().is_none()) {
                return Err(at
                    .key("resource")
                    .index(index)
                    .error("is not an absolute URI without fragment (RFC 8707 §2)"));
            }
            parameters.push(plain("resource", resource));
        }
        for (name, value) in self.params {
            if name.is_empty() {
                return Err(at.key("params").error("holds a parameter without a name"));
            }
            // A login has no field for them: in its request they are parameters like others.
            let fields: &[&str] =
                if grant == Grant::AuthorizationCode { &[] } else { FIELDS.as_slice() };
            let own = OWN_PARAMETERS.iter().chain(fields).chain(grant.parameters());
            if own.into_iter().any(|own| *own == name) {
                return Err(at
                    .key("params")
                    .key(&name)
                    .error("is sent by the exporter from another field"));
            }
            parameters.push((name, Parameter::Secret(value)));
        }
        Ok(parameters)
    }
}

/// RFC 6749 §3.3: visible ASCII without quote and backslash, and no space inside.
///
/// # Errors
/// For the first that is none.
pub fn scopes(scopes: &[String], at: &Path) -> Result<(), Error> {
    for (index, scope) in scopes.iter().enumerate() {
        let valid = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if scope.is_empty() || !scope.bytes().all(valid) {
            return Err(at.index(index).error("is not a scope (RFC 6749 §3.3): one word an entry"));
        }
    }
    Ok(())
}
