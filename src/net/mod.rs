//! The only sockets out: one [`HttpSession`] a probe, on reqwest.
//!
//! A session opens fresh connections and reuses them within itself, follows
//! redirects by hand, bounds bodies, measures each phase, keeps the presented
//! certificates, and refuses to send a secret where it may not go. What a status
//! means is judged elsewhere; nothing is retried.

mod chain;
mod failure;
mod session;
mod tls;
mod trace;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use crate::report::Endpoint;

pub use session::HttpSession;
pub use tls::{SystemRoots, TlsOptions, Transport, TransportError};

/// Scheme, host and port (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin of an http(s) URL.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        Self(url.origin().ascii_serialization())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether what is sent to this URL can be read on the way: plain http, and not to loopback.
#[must_use]
pub fn in_the_clear(url: &Url) -> bool {
    let loopback = match url.host() {
        // Checked again when the name is resolved.
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

/// Whether a request carries a secret, and who named its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretTo {
    /// It carries none.
    Nobody,
    /// The configuration named the URL, or it is the target.
    Configured,
    /// A metadata document named the URL.
    Discovered,
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Which endpoint of the provider is called.
    pub endpoint: Endpoint,
    /// Its method.
    pub method: Method,
    /// Its URL.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Bytes>,
    /// The secret in it.
    pub secret_to: SecretTo,
    /// Whether redirects are followed, as far as the rules allow; otherwise a
    /// redirect is an answer like any other.
    pub follow_redirects: bool,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(endpoint: Endpoint, method: Method, url: Url, secret_to: SecretTo) -> Self {
        Self {
            endpoint,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            secret_to,
            follow_redirects: true,
        }
    }

    /// Asks for JSON.
    pub fn accept_json(&mut self) {
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(http::header::ACCEPT, json);
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decoded.
    pub body: Bytes,
    /// The URL that gave it, after redirects.
    pub url: Url,
    /// How long the exchange took that gave it.
    pub duration: Duration,
}
