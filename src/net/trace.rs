//! The stamps of one exchange: reqwest has no hooks for its phases, so its resolver,
//! connector, TLS session store and certificate verifier are ours and tell the trace.
//!
//! A session sends one request at a time, so there is one current exchange.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use tower_layer::Layer;
use tower_service::Service;

use crate::report::{Failure, FailureReason, PeerChain, Phases, TlsFacts};

/// What the hooks told of the current exchange.
#[derive(Debug, Default)]
pub(super) struct Trace(Mutex<Stamps>);

#[derive(Debug, Default, Clone)]
pub(super) struct Stamps {
    resolve: Option<(Instant, Option<Instant>)>,
    connector: Option<Instant>,
    tls: Option<Instant>,
    connected: Option<Instant>,
    pub(super) address: Option<IpAddr>,
    pub(super) chain: Option<PeerChain>,
    pub(super) tls_facts: Option<TlsFacts>,
    /// The failure as the hook saw it: nearer to the cause than reqwest's error.
    pub(super) failure: Option<Failure>,
    loopback_only: bool,
}

impl Trace {
    fn stamps(&self) -> MutexGuard<'_, Stamps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the last exchange. With `loopback_only`, a name that resolves to
    /// another address is refused before anything is sent.
    pub(super) fn begin(&self, loopback_only: bool) {
        *self.stamps() = Stamps {
            loopback_only,
            ..Stamps::default()
        };
    }

    pub(super) fn peek(&self) -> Stamps {
        self.stamps().clone()
    }

    pub(super) fn take(&self) -> Stamps {
        std::mem::take(&mut *self.stamps())
    }

    pub(super) fn peer(&self, chain: PeerChain, refused: Option<Failure>) {
        let mut stamps = self.stamps();
        stamps.chain = Some(chain);
        stamps.failure = refused;
    }

    pub(super) fn tls_version(&self, version: &'static str) {
        self.stamps().tls_facts = Some(TlsFacts {
            version: Some(version),
        });
    }
}

impl Stamps {
    /// Whether the exchange opened a connection, or tried to.
    pub(super) fn opened(&self) -> bool {
        self.connector.is_some()
    }

    /// Whether the TLS handshake began.
    pub(super) fn in_tls(&self) -> bool {
        self.tls.is_some() && self.connected.is_none()
    }

    /// Whether the connection is ready for the request.
    pub(super) fn is_connected(&self) -> bool {
        self.connector.is_none() || self.connected.is_some()
    }

    /// The phases up to `end`, of an exchange that began at `started` and whose
    /// headers came at `headers`. A phase that did not end lasts until `end`.
    pub(super) fn phases(&self, started: Instant, headers: Option<Instant>, end: Instant) -> Phases {
        let mut phases = Phases::default();
        let mut ready = started;
        if let Some((begun, resolved)) = self.resolve {
            let resolved = resolved.unwrap_or(end);
            phases.resolve = Some(resolved.saturating_duration_since(begun));
            ready = resolved;
        }
        if let Some(begun) = self.connector {
            let begun = begun.max(ready);
            let finished = self.connected.unwrap_or(end);
            let unresolved = matches!(self.resolve, Some((_, None)));
            let unnamed = self
                .failure
                .as_ref()
                .is_some_and(|failure| failure.reason == FailureReason::Dns);
            if !unresolved && !unnamed {
                let until = self.tls.unwrap_or(finished);
                phases.connect = Some(until.saturating_duration_since(begun));
            }
            if let Some(tls) = self.tls {
                phases.tls = Some(finished.saturating_duration_since(tls));
            }
            ready = finished;
        }
        if self.is_connected() {
            phases.processing = Some(headers.unwrap_or(end).saturating_duration_since(ready));
        }
        if let Some(headers) = headers {
            phases.transfer = Some(end.saturating_duration_since(headers));
        }
        phases
    }
}

/// Resolves a name to one address: the first in the order of the system (RFC 6724), and for
/// `localhost` an IPv4 one when there is one, since most local servers listen there alone.
#[derive(Debug, Clone)]
pub(super) struct Resolver(pub(super) Arc<Trace>);

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let trace = self.0.clone();
        let host = name.as_str().to_owned();
        trace.stamps().resolve = Some((Instant::now(), None));
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let mut stamps = trace.stamps();
            if let Some((_, resolved)) = &mut stamps.resolve {
                *resolved = Some(Instant::now());
            }
            let addresses: Vec<SocketAddr> = match found {
                Ok(addresses) => addresses.collect(),
                Err(_) => Vec::new(),
            };
            let preferred = (host == "localhost")
                .then(|| addresses.iter().find(|address| address.is_ipv4()))
                .flatten();
            let Some(address) = preferred.or(addresses.first()).copied() else {
                let failure = Failure::new(FailureReason::Dns, format!("no address for {host}"));
                stamps.failure = Some(failure);
                return Err("no address".into());
            };
            if stamps.loopback_only && !addresses.iter().all(|a| a.ip().is_loopback()) {
                stamps.failure = Some(Failure::new(
                    FailureReason::InsecureTransport,
                    format!("{host} does not resolve to loopback alone, and the request holds a secret"),
                ));
                return Err("not loopback".into());
            }
            let one: reqwest::dns::Addrs = Box::new(std::iter::once(address));
            Ok(one)
        })
    }
}

/// Stamps the beginning and the end of opening a connection.
#[derive(Debug, Clone)]
pub(super) struct ConnectorHook(pub(super) Arc<Trace>);

impl<S> Layer<S> for ConnectorHook {
    type Service = HookedConnector<S>;

    fn layer(&self, inner: S) -> HookedConnector<S> {
        HookedConnector {
            inner,
            trace: self.0.clone(),
        }
    }
}

/// The connector of reqwest with its hook.
#[derive(Debug, Clone)]
pub(super) struct HookedConnector<S> {
    inner: S,
    trace: Arc<Trace>,
}

impl<S, D> Service<D> for HookedConnector<S>
where
    S: Service<D>,
    S::Response: Connection,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: D) -> Self::Future {
        self.trace.stamps().connector = Some(Instant::now());
        let connecting = self.inner.call(destination);
        let trace = self.trace.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            let mut extras = http::Extensions::new();
            connection.connected().get_extras(&mut extras);
            let mut stamps = trace.stamps();
            stamps.connected = Some(Instant::now());
            stamps.address = extras
                .get::<HttpInfo>()
                .map(|info| info.remote_addr().ip());
            drop(stamps);
            Ok(connection)
        })
    }
}

/// A session store that stores nothing: every handshake is a full one, so that the
/// certificate is seen each time. rustls asks it while it writes the ClientHello,
/// which is when the handshake begins.
#[derive(Debug)]
pub(super) struct SessionHook(pub(super) Arc<Trace>);

impl SessionHook {
    fn handshake_begins(&self) {
        self.0.stamps().tls.get_or_insert_with(Instant::now);
    }
}

impl ClientSessionStore for SessionHook {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.handshake_begins();
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.handshake_begins();
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}
