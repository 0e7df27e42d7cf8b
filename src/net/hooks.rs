//! Where reqwest lets us look: its resolver, its connector and the session store of
//! rustls are ours, and stamp the trace of the exchange that runs them.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use tokio::sync::Semaphore;
use tower_layer::Layer;
use tower_service::Service;

use super::{Family, Networks, trace};
use crate::report::{Failure, FailureReason};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Addresses of a name, in the order of the system (RFC 6724).
pub(super) type Lookup = fn(String) -> BoxFuture<io::Result<Vec<IpAddr>>>;

/// Lookups at once. Each blocks a thread, for as long as a name server is silent, and all else that
/// blocks, such as reading secrets, shares those threads.
static LOOKUPS: Semaphore = Semaphore::const_new(128);

/// Asks the resolver of the operating system.
pub(super) fn system_lookup(host: String) -> BoxFuture<io::Result<Vec<IpAddr>>> {
    Box::pin(async move {
        // It is never closed. The thread keeps its turn when nobody waits for it any more.
        let turn = LOOKUPS.acquire().await.map_err(io::Error::other)?;
        let asking = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let found = (host.as_str(), 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect())
        });
        asking.await.map_err(io::Error::other)?
    })
}

/// Resolves a name to one address, so that there is one attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver;

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let Some(trace) = trace::current() else {
                return Err(abandoned());
            };
            trace.stamps().resolving = Some(Instant::now());
            let (host, found) = match &trace.instead {
                None => (host.clone(), (trace.lookup)(host).await),
                Some(url::Host::Domain(instead)) => {
                    (instead.clone(), (trace.lookup)(instead.clone()).await)
                }
                Some(url::Host::Ipv4(address)) => (host, Ok(vec![(*address).into()])),
                Some(url::Host::Ipv6(address)) => (host, Ok(vec![(*address).into()])),
            };
            let mut stamps = trace.stamps();
            let to_proxy = trace.proxy_host.as_ref() == Some(&host);
            let networks = trace.networks.as_deref().filter(|_| !to_proxy);
            let chosen = choose(&host, found, trace.family, networks).and_then(|chosen| {
                stamps.outside = chosen.outside;
                match chosen.outside {
                    Some(outside) if trace.loopback_only => Err(not_loopback(&host, outside)),
                    _ => Ok(chosen.address),
                }
            });
            match chosen {
                Ok(address) => {
                    stamps.resolved = Some(Instant::now());
                    stamps.address = Some(address);
                    // The connector puts the port of the URL in.
                    let one = std::iter::once(SocketAddr::new(address, 0));
                    Ok(Box::new(one) as reqwest::dns::Addrs)
                }
                Err(failure) => {
                    let detail = failure.detail.clone();
                    stamps.failure = Some(failure);
                    Err(detail.into())
                }
            }
        })
    }
}

/// A secret does not go in the clear to a name that has this address, too.
pub(super) fn not_loopback(host: &str, outside: IpAddr) -> Failure {
    Failure::new(
        FailureReason::InsecureTransport,
        format!("{host} resolves to {outside}, which is not loopback"),
    )
}

/// There are addresses, and none that may be taken.
pub(super) fn not_of_the_family(host: &str) -> Failure {
    let detail = format!("no address of the wanted IP protocol for {host}");
    Failure::new(FailureReason::Dns, detail)
}

/// What a name resolves to.
#[derive(Debug, PartialEq, Eq)]
struct Chosen {
    /// The address to connect to: the first in the order of the system; for `localhost` the first
    /// of IPv4 when there is one, since many local servers listen there alone.
    address: IpAddr,
    /// An address that is not loopback, chosen or not.
    outside: Option<IpAddr>,
}

/// Chooses among the addresses that are not of these networks.
fn choose(
    host: &str,
    found: io::Result<Vec<IpAddr>>,
    family: Family,
    networks: Option<&Networks>,
) -> Result<Chosen, Failure> {
    let found = found.map_err(|error| {
        Failure::new(FailureReason::Dns, format!("no address for {host}: {error}"))
    })?;
    let family = match family {
        Family::System if host == "localhost" => Family::Ipv4 { fallback: true },
        family => family,
    };
    let free = networks.map(|networks| {
        found.iter().copied().filter(|address| !networks.block(*address)).collect::<Vec<_>>()
    });
    let chosen = family.choose(&found);
    let free = match &free {
        None => chosen,
        Some(free) => family.choose(free),
    };
    if let (Some(networks), Some(blocked), None) = (networks, chosen, free) {
        return Err(networks.failure(host, blocked));
    }
    match free {
        Some(address) => Ok(Chosen {
            address,
            outside: found.iter().find(|address| !address.is_loopback()).copied(),
        }),
        None if found.is_empty() => {
            Err(Failure::new(FailureReason::Dns, format!("no address for {host}")))
        }
        None => Err(not_of_the_family(host)),
    }
}

/// How long an exchange waits for an open connection that is about to be free. hyper hands
/// a connection back from a task of its own, some microseconds after the body's end; without
/// the wait, two exchanges in a hundred opened a connection that nobody needed. The whole
/// of it passes only where the server closed a connection that it had promised to keep.
const IDLE_WAIT: Duration = Duration::from_millis(10);

/// Stamps the beginning and the end of opening a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectorHook;

impl<S> Layer<S> for ConnectorHook {
    type Service = HookedConnector<S>;

    fn layer(&self, inner: S) -> HookedConnector<S> {
        HookedConnector { inner }
    }
}

/// The connector of reqwest with its hook.
#[derive(Debug, Clone)]
pub(super) struct HookedConnector<S> {
    inner: S,
}

impl<S, D> Service<D> for HookedConnector<S>
where
    S: Service<D, Error = BoxError>,
    S::Response: 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: D) -> Self::Future {
        let connecting = self.inner.call(destination);
        Box::pin(unless_abandoned(async move {
            if trace::current().is_some_and(|trace| trace.expects_idle) {
                tokio::time::sleep(IDLE_WAIT).await;
            }
            trace::stamp(|stamps| stamps.connecting = Some(Instant::now()));
            let connection = connecting.await?;
            trace::stamp(|stamps| stamps.ready = Some(Instant::now()));
            Ok(connection)
        }))
    }
}

/// Gives up when it is polled outside of an exchange. The pool of hyper opens a connection
/// while it looks for a free one; when that turns up, it goes on opening the other one in a
/// task of its own. Here that would be a handshake which no request asked for.
async fn unless_abandoned<T>(
    connecting: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let mut connecting = std::pin::pin!(connecting);
    std::future::poll_fn(|context| {
        if trace::is_observed() {
            connecting.as_mut().poll(context)
        } else {
            Poll::Ready(Err(abandoned()))
        }
    })
    .await
}

fn abandoned() -> BoxError {
    "no exchange needs this connection".into()
}

/// A session store that stores nothing: every handshake is a full one, so that the
/// certificate is seen each time. rustls asks it while it writes the `ClientHello`,
/// which is when the handshake begins.
#[derive(Debug)]
pub(super) struct SessionHook;

fn handshake_begins() {
    trace::stamp(|stamps| {
        stamps.handshaking.get_or_insert_with(Instant::now);
    });
}

impl ClientSessionStore for SessionHook {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        handshake_begins();
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    // With TLS 1.3 off, this is the only question.
    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        handshake_begins();
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_first_address_is_taken_and_ipv4_for_localhost() {
        for (host, found, address, outside) in [
            ("id.example", &["2001:db8::1", "192.0.2.1"][..], "2001:db8::1", Some("2001:db8::1")),
            ("id.example", &["127.0.0.1", "2001:db8::1"], "127.0.0.1", Some("2001:db8::1")),
            ("localhost", &["::1", "127.0.0.1"], "127.0.0.1", None),
            ("localhost", &["127.0.0.1", "192.0.2.1"], "127.0.0.1", Some("192.0.2.1")),
            ("localhost", &["::1"], "::1", None),
        ] {
            let parse = |text: &str| text.parse().expect("address");
            let chosen = choose(
                host,
                Ok(found.iter().map(|text| parse(text)).collect()),
                Family::System,
                None,
            );
            let expected = Chosen { address: parse(address), outside: outside.map(parse) };
            assert_eq!(chosen, Ok(expected), "{host} {found:?}");
        }
    }

    #[test]
    fn a_name_without_an_address_is_dns() {
        for found in [Ok(Vec::new()), Err(io::Error::other("no such name"))] {
            let reason = choose("id.example", found, Family::System, None)
                .err()
                .map(|failure| failure.reason);
            assert_eq!(reason, Some(FailureReason::Dns));
        }
    }
}
