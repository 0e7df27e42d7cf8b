//! What may be sent where: a secret goes to the target's origin, to what the
//! configuration names, and to where metadata points only when that origin is allowed;
//! and it does not travel in the clear.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::{Request, SecretTo};
use crate::report::{Failure, FailureReason};

/// Scheme, host and port (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// The origin of an http(s) URL.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        Self(url.origin().ascii_serialization().into())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether what is sent to this URL can be read on the way: plain http, and not to loopback.
/// The name `localhost` counts as loopback here; a session checks again what it resolves to.
#[must_use]
pub fn in_the_clear(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !loopback
}

/// What a session may do.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Origin of the target.
    pub target: Origin,
    /// Other origins to which metadata may point a secret.
    pub allowed_origins: Arc<[Origin]>,
    /// Whether secrets may travel in the clear.
    pub allow_plain_http: bool,
    /// Limit of a decoded body in bytes.
    pub body_size_limit: u64,
    /// `User-Agent`.
    pub user_agent: HeaderValue,
    /// Headers for the target's origin alone; each is a secret.
    pub target_headers: HeaderMap,
}

/// What is sent to one URL.
#[derive(Debug)]
pub(super) struct Permit {
    /// All headers of the request.
    pub(super) headers: HeaderMap,
    /// The connection must lead to loopback: a secret goes over plain http.
    pub(super) loopback_only: bool,
    /// A credential goes over plain http, and to a proxy in any case.
    pub(super) in_clear: bool,
    /// The client certificate is shown when the server asks for it.
    pub(super) client_certificate: bool,
}

impl Rules {
    /// Decides whether a request, or a hop of it, may be sent to this URL, which is of this
    /// origin. To a proxy a secret
    /// goes in the clear even where its host is loopback.
    ///
    /// # Errors
    /// `endpoint_refused` and `insecure_transport`.
    pub(super) fn permit(
        &self,
        request: &Request,
        url: &Url,
        origin: &Origin,
        proxied: bool,
    ) -> Result<Permit, Failure> {
        let named = match request.secret_to {
            SecretTo::Nobody | SecretTo::Configured => true,
            SecretTo::Discovered => *origin == self.target || self.allowed_origins.contains(origin),
        };
        if !named {
            return Err(Failure::new(
                FailureReason::EndpointRefused,
                format!(
                    "the metadata points to {origin}, which is neither the target's origin nor in allowed_origins"
                ),
            ));
        }
        let to_target = *origin == self.target;
        let secret =
            request.secret_to != SecretTo::Nobody || (to_target && !self.target_headers.is_empty());
        let guarded = (secret || request.authentic) && !self.allow_plain_http;
        let clear_to_proxy = proxied && url.scheme() == "http";
        if guarded && (in_the_clear(url) || clear_to_proxy) {
            let why = if clear_to_proxy { "through a proxy" } else { "and not loopback" };
            return Err(Failure::new(
                FailureReason::InsecureTransport,
                format!("{origin} is plain http {why}"),
            ));
        }
        Ok(Permit {
            headers: self.headers(request, to_target),
            in_clear: secret && url.scheme() == "http",
            loopback_only: guarded && url.scheme() == "http",
            client_certificate: to_target || request.client_certificate,
        })
    }

    /// Ours, then those for the target, then the request's own: the later one wins.
    fn headers(&self, request: &Request, to_target: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if to_target {
            replace(&mut headers, &self.target_headers);
        }
        replace(&mut headers, &request.headers);
        headers
    }
}

/// Takes over headers with all of their values.
fn replace(headers: &mut HeaderMap, by: &HeaderMap) {
    for name in by.keys() {
        headers.remove(name);
    }
    for (name, value) in by {
        headers.append(name.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Endpoint;
    use http::Method;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("URL")
    }

    fn rules() -> Rules {
        Rules {
            target: Origin::of(&url("https://id.example")),
            allowed_origins: [Origin::of(&url("https://login.example"))].into(),
            allow_plain_http: false,
            body_size_limit: 1,
            user_agent: HeaderValue::from_static("test"),
            target_headers: HeaderMap::new(),
        }
    }

    fn refusal(rules: &Rules, secret_to: SecretTo, to: &str) -> Option<FailureReason> {
        let request = Request::new(Endpoint::Token, Method::POST, url(to), secret_to);
        rules
            .permit(&request, &url(to), &Origin::of(&url(to)), false)
            .err()
            .map(|failure| failure.reason)
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(Origin::of(&url("https://ID.example:443/x?y")), rules().target);
        for other in ["https://id.example:8443", "http://id.example", "https://www.id.example"] {
            assert_ne!(Origin::of(&url(other)), rules().target, "{other}");
        }
        assert_eq!(Origin::of(&url("http://[::1]:80/x")).to_string(), "http://[::1]");
    }

    #[test]
    fn metadata_points_a_secret_to_the_target_or_an_allowed_origin_only() {
        for (to, refused) in [
            ("https://id.example/token", false),
            ("https://login.example/token", false),
            ("https://id.example:8443/token", true),
            ("https://evil.example/token", true),
            ("ftp://id.example/token", true),
        ] {
            let expected = refused.then_some(FailureReason::EndpointRefused);
            assert_eq!(refusal(&rules(), SecretTo::Discovered, to), expected, "{to}");
            assert_eq!(refusal(&rules(), SecretTo::Nobody, to), None, "{to}");
        }
        assert_eq!(refusal(&rules(), SecretTo::Configured, "https://evil.example/token"), None);
    }

    #[test]
    fn a_secret_goes_over_plain_http_to_loopback_only() {
        for (to, insecure) in [
            ("http://127.0.0.1:8080/", false),
            ("http://127.9.9.9/", false),
            ("http://[::1]/", false),
            ("http://localhost/", false),
            ("http://id.example/", true),
            ("http://127.0.0.1.example/", true),
            ("http://localhost.example/", true),
            ("http://0.0.0.0/", true),
            ("http://192.0.2.1/", true),
        ] {
            let expected = insecure.then_some(FailureReason::InsecureTransport);
            assert_eq!(refusal(&rules(), SecretTo::Configured, to), expected, "{to}");
            assert_eq!(refusal(&rules(), SecretTo::Nobody, to), None, "{to}");
            let allowed = Rules { allow_plain_http: true, ..rules() };
            assert_eq!(refusal(&allowed, SecretTo::Configured, to), None, "{to}");
        }
    }

    #[test]
    fn a_proxy_reads_plain_http_even_to_loopback() {
        let to = url("http://127.0.0.1/");
        let request = Request::new(Endpoint::Token, Method::POST, to.clone(), SecretTo::Configured);
        let reason = |rules: &Rules, to: &Url| {
            rules.permit(&request, to, &Origin::of(to), true).err().map(|failure| failure.reason)
        };
        assert_eq!(reason(&rules(), &to), Some(FailureReason::InsecureTransport));
        assert_eq!(reason(&rules(), &url("https://id.example/")), None);
        let allowed = Rules { allow_plain_http: true, ..rules() };
        assert_eq!(reason(&allowed, &to), None);
    }

    #[test]
    fn the_client_certificate_is_for_the_target_and_for_what_asks_for_it() {
        let shown = |to: &str, client_certificate| {
            let mut request = Request::new(Endpoint::Token, Method::GET, url(to), SecretTo::Nobody);
            request.client_certificate = client_certificate;
            rules()
                .permit(&request, &url(to), &Origin::of(&url(to)), false)
                .expect("permit")
                .client_certificate
        };
        assert!(shown("https://id.example/jwks", false));
        assert!(!shown("https://login.example/jwks", false));
        assert!(shown("https://login.example/token", true));
    }

    #[test]
    fn the_target_s_headers_are_secrets_for_its_origin() {
        let mut rules = rules();
        rules.target_headers.insert("x-key", HeaderValue::from_static("target"));
        rules.target_headers.insert("x-own", HeaderValue::from_static("target"));
        let sent = |to: &str| {
            let mut request = Request::new(Endpoint::Api, Method::GET, url(to), SecretTo::Nobody);
            request.headers.append("x-own", HeaderValue::from_static("request 1"));
            request.headers.append("x-own", HeaderValue::from_static("request 2"));
            let headers = rules
                .permit(&request, &url(to), &Origin::of(&url(to)), false)
                .expect("permit")
                .headers;
            ["user-agent", "x-key", "x-own"].map(|name| {
                let values: Vec<_> = headers
                    .get_all(name)
                    .iter()
                    .map(|v| v.to_str().expect("text").to_owned())
                    .collect();
                values.join(", ")
            })
        };
        assert_eq!(sent("https://id.example/x"), ["test", "target", "request 1, request 2"]);
        assert_eq!(sent("https://login.example/x"), ["test", "", "request 1, request 2"]);

        rules.target = Origin::of(&url("http://id.example"));
        let insecure = Some(FailureReason::InsecureTransport);
        assert_eq!(refusal(&rules, SecretTo::Nobody, "http://id.example/"), insecure);
        assert_eq!(refusal(&rules, SecretTo::Nobody, "http://other.example/"), None);
    }
}
