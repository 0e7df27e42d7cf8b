//! One session: sends requests one after the other, each inside the deadline and
//! each allowed to carry what it carries.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use url::Url;

use super::body::Body;
use super::cookies::Jar;
use super::hooks::{
    ConnectorHook, Lookup, Resolver, not_loopback, not_of_the_family, system_lookup,
};
use super::retry_after::retry_after;
use super::trace::{Stage, Stamps, Trace};
use super::{Answer, ClientIdentity, Origin, Request, Route, Rules, Transport, failure, redirect};
use crate::report::{Exchange, Failure, FailureReason, HttpVersion, PeerChain, TlsFacts};

/// The requests of one probe, one after the other. Its connections close with it.
pub struct HttpSession {
    transport: Transport,
    route: Route,
    identity: Option<Arc<ClientIdentity>>,
    rules: Rules,
    deadline: tokio::time::Instant,
    lookup: Lookup,
    jar: Jar,
    clients: Mutex<Vec<(Lane, reqwest::Client)>>,
    /// What is known of each connection, for the exchanges that reuse it.
    connections: Mutex<HashMap<(Origin, Lane), Connection>>,
}

/// Connections that differ in one of these are not shared: each lane has a client of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Lane {
    /// Through the proxy.
    proxied: bool,
    /// With the client certificate.
    certified: bool,
    /// Under the configured server name.
    named: bool,
}

/// A connection that is open, or was.
#[derive(Debug, Clone, Default)]
struct Connection {
    address: Option<IpAddr>,
    /// An address of its host that is not loopback.
    outside: Option<IpAddr>,
    chain: Option<Arc<PeerChain>>,
    tls: Option<TlsFacts>,
    /// The last exchange left it usable for the next.
    reusable: bool,
}

/// One request on its way along redirects.
struct Hop<'r> {
    request: &'r Request,
    url: Url,
    origin: Origin,
    number: usize,
}

impl<'r> Hop<'r> {
    fn new(request: &'r Request, mut url: Url, number: usize) -> Self {
        // Credentials have their own fields; those of a URL would be sent as Basic ones.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Self { request, origin: Origin::of(&url), url, number }
    }

    /// Where an answer leads, when redirects are followed.
    fn next(&self, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
        let follow = self.request.follow_redirects;
        follow.then(|| redirect::location(&self.url, status, headers)).flatten()
    }
}

impl HttpSession {
    /// A session without connections. Everything that it sends ends at the deadline.
    #[must_use]
    pub fn new(
        transport: &Transport,
        route: Route,
        identity: Option<Arc<ClientIdentity>>,
        rules: Rules,
        deadline: tokio::time::Instant,
    ) -> Self {
        Self {
            transport: transport.clone(),
            route,
            identity,
            rules,
            deadline,
            lookup: system_lookup,
            jar: Jar::default(),
            clients: Mutex::default(),
            connections: Mutex::default(),
        }
    }

    /// The same session with other names.
    #[cfg(test)]
    pub(super) fn with_lookup(self, lookup: Lookup) -> Self {
        Self { lookup, ..self }
    }

    /// The client of a lane, built when the first exchange takes it.
    fn client(&self, lane: Lane) -> Result<reqwest::Client, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == lane) {
            return Ok(client.clone());
        }
        let client = self.build(lane).map_err(|_| {
            // It fails only for options that are the same in every probe, and tests build each.
            Failure::new(FailureReason::Internal, "the HTTP client could not be built")
        })?;
        clients.push((lane, client.clone()));
        Ok(client)
    }

    fn build(&self, lane: Lane) -> Result<reqwest::Client, reqwest::Error> {
        let identity = self.identity.as_deref().filter(|_| lane.certified);
        // HTTP/2 names the host in its :authority, which would be the server name.
        let config = self.transport.config(identity, lane.named);
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .dns_resolver(Resolver)
            .connector_layer(ConnectorHook)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_gzip()
            .no_proxy()
            // RFC 9112 §5.2: a line that is folded is read all the same.
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http2_max_header_list_size(MOST_HEADER_BYTES)
            // The session ends before any connection is idle for long, and the deadline ends
            // one whose peer is gone: no timer is needed, ours or the kernel's.
            .pool_idle_timeout(None)
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .tcp_user_timeout(None);
        if let Some(proxy) = self.route.proxy.as_ref().filter(|_| lane.proxied) {
            builder = builder.proxy(proxy.client_side()?);
        }
        builder.build()
    }

    /// Sends a request and follows redirects as far as the rules allow. Each exchange is
    /// added to `exchanges`, also one that failed or that the deadline cut; a request that
    /// the rules keep from being sent leaves none.
    ///
    /// # Errors
    /// When there is no answer, or when something may not be sent; a status is never an error.
    pub async fn send(
        &self,
        request: Request,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Answer, Failure> {
        let mut hop = Hop::new(&request, request.url.clone(), 0);
        loop {
            let (mut exchange, answer) = self.exchange(&hop).await?;
            let next = answer.as_ref().ok().and_then(|a| hop.next(a.status, &a.headers));
            let Some(next) = next else {
                exchanges.push(exchange);
                return answer;
            };
            if let Err(failure) = redirect::check(&request, &hop.url, &next, hop.number) {
                if request.judges_redirects {
                    exchanges.push(exchange);
                    return answer
                        .map(|answer| Answer { refused_redirect: Some(failure), ..answer });
                }
                exchange.failure = Some(failure.clone());
                exchanges.push(exchange);
                return Err(failure);
            }
            exchanges.push(exchange);
            hop = Hop::new(&request, next, hop.number + 1);
        }
    }

    /// One request and its answer. The outer error means that nothing was sent.
    async fn exchange(
        &self,
        hop: &Hop<'_>,
    ) -> Result<(Exchange, Result<Answer, Failure>), Failure> {
        let proxied = self.route.proxy.as_ref().is_some_and(|proxy| proxy.takes(&hop.url));
        let permit = self.rules.permit(hop.request, &hop.url, &hop.origin, proxied)?;
        let networks = self.route.networks.as_ref();
        if let Some(networks) = networks {
            networks.permit(&hop.url, proxied)?;
        }
        let server_name = self
            .route
            .server_name
            .as_deref()
            .filter(|_| hop.url.scheme() == "https" && self.rules.target == hop.origin);
        let lane = Lane {
            proxied,
            certified: self.identity.is_some() && permit.client_certificate,
            named: server_name.is_some(),
        };
        let known =
            self.connections().get(&(hop.origin.clone(), lane)).cloned().unwrap_or_default();
        // A connection that was opened without a secret is none for one.
        if permit.loopback_only
            && let Some(outside) = known.outside
        {
            return Err(not_loopback(hop.url.host_str().unwrap_or_default(), outside));
        }
        // The resolver, which chooses among the addresses of a name, is not asked for one that
        // is written in the URL.
        if !proxied && let Some(address) = literal_address(&hop.url) {
            let chosen = self.route.family.choose(&[address]);
            chosen.ok_or_else(|| not_of_the_family(&address.to_string()))?;
        }
        if tokio::time::Instant::now() >= self.deadline {
            return Err(Failure::new(
                FailureReason::Timeout,
                "the budget was used up before the request was sent",
            ));
        }
        let client = self.client(lane)?;

        let trace = Arc::new(Trace {
            lookup: self.lookup,
            family: self.route.family,
            instead: server_name.and(hop.url.host().map(|host| host.to_owned())),
            proxied,
            loopback_only: permit.loopback_only,
            networks: networks.cloned(),
            proxy_host: networks.and(self.proxy_host(hop, proxied)),
            expects_idle: known.reusable,
            stamps: Mutex::new(Stamps::new(Instant::now())),
        });
        // There are proxies that close the connection after an answer which promises to keep it,
        // so that the next request on it would be lost.
        let once = self.route.proxy.as_ref().is_some_and(|proxy| proxy.hands_on(&hop.url));
        let mut outgoing = self.outgoing(hop, permit.headers, once);
        if let Some(name) = server_name {
            under_name(&mut outgoing, &hop.url, name)?;
        }
        let mut received = None;
        let limit = self.rules.body_size_limit;
        let conversation = converse(&client, outgoing, hop, limit, &trace, &mut received);
        let outcome = tokio::time::timeout_at(self.deadline, trace.observe(conversation)).await;
        let end = Instant::now();
        let stamps = trace.stamps();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(_) => Err(failure::of_deadline(&stamps)),
        };
        if let Err(failure) = &outcome
            && matches!(
                failure.reason,
                FailureReason::InsecureTransport | FailureReason::NetworkBlocked
            )
        {
            return Err(failure.clone());
        }
        let kept = received.as_ref().filter(|_| outcome.is_ok() && !once);
        let connection = self.remember(hop, &stamps, lane, known, kept);
        let sent = matches!(stamps.stage(), Stage::Processing | Stage::Transfer);
        let to_loopback = !proxied && connection.address.is_some_and(|it| it.is_loopback());
        let exchange = Exchange {
            in_clear: permit.in_clear && !to_loopback && sent,
            ..describe(hop, &stamps, end, received.as_ref(), connection, outcome.as_ref().err())
        };
        let answer = outcome.and_then(|body| {
            let received = received
                .ok_or_else(|| Failure::new(FailureReason::Internal, "a body without headers"))?;
            if hop.request.cookies {
                self.jar.learn(&hop.url, &received.headers);
            }
            Ok(Answer {
                status: received.status,
                headers: received.headers,
                body,
                url: hop.url.clone(),
                duration: exchange.duration,
                refused_redirect: None,
            })
        });
        Ok((exchange, answer))
    }

    /// The request as it is sent, with the cookies of the session; `once` on a connection of its own.
    fn outgoing(&self, hop: &Hop<'_>, headers: HeaderMap, once: bool) -> reqwest::Request {
        let mut outgoing = reqwest::Request::new(hop.request.method.clone(), hop.url.clone());
        *outgoing.headers_mut() = headers;
        if hop.request.cookies
            && let Some(cookies) = self.jar.header(&hop.url)
        {
            outgoing.headers_mut().insert(COOKIE, cookies);
        }
        *outgoing.body_mut() = hop.request.body.clone().map(Into::into);
        if once {
            outgoing.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        outgoing
    }

    /// The name of the proxy on the way, unless the request is for just this host.
    fn proxy_host(&self, hop: &Hop<'_>, proxied: bool) -> Option<String> {
        let proxy = self.route.proxy.as_ref().filter(|_| proxied)?.url().host_str()?;
        (hop.url.host_str() != Some(proxy)).then(|| proxy.to_owned())
    }

    /// What is known of the connection, from this exchange or from the one that opened it.
    fn remember(
        &self,
        hop: &Hop<'_>,
        stamps: &Stamps,
        lane: Lane,
        known: Connection,
        received: Option<&Received>,
    ) -> Connection {
        let mut connection = known;
        if stamps.opened() {
            connection = Connection {
                address: stamps.address.or_else(|| match &self.route.proxy {
                    Some(proxy) if lane.proxied => literal_address(proxy.url()),
                    _ => literal_address(&hop.url),
                }),
                outside: stamps.outside,
                chain: stamps.chain.clone(),
                tls: stamps.tls.clone(),
                reusable: false,
            };
        }
        connection.reusable = received.is_some_and(Received::keeps_connection);
        self.connections().insert((hop.origin.clone(), lane), connection.clone());
        connection
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<(Origin, Lane), Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came back so far.
struct Received {
    status: StatusCode,
    version: HttpVersion,
    headers: HeaderMap,
    body: Body,
    /// Whoever reads the body did not want all of it.
    cut: bool,
}

impl Received {
    /// Whether HTTP/1.1 keeps the connection open (RFC 9112 §9.3). HTTP/2 shares its
    /// connections, so nobody waits for one to be free.
    fn keeps_connection(&self) -> bool {
        let closes = |value: &HeaderValue| {
            value.as_bytes().to_ascii_lowercase().windows(5).any(|word| word == b"close")
        };
        !self.cut
            && self.version == HttpVersion::Http11
            && !self.headers.get_all(CONNECTION).iter().any(closes)
    }
}

/// Puts the name that is sent in the handshake into the URL, where the HTTP library takes it
/// from, and the host into the header that names it. The resolver knows where it really leads.
fn under_name(request: &mut reqwest::Request, url: &Url, name: &str) -> Result<(), Failure> {
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let impossible = || Failure::new(FailureReason::Internal, "server_name is no host name");
    let authority = HeaderValue::from_str(&authority).map_err(|_| impossible())?;
    request.headers_mut().insert(HOST, authority);
    request.url_mut().set_host(Some(name)).map_err(|_| impossible())
}

/// Sends the request and reads the answer, as far as it comes.
async fn converse(
    client: &reqwest::Client,
    request: reqwest::Request,
    hop: &Hop<'_>,
    body_size_limit: u64,
    trace: &Trace,
    received: &mut Option<Received>,
) -> Result<Bytes, Failure> {
    let broken = |error: reqwest::Error| {
        failure::of_transport(&error.without_url(), &trace.stamps(), trace.proxied)
    };
    let mut response = http::Response::from(client.execute(request).await.map_err(broken)?);
    trace.stamps().headers = Some(Instant::now());
    if trace.proxied && response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Err(Failure::new(FailureReason::ProxyRefused, "the proxy answered 407"));
    }
    let received = received.insert(Received {
        status: response.status(),
        version: match response.version() {
            http::Version::HTTP_09 | http::Version::HTTP_10 => HttpVersion::Http10,
            http::Version::HTTP_2 => HttpVersion::Http2,
            _ => HttpVersion::Http11,
        },
        body: Body::new(response.headers(), body_size_limit),
        headers: std::mem::take(response.headers_mut()),
        cut: false,
    });
    let redirects = hop.next(received.status, &received.headers).is_some();
    let body_to = hop.request.body_to.as_ref().filter(|_| !redirects);
    let mut arriving = response.into_body();
    while let Some(frame) = arriving.frame().await {
        let Ok(chunk) = frame.map_err(broken)?.into_data() else { continue };
        let Some(body_to) = body_to else {
            received.body.push(&chunk)?;
            continue;
        };
        for part in chunk.chunks(PART) {
            received.body.push(part)?;
            if received.body.waiting() >= PIECE && body_to.send(received.body.take()).await.is_err()
            {
                received.cut = true;
                return Ok(Bytes::new());
            }
        }
    }
    // The library takes a stream that was reset without an error for one that has ended.
    if received.version == HttpVersion::Http2 && !arriving.is_end_stream() {
        return Err(Failure::new(
            FailureReason::ConnectionClosed,
            "the answer was cut off: its stream was reset before its end (RFC 9113 §8.1)",
        ));
    }
    let rest = received.body.finish()?;
    match body_to {
        None => Ok(rest),
        Some(body_to) => {
            // It was read to its end, so that nothing is cut any more.
            let _ = body_to.send(rest).await;
            Ok(Bytes::new())
        }
    }
}

/// Headers of an answer over HTTP/2. Over HTTP/1.1 the library reads about as many.
const MOST_HEADER_BYTES: u32 = 256 * 1024;

/// A piece of a body that passes by has about this many bytes.
const PIECE: usize = 64 * 1024;
/// So much is decoded at once: gzip makes at most a thousand times as much of it.
const PART: usize = 4 * 1024;

fn describe(
    hop: &Hop<'_>,
    stamps: &Stamps,
    end: Instant,
    received: Option<&Received>,
    connection: Connection,
    failure: Option<&Failure>,
) -> Exchange {
    let content_length =
        |received: &Received| received.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    Exchange {
        endpoint: hop.request.endpoint,
        method: hop.request.method.to_string(),
        url: format!("{}{}", hop.origin, hop.url.path()),
        host: hop.url.host_str().unwrap_or_default().to_owned(),
        https: hop.url.scheme() == "https",
        in_clear: false,
        hop: hop.number,
        status: received.map(|received| received.status.as_u16()),
        version: received.map(|received| received.version),
        address: connection.address,
        phases: stamps.phases(end),
        duration: end.saturating_duration_since(stamps.started),
        chain: connection.chain,
        tls: connection.tls,
        content_length: received.and_then(content_length),
        body_length: received.map_or(0, |received| received.body.len()),
        retry_after: received
            .and_then(|received| retry_after(&received.headers, SystemTime::now())),
        failure: failure.cloned(),
    }
}

/// The address in a URL that names no host. The resolver is not asked for it.
fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Domain(_) => None,
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
    }
}
