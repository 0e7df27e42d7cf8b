//! One session: sends requests one after the other, each inside the deadline and
//! each allowed to carry what it carries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, LOCATION, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::trace::{ConnectorHook, Resolver, Stamps, Trace};
use super::{Answer, Origin, Request, Rules, SecretTo, Transport, failure, in_the_clear};
use crate::report::{
    Exchange, Failure, FailureReason, HttpVersion, PeerChain, TlsFacts,
};

/// Redirects that are followed at most.
const MAX_REDIRECTS: usize = 10;

/// The requests of one probe.
pub struct HttpSession {
    client: Option<reqwest::Client>,
    rules: Rules,
    deadline: tokio::time::Instant,
    trace: Arc<Trace>,
    /// What is known of each origin's connection, for the exchanges that reuse it.
    connections: Mutex<HashMap<Origin, Connection>>,
}

#[derive(Clone, Default)]
struct Connection {
    address: Option<std::net::IpAddr>,
    chain: Option<PeerChain>,
    tls: Option<TlsFacts>,
}

/// One hop of a request.
struct Hop<'r> {
    request: &'r Request,
    url: Url,
    number: usize,
}

impl HttpSession {
    /// A session without connections. Everything that it sends ends at the deadline.
    #[must_use]
    pub fn new(transport: &Transport, rules: Rules, deadline: tokio::time::Instant) -> Self {
        let trace = Arc::new(Trace::default());
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(transport.for_session(&trace))
            .dns_resolver(Resolver(trace.clone()))
            .connector_layer(ConnectorHook(trace.clone()))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .build()
            // Building fails only for options that are the same in every probe; a test builds one.
            .ok();
        Self {
            client,
            rules,
            deadline,
            trace,
            connections: Mutex::default(),
        }
    }

    /// Sends a request and follows redirects as far as the rules allow. Each exchange is
    /// added to `exchanges`, also one that failed or that the deadline cut.
    ///
    /// # Errors
    /// When there is no answer, or when something may not be sent; a status is never an error.
    pub async fn send(
        &self,
        request: Request,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Answer, Failure> {
        let mut hop = Hop {
            request: &request,
            url: request.url.clone(),
            number: 0,
        };
        loop {
            let (exchange, outcome) = self.exchange(&hop).await?;
            exchanges.push(exchange);
            let answer = outcome?;
            if !request.follow_redirects {
                return Ok(answer);
            }
            let Some(next) = next_location(&answer) else {
                return Ok(answer);
            };
            if let Err(failure) = check_redirect(&hop, &next) {
                if let Some(last) = exchanges.last_mut() {
                    last.failure = Some(failure.clone());
                }
                return Err(failure);
            }
            hop.url = next;
            hop.number += 1;
        }
    }

    /// One request and its answer. The outer error means that nothing was sent.
    async fn exchange(
        &self,
        hop: &Hop<'_>,
    ) -> Result<(Exchange, Result<Answer, Failure>), Failure> {
        let origin = Origin::of(&hop.url);
        let headers = self.headers(hop, &origin);
        let secret = hop.request.secret_to != SecretTo::Nobody
            || (origin == self.rules.target && !self.rules.target_headers.is_empty());
        self.check_secret(hop, &origin, secret)?;
        let client = self.client.as_ref().ok_or_else(|| {
            Failure::new(FailureReason::Internal, "the HTTP client could not be built")
        })?;

        let must_be_loopback =
            secret && hop.url.scheme() == "http" && !self.rules.allow_plain_http;
        self.trace.begin(must_be_loopback);
        let started = Instant::now();
        let mut progress = Progress::default();
        let work = self.converse(client, hop, headers, &mut progress);
        let outcome = match tokio::time::timeout_at(self.deadline, work).await {
            Ok(outcome) => outcome.map_err(|error| match (error, progress.headers) {
                (Cut::Failed(failure), _) => failure,
                (Cut::Broken(error), None) => {
                    failure::of_request(&error, &self.trace.peek())
                }
                (Cut::Broken(error), Some(_)) => failure::of_body(&error),
            }),
            Err(_) => Err(Failure::new(
                FailureReason::Timeout,
                format!("the budget was used up {}", progress.phase(&self.trace.peek())),
            )),
        };
        let end = Instant::now();
        let stamps = self.trace.take();
        let exchange = self.describe(hop, &origin, &stamps, started, end, &progress, outcome.as_ref().err());
        let answer = outcome.map(|(parts, body)| Answer {
            status: parts.0,
            headers: parts.1,
            body,
            url: hop.url.clone(),
            duration: end - started,
        });
        Ok((exchange, answer))
    }

    async fn converse(
        &self,
        client: &reqwest::Client,
        hop: &Hop<'_>,
        headers: HeaderMap,
        progress: &mut Progress,
    ) -> Result<((StatusCode, HeaderMap), Bytes), Cut> {
        let mut builder = client
            .request(hop.request.method.clone(), hop.url.clone())
            .headers(headers);
        if let Some(body) = &hop.request.body {
            builder = builder.body(body.clone());
        }
        let mut response = builder
            .send()
            .await
            .map_err(|error| Cut::Broken(error.without_url()))?;
        progress.headers = Some(Instant::now());
        progress.status = Some(response.status());
        progress.version = match response.version() {
            http::Version::HTTP_10 => Some(HttpVersion::Http10),
            http::Version::HTTP_2 => Some(HttpVersion::Http2),
            _ => Some(HttpVersion::Http11),
        };
        progress.content_length = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Cut::Broken(error.without_url()))?
        {
            progress.body_length += chunk.len() as u64;
            if progress.body_length > self.rules.body_size_limit {
                return Err(Cut::Failed(Failure::new(
                    FailureReason::BodyTooLarge,
                    format!("the body is larger than {} bytes", self.rules.body_size_limit),
                )));
            }
            body.extend_from_slice(&chunk);
        }
        let parts = (response.status(), std::mem::take(response.headers_mut()));
        Ok((parts, body.freeze()))
    }

    /// The request's own headers win over those that the module sends to the target.
    fn headers(&self, hop: &Hop<'_>, origin: &Origin) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if *origin == self.rules.target {
            headers.extend(self.rules.target_headers.clone());
        }
        headers.insert(USER_AGENT, self.rules.user_agent.clone());
        for (name, value) in &hop.request.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }

    /// A secret goes to the target's origin, to what the configuration names, and to where
    /// metadata points only when that origin is allowed; and not in the clear.
    fn check_secret(&self, hop: &Hop<'_>, origin: &Origin, secret: bool) -> Result<(), Failure> {
        let named = match hop.request.secret_to {
            SecretTo::Nobody | SecretTo::Configured => true,
            SecretTo::Discovered => {
                *origin == self.rules.target || self.rules.allowed_origins.contains(origin)
            }
        };
        if !named {
            return Err(Failure::new(
                FailureReason::EndpointRefused,
                format!("the metadata points to {origin}, which is neither the target's origin nor in allowed_origins"),
            ));
        }
        if secret && in_the_clear(&hop.url) && !self.rules.allow_plain_http {
            return Err(Failure::new(
                FailureReason::InsecureTransport,
                format!("{origin} is plain http and not loopback"),
            ));
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn describe(
        &self,
        hop: &Hop<'_>,
        origin: &Origin,
        stamps: &Stamps,
        started: Instant,
        end: Instant,
        progress: &Progress,
        failure: Option<&Failure>,
    ) -> Exchange {
        let connection = self.connection(origin, stamps);
        Exchange {
            endpoint: hop.request.endpoint,
            method: hop.request.method.to_string(),
            url: format!("{origin}{}", hop.url.path()),
            origin: origin.to_string(),
            host: hop.url.host_str().unwrap_or_default().to_owned(),
            https: hop.url.scheme() == "https",
            hop: hop.number,
            status: progress.status.map(|status| status.as_u16()),
            version: progress.version,
            address: connection.address,
            phases: stamps.phases(started, progress.headers, end),
            duration: end - started,
            chain: connection.chain,
            tls: connection.tls,
            content_length: progress.content_length,
            body_length: progress.body_length,
            failure: failure.cloned(),
        }
    }

    /// What is known of the connection, from this exchange or the one that opened it.
    fn connection(&self, origin: &Origin, stamps: &Stamps) -> Connection {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if stamps.opened() {
            let opened = Connection {
                address: stamps.address,
                chain: stamps.chain.clone(),
                tls: stamps.tls_facts.clone(),
            };
            connections.insert(origin.clone(), opened.clone());
            return opened;
        }
        connections.get(origin).cloned().unwrap_or_default()
    }
}

/// How far an exchange came.
#[derive(Default)]
struct Progress {
    headers: Option<Instant>,
    status: Option<StatusCode>,
    version: Option<HttpVersion>,
    content_length: Option<u64>,
    body_length: u64,
}

impl Progress {
    fn phase(&self, stamps: &Stamps) -> &'static str {
        if self.headers.is_some() {
            "reading the body"
        } else if stamps.in_tls() {
            "in the TLS handshake"
        } else if stamps.is_connected() {
            "waiting for the answer"
        } else {
            "connecting"
        }
    }
}

/// Why a conversation ended early.
enum Cut {
    Failed(Failure),
    Broken(reqwest::Error),
}

/// Where a redirect leads (RFC 9110 §15.4); `None` when the answer is none.
fn next_location(answer: &Answer) -> Option<Url> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers.get(LOCATION)?;
    // A Location that is no URL leads nowhere: the answer stands, and its status fails the step.
    answer.url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

fn check_redirect(hop: &Hop<'_>, next: &Url) -> Result<(), Failure> {
    let to = format!("{}{}", Origin::of(next), next.path());
    let refuse = |why: &str| {
        Err(Failure::new(
            FailureReason::RedirectRefused,
            format!("the redirect to {to} is not followed: {why}"),
        ))
    };
    if hop.request.method != Method::GET {
        return refuse("only GET follows redirects");
    }
    if !matches!(next.scheme(), "http" | "https") {
        return refuse("not an http or https URL");
    }
    if hop.url.scheme() == "https" && next.scheme() == "http" {
        return refuse("it leads from https to http");
    }
    if !next.username().is_empty() || next.password().is_some() {
        return refuse("it holds userinfo");
    }
    if hop.request.secret_to != SecretTo::Nobody && Origin::of(next) != Origin::of(&hop.url) {
        return refuse("the request holds a secret and the redirect leaves its origin");
    }
    if hop.number >= MAX_REDIRECTS {
        return Err(Failure::new(
            FailureReason::TooManyRedirects,
            format!("more than {MAX_REDIRECTS} redirects, the next to {to}"),
        ));
    }
    Ok(())
}
