//! The `endpoints` and `discovery` fields: where a provider's endpoints are
//! configured, and which metadata documents are asked for the others.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use url::Url;

use super::{Error, Location, Path, Transport};
use crate::protocol::metadata::EndpointName;

/// `endpoints` as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointsSettings {
    token: Option<Location>,
    authorization: Option<Location>,
    pushed_authorization_request: Option<Location>,
    userinfo: Option<Location>,
    end_session: Option<Location>,
    pub(super) jwks: Option<Location>,
    introspection: Option<Location>,
    revocation: Option<Location>,
}

/// `discovery` as written: `auto`, `oidc`, `oauth`, a URL, or false.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DiscoverySetting {
    /// Only when a needed endpoint is not configured.
    #[default]
    Auto,
    /// OpenID Connect Discovery.
    Oidc,
    /// RFC 8414.
    Oauth,
    /// The document at this URL.
    Document(Url),
    /// No discovery.
    Off,
}

/// Which documents are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Documents {
    /// OpenID Connect Discovery, and RFC 8414 once when that answers 404.
    Auto,
    /// OpenID Connect Discovery §4.
    Oidc,
    /// RFC 8414 §3.
    Oauth,
    /// The document at this URL.
    At(Url),
}

/// How the endpoints of a flow are found.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The documents to ask; `None` when the flow asks none.
    pub documents: Option<Documents>,
    /// The endpoints that the flow needs, each with the configured URL, which wins over a
    /// discovered one.
    pub endpoints: Vec<(EndpointName, Option<Location>)>,
}

impl Discovery {
    /// What the two fields mean together for a flow that needs these endpoints.
    ///
    /// # Errors
    /// For a bad URL, one that would carry a secret in the clear, one that the flow does not
    /// call, and for an endpoint that nothing names.
    pub fn compile(
        settings: EndpointsSettings,
        setting: DiscoverySetting,
        needed: &[EndpointName],
        at: &Path,
        transport: Transport,
    ) -> Result<Self, Error> {
        let at_endpoints = at.key("endpoints");
        let mut endpoints = Vec::with_capacity(needed.len());
        for (name, location) in [
            (EndpointName::Token, settings.token),
            (EndpointName::Authorization, settings.authorization),
            (EndpointName::PushedAuthorization, settings.pushed_authorization_request),
            (EndpointName::Userinfo, settings.userinfo),
            (EndpointName::EndSession, settings.end_session),
            (EndpointName::Jwks, settings.jwks),
            (EndpointName::Introspection, settings.introspection),
            (EndpointName::Revocation, settings.revocation),
        ] {
            let at_endpoint = at_endpoints.key(name.field());
            if let Some(location) = &location {
                let what = if name == EndpointName::Jwks { "a key set" } else { "a secret" };
                location.check_carrying(what, &at_endpoint, transport)?;
            }
            match (needed.contains(&name), &location) {
                (true, None) if setting == DiscoverySetting::Off && name != EndpointName::Token => {
                    return Err(at_endpoints
                        .error(format!("needs {}, since discovery is false", name.field())));
                }
                (true, _) => endpoints.push((name, location)),
                (false, Some(_)) => return Err(at_endpoint.error("is called by no step")),
                (false, None) => {}
            }
        }
        if let DiscoverySetting::Document(url) = &setting {
            // It says whom to trust.
            transport.check_carrying("metadata", url, &at.key("discovery"))?;
        }
        let missing = endpoints.iter().any(|(_, location)| location.is_none());
        let documents = match setting {
            DiscoverySetting::Auto => missing.then_some(Documents::Auto),
            DiscoverySetting::Oidc => Some(Documents::Oidc),
            DiscoverySetting::Oauth => Some(Documents::Oauth),
            DiscoverySetting::Document(url) => Some(Documents::At(url)),
            DiscoverySetting::Off => None,
        };
        Ok(Self { documents, endpoints })
    }
}

impl Serialize for DiscoverySetting {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Oidc => serializer.serialize_str("oidc"),
            Self::Oauth => serializer.serialize_str("oauth"),
            Self::Document(url) => serializer.serialize_str(url.as_str()),
            Self::Off => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for DiscoverySetting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SettingVisitor;
        impl serde::de::Visitor<'_> for SettingVisitor {
            type Value = DiscoverySetting;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("auto, oidc, oauth, false or the URL of a metadata document")
            }

            fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<Self::Value, E> {
                if on {
                    return Err(E::custom("say auto, oidc or oauth instead of true"));
                }
                Ok(DiscoverySetting::Off)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "auto" => Ok(DiscoverySetting::Auto),
                    "oidc" => Ok(DiscoverySetting::Oidc),
                    "oauth" => Ok(DiscoverySetting::Oauth),
                    "false" => Ok(DiscoverySetting::Off),
                    url => Url::parse(url)
                        .ok()
                        .filter(|_| !url.chars().any(|c| c.is_control() || c.is_whitespace()))
                        .filter(|url| matches!(url.scheme(), "http" | "https"))
                        .filter(|url| url.username().is_empty() && url.password().is_none())
                        .filter(|url| url.fragment().is_none())
                        .map(DiscoverySetting::Document)
                        .ok_or_else(|| {
                            E::custom(
                                "is not auto, oidc, oauth, false or the URL of a metadata document",
                            )
                        }),
                }
            }
        }
        deserializer.deserialize_any(SettingVisitor)
    }
}
