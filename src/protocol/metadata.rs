//! Provider metadata: OpenID Connect Discovery 1.0 and RFC 8414.

use serde_json::{Map, Value};
use url::Url;

use super::json::{Document, JsonError};

/// Suffix of OpenID Connect Discovery §4.
const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// Well-known name of RFC 8414 §3.
const OAUTH_SERVER: &str = "/.well-known/oauth-authorization-server";

/// Where OpenID Connect keeps the metadata of an issuer: the suffix is appended
/// to the path, without its final slash (OpenID Connect Discovery §4.1).
#[must_use]
pub fn openid_configuration_url(issuer: &Url) -> Url {
    well_known(issuer, |path| format!("{path}{OPENID_CONFIGURATION}"))
}

/// Where RFC 8414 §3.1 keeps it: the name is inserted before the path.
#[must_use]
pub fn oauth_server_url(issuer: &Url) -> Url {
    well_known(issuer, |path| format!("{OAUTH_SERVER}{path}"))
}

fn well_known(issuer: &Url, path: impl FnOnce(&str) -> String) -> Url {
    let mut url = issuer.clone();
    url.set_path(&path(issuer.path().strip_suffix('/').unwrap_or(issuer.path())));
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// An endpoint that metadata may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointName {
    /// `token_endpoint` (RFC 8414 §2).
    Token,
    /// `authorization_endpoint` (RFC 8414 §2).
    Authorization,
    /// `pushed_authorization_request_endpoint` (RFC 9126 §5).
    PushedAuthorization,
    /// `userinfo_endpoint` (OpenID Connect Discovery §3).
    Userinfo,
    /// `end_session_endpoint` (OpenID Connect RP-Initiated Logout §2.1).
    EndSession,
    /// `jwks_uri` (RFC 8414 §2).
    Jwks,
    /// `introspection_endpoint` (RFC 8414 §2).
    Introspection,
    /// `revocation_endpoint` (RFC 8414 §2).
    Revocation,
}

impl EndpointName {
    /// Its field in the `endpoints` of a configuration.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Authorization => "authorization",
            Self::PushedAuthorization => "pushed_authorization_request",
            Self::Userinfo => "userinfo",
            Self::EndSession => "end_session",
            Self::Jwks => "jwks",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
        }
    }

    /// Its member in the metadata.
    const fn member(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::Authorization => "authorization_endpoint",
            Self::PushedAuthorization => "pushed_authorization_request_endpoint",
            Self::Userinfo => "userinfo_endpoint",
            Self::EndSession => "end_session_endpoint",
            Self::Jwks => "jwks_uri",
            Self::Introspection => "introspection_endpoint",
            Self::Revocation => "revocation_endpoint",
        }
    }

    /// Whether the client calls it itself, as somebody who proves who it is.
    const fn takes_client(self) -> bool {
        match self {
            Self::Token
            | Self::PushedAuthorization
            | Self::Userinfo
            | Self::Introspection
            | Self::Revocation => true,
            Self::Authorization | Self::EndSession | Self::Jwks => false,
        }
    }
}

/// The metadata of a provider whose issuer was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata(Map<String, Value>);

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a JSON object (OpenID Connect Discovery §4.2, RFC 8414 §3.2).
    #[error("the metadata is no JSON object: {0}")]
    NotJson(#[from] JsonError),
    /// Another issuer than the one asked for (OpenID Connect Discovery §4.3, RFC 8414 §3.3).
    #[error("expected issuer {expected:?}, found {found}")]
    Issuer {
        /// The target, character by character.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// An endpoint that the flow needs is not there.
    #[error("the metadata has no {0}")]
    NoEndpoint(&'static str),
    /// An endpoint is no http(s) URL without fragment and userinfo (RFC 6749 §3.1, §3.2).
    #[error("{0} is not an http or https URL without userinfo, fragment and white space")]
    BadEndpoint(&'static str),
}

impl Metadata {
    /// Reads a metadata document of `issuer`.
    ///
    /// # Errors
    /// When it is no JSON object or belongs to another issuer.
    pub fn read(document: &Document, issuer: &str) -> Result<Self, MetadataError> {
        let members = document.members()?;
        let stated = members.get("issuer");
        // Identical, without any normalization: RFC 8414 §3.3, RFC 3986 §6.2.1.
        if stated.and_then(Value::as_str) != Some(issuer) {
            return Err(MetadataError::Issuer {
                expected: issuer.to_owned(),
                found: stated.map_or_else(|| "none".to_owned(), ToString::to_string),
            });
        }
        Ok(Self(members.clone()))
    }

    /// Whether a member is the boolean true.
    #[must_use]
    pub fn promises(&self, member: &str) -> bool {
        self.0.get(member) == Some(&Value::Bool(true))
    }

    /// Where an endpoint is. A client that proves itself by its certificate takes the alias
    /// in `mtls_endpoint_aliases` when there is one and it calls the endpoint itself: of others,
    /// as those that a browser goes to, an alias means nothing (RFC 8705 §5).
    ///
    /// # Errors
    /// When it is missing or cannot be called.
    pub fn endpoint(
        &self,
        name: EndpointName,
        mutual_tls: bool,
    ) -> Result<(Url, &str), MetadataError> {
        let aliases = self.0.get("mtls_endpoint_aliases");
        let alias = aliases
            .filter(|_| mutual_tls && name.takes_client())
            .and_then(|aliases| aliases.get(name.member()))
            .filter(|alias| !alias.is_null());
        endpoint(alias.or_else(|| self.0.get(name.member())), name.member())
    }
}

fn endpoint<'v>(
    value: Option<&'v Value>,
    name: &'static str,
) -> Result<(Url, &'v str), MetadataError> {
    let text = match value {
        None | Some(Value::Null) => return Err(MetadataError::NoEndpoint(name)),
        Some(value) => value.as_str().ok_or(MetadataError::BadEndpoint(name))?,
    };
    // A parser of URLs takes white space away, which no URI has (RFC 3986 §2).
    let has_space = text.contains(|c: char| c.is_whitespace() || c.is_control());
    (!has_space)
        .then(|| Url::parse(text).ok())
        .flatten()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .filter(|url| url.fragment().is_none())
        .map(|url| (url, text))
        .ok_or(MetadataError::BadEndpoint(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_stand_where_the_specifications_say() {
        for (issuer, openid, oauth) in [
            (
                "https://example.com",
                "https://example.com/.well-known/openid-configuration",
                "https://example.com/.well-known/oauth-authorization-server",
            ),
            (
                // RFC 8414 §3.1
                "https://example.com/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
            ),
            (
                "https://example.com/a/b/",
                "https://example.com/a/b/.well-known/openid-configuration",
                "https://example.com/.well-known/oauth-authorization-server/a/b",
            ),
        ] {
            let issuer = Url::parse(issuer).expect("URL");
            assert_eq!(openid_configuration_url(&issuer).as_str(), openid);
            assert_eq!(oauth_server_url(&issuer).as_str(), oauth);
        }
    }

    fn parse(body: &str) -> Result<Metadata, String> {
        let document = Document::parse(body.as_bytes()).expect("test JSON");
        Metadata::read(&document, "https://a.example").map_err(|error| error.to_string())
    }

    #[test]
    fn the_issuer_must_be_identical() {
        let found = |issuer: &str| parse(&format!(r#"{{"issuer": {issuer}}}"#)).expect_err(issuer);
        assert_eq!(
            found(r#""https://a.example/""#),
            r#"expected issuer "https://a.example", found "https://a.example/""#
        );
        assert_eq!(found("1"), r#"expected issuer "https://a.example", found 1"#);
        assert_eq!(
            parse("{}").expect_err("no issuer"),
            r#"expected issuer "https://a.example", found none"#
        );
        assert_eq!(
            parse("[]").expect_err("no object"),
            "the metadata is no JSON object: expected an object, found an array"
        );
    }

    #[test]
    fn endpoints_are_taken_only_when_they_can_be_called() {
        let token = |value: &str| {
            parse(&format!(r#"{{"issuer": "https://a.example", "token_endpoint": {value}}}"#))
                .expect("metadata")
                .endpoint(EndpointName::Token, false)
                .map(|(url, written)| (url.to_string(), written.to_owned()))
        };
        assert_eq!(
            token(r#""https://A.example:443/token""#),
            Ok(("https://a.example/token".into(), "https://A.example:443/token".into()))
        );
        assert_eq!(token("null"), Err(MetadataError::NoEndpoint("token_endpoint")));
        for bad in [
            "1",
            r#""/token""#,
            r#""https://u:p@a.example/""#,
            r#""https://a.example/#f""#,
            r#""file:///x""#,
            r#"" https://a.example/token""#,
            r#""https://a.example/token\n""#,
            r#""https://a.example/to ken""#,
        ] {
            assert_eq!(token(bad), Err(MetadataError::BadEndpoint("token_endpoint")), "{bad}");
        }
    }

    #[test]
    fn a_client_with_a_certificate_takes_the_alias() {
        // RFC 8705 §5
        let metadata = parse(
            r#"{"issuer": "https://a.example", "token_endpoint": "https://a.example/token",
                "revocation_endpoint": "https://a.example/revoke",
                "userinfo_endpoint": "https://a.example/userinfo",
                "authorization_endpoint": "https://a.example/authorize",
                "end_session_endpoint": "https://a.example/logout",
                "jwks_uri": "https://a.example/jwks",
                "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.a.example/token",
                    "userinfo_endpoint": null,
                    "authorization_endpoint": "https://mtls.a.example/authorize",
                    "end_session_endpoint": "https://mtls.a.example/logout",
                    "jwks_uri": "https://mtls.a.example/jwks"}}"#,
        )
        .expect("metadata");
        let endpoint =
            |name, mutual_tls| metadata.endpoint(name, mutual_tls).map(|(url, _)| url.to_string());
        let url = |text: &str| Ok(text.to_owned());
        assert_eq!(endpoint(EndpointName::Token, true), url("https://mtls.a.example/token"));
        assert_eq!(endpoint(EndpointName::Token, false), url("https://a.example/token"));
        for (name, expected) in [
            (EndpointName::Revocation, "https://a.example/revoke"),
            (EndpointName::Userinfo, "https://a.example/userinfo"),
            // Which the client does not call, or not as itself.
            (EndpointName::Authorization, "https://a.example/authorize"),
            (EndpointName::EndSession, "https://a.example/logout"),
            (EndpointName::Jwks, "https://a.example/jwks"),
        ] {
            assert_eq!(endpoint(name, true), url(expected));
        }
        assert_eq!(
            endpoint(EndpointName::Introspection, true),
            Err(MetadataError::NoEndpoint("introspection_endpoint"))
        );
    }
}
