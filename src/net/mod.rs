//! The only sockets out: one [`HttpSession`] a probe, on reqwest.
//!
//! A session opens fresh connections and reuses them within itself, follows
//! redirects by hand, bounds bodies, measures each phase, keeps the presented
//! certificates, and refuses to send a secret where it may not go. What a status
//! means is judged elsewhere; nothing is retried.
//!
//! ```text
//! session ── rules      what may be sent where
//!         ── redirect   where an answer may lead
//!         ── body       decoding and its limit
//!         ── retry_after   when the server wants to be asked again
//!         ── failure    from an error to a reason
//!         ── trace      what happened when ── hooks   resolver, connector, session store
//!         ── route      proxy, address family and server name
//!         ── networks   where no connection may lead
//! tls     ── chain      the verifier, and what it saw
//!         ── suites     which cipher suite was negotiated
//!         ── signatures   those of certificates, calculated once
//! ```

mod body;
mod chain;
mod cookies;
mod failure;
mod hooks;
mod networks;
mod redirect;
mod retry_after;
mod route;
mod rules;
mod session;
mod signatures;
mod suites;
mod tls;
mod trace;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::sync::mpsc;
use url::Url;

use crate::report::{Endpoint, Failure};

pub use networks::Networks;
pub use retry_after::retry_after;
pub use route::{Family, Proxy, Route};
pub use rules::{Origin, Rules, in_the_clear};
pub use session::HttpSession;
pub use tls::{ClientIdentity, IdentityError, SystemRoots, TlsOptions, Transport, TransportError};

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
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties")]
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
    /// Whether the connection must prove who we are by the client certificate, also off the
    /// target's origin.
    pub client_certificate: bool,
    /// Whether it carries the cookies that servers set during this probe, and may set more.
    pub cookies: bool,
    /// Whether the answer decides whom to trust, so that nobody on the way may change it.
    pub authentic: bool,
    /// Whether redirects are followed, as far as the rules allow; otherwise a
    /// redirect is an answer like any other.
    pub follow_redirects: bool,
    /// Whether a redirect that may not be followed is an answer, which somebody may have asked for:
    /// then it has why not ([`Answer::refused_redirect`]).
    pub judges_redirects: bool,
    /// Where the body of the answer goes piece by piece, decoded, instead of into it. Of
    /// redirects that are followed it gets nothing. When the other side is gone, the rest of the
    /// body is not read.
    pub body_to: Option<mpsc::Sender<Bytes>>,
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
            client_certificate: false,
            cookies: false,
            authentic: false,
            follow_redirects: true,
            judges_redirects: false,
            body_to: None,
        }
    }

    /// Asks for JSON.
    pub fn accept_json(&mut self) {
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(http::header::ACCEPT, json);
    }

    /// Carries a form, which is url-encoded.
    pub fn carry_form(&mut self, form: String) {
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.headers.insert(http::header::CONTENT_TYPE, form_type);
        self.body = Some(form.into());
    }
}

impl std::fmt::Debug for Request {
    /// Without query, header values and body, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("url", &format_args!("{}{}", Origin::of(&self.url), self.url.path()))
            .field("secret_to", &self.secret_to)
            .finish_non_exhaustive()
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decoded; empty when it went elsewhere ([`Request::body_to`]).
    pub body: Bytes,
    /// The URL that gave it, after redirects.
    pub url: Url,
    /// How long the exchange took that gave it.
    pub duration: Duration,
    /// Why it is a redirect that was not followed ([`Request::judges_redirects`]).
    pub refused_redirect: Option<Failure>,
}
