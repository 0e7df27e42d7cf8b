//! What happened in one exchange, and when: the stamps of the hooks, and the phases
//! that follow from them.
//!
//! The hooks reach the trace of their exchange through the task that sends it. That
//! keeps exchanges apart, and tells a connection that is opened for nobody (see
//! [`is_observed`]) from one that a request waits for.

use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::hooks::Lookup;
use super::{Family, Networks};
use crate::report::{Failure, PeerChain, Phases, TlsFacts};

tokio::task_local! {
    static CURRENT: Arc<Trace>;
}

/// Applies a change to the stamps of the exchange that this task sends.
pub(super) fn stamp<R>(change: impl FnOnce(&mut Stamps) -> R) -> Option<R> {
    CURRENT.try_with(|trace| change(&mut trace.stamps())).ok()
}

/// The trace of the exchange that this task sends.
pub(super) fn current() -> Option<Arc<Trace>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Whether the running task sends an exchange.
pub(super) fn is_observed() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

/// The surroundings of one exchange, and what the hooks told of it.
pub(super) struct Trace {
    /// How names are resolved.
    pub(super) lookup: Lookup,
    /// Which of the addresses is taken.
    pub(super) family: Family,
    /// What is resolved instead of the name that is sent in the handshake.
    pub(super) instead: Option<url::Host>,
    /// The connection leads to a proxy.
    pub(super) proxied: bool,
    /// A name that resolves to anything but loopback is refused before anything is sent.
    pub(super) loopback_only: bool,
    /// Networks that the host may not lie in.
    pub(super) networks: Option<Arc<Networks>>,
    /// The proxy, which may lie in them. Also where the proxy is that host, what is resolved is
    /// the host.
    pub(super) proxy_host: Option<String>,
    /// An open connection is about to be free for this exchange.
    pub(super) expects_idle: bool,
    pub(super) stamps: Mutex<Stamps>,
}

impl Trace {
    /// Runs the exchange so that the hooks find this trace.
    pub(super) fn observe<F: Future>(
        self: &Arc<Self>,
        exchange: F,
    ) -> impl Future<Output = F::Output> {
        CURRENT.scope(self.clone(), exchange)
    }

    /// What is known so far.
    pub(super) fn stamps(&self) -> MutexGuard<'_, Stamps> {
        // Each change is one assignment, so a panic elsewhere leaves them whole.
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the hooks told of one exchange.
#[derive(Debug)]
pub(super) struct Stamps {
    /// It began.
    pub(super) started: Instant,
    /// The resolver was asked.
    pub(super) resolving: Option<Instant>,
    /// The resolver found an address.
    pub(super) resolved: Option<Instant>,
    /// A connection was asked for.
    pub(super) connecting: Option<Instant>,
    /// The `ClientHello` was written.
    pub(super) handshaking: Option<Instant>,
    /// The connection was ready for a request.
    pub(super) ready: Option<Instant>,
    /// The response headers were complete.
    pub(super) headers: Option<Instant>,
    /// The address that a name resolved to.
    pub(super) address: Option<IpAddr>,
    /// An address of the name that is not loopback.
    pub(super) outside: Option<IpAddr>,
    /// The chain of the peer.
    pub(super) chain: Option<Arc<PeerChain>>,
    /// What was negotiated.
    pub(super) tls: Option<TlsFacts>,
    /// The cipher suite, until it is part of that.
    pub(super) cipher: Option<&'static str>,
    /// The client certificate was presented, until it is part of that.
    pub(super) client_certificate: bool,
    /// The failure as a hook saw it: nearer to the cause than reqwest's error.
    pub(super) failure: Option<Failure>,
}

/// Where in an exchange something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Name resolution.
    Resolve,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the connection being ready to the response headers.
    Processing,
    /// The body.
    Transfer,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving the name",
            Self::Connect => "connecting",
            Self::Tls => "in the TLS handshake",
            Self::Processing => "waiting for the answer",
            Self::Transfer => "reading the body",
        })
    }
}

impl Stamps {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            resolving: None,
            resolved: None,
            connecting: None,
            handshaking: None,
            ready: None,
            headers: None,
            address: None,
            outside: None,
            chain: None,
            tls: None,
            cipher: None,
            client_certificate: false,
            failure: None,
        }
    }

    /// Whether the exchange opened a connection, or failed to. An answer that came while a
    /// connection was still being opened came over another one, which had become free.
    pub(super) fn opened(&self) -> bool {
        self.connecting.is_some() && (self.ready.is_some() || self.headers.is_none())
    }

    /// How far the exchange came.
    pub(super) fn stage(&self) -> Stage {
        if self.headers.is_some() {
            Stage::Transfer
        } else if !self.opened() || self.ready.is_some() {
            Stage::Processing
        } else if self.handshaking.is_some() {
            Stage::Tls
        } else if self.resolving.is_some() && self.resolved.is_none() {
            Stage::Resolve
        } else {
            Stage::Connect
        }
    }

    /// The phases of an exchange that ended at `end`. One that did not end by itself lasted
    /// until then. They follow one another, so their sum is never more than the whole.
    pub(super) fn phases(&self, end: Instant) -> Phases {
        let between = |from: Instant, to: Option<Instant>| -> Duration {
            to.unwrap_or(end).saturating_duration_since(from)
        };
        let mut phases = Phases::default();
        if self.opened() {
            phases.resolve = self.resolving.map(|from| between(from, self.resolved));
            let connect_from = match self.resolving {
                Some(_) => self.resolved,
                None => self.connecting,
            };
            phases.connect =
                connect_from.map(|from| between(from, self.handshaking.or(self.ready)));
            phases.tls = self.handshaking.map(|from| between(from, self.ready));
            phases.processing = self.ready.map(|from| between(from, self.headers));
        } else {
            phases.processing = Some(between(self.started, self.headers));
        }
        phases.transfer = self.headers.map(|from| between(from, None));
        phases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stamps, and the instant that lies so many milliseconds after their start.
    fn begun() -> (Stamps, impl Fn(u64) -> Instant) {
        let started = Instant::now();
        (Stamps::new(started), move |after| started + Duration::from_millis(after))
    }

    /// Resolve, connect, tls, processing and transfer in milliseconds.
    fn phases(stamps: &Stamps, end: Instant) -> [Option<u128>; 5] {
        let phases = stamps.phases(end);
        [phases.resolve, phases.connect, phases.tls, phases.processing, phases.transfer]
            .map(|phase| phase.map(|time| time.as_millis()))
    }

    #[test]
    fn the_phases_of_a_fresh_connection_follow_one_another() {
        let (mut stamps, at) = begun();
        stamps.connecting = Some(at(1));
        stamps.resolving = Some(at(2));
        stamps.resolved = Some(at(5));
        stamps.handshaking = Some(at(9));
        stamps.ready = Some(at(14));
        stamps.headers = Some(at(20));
        assert_eq!(phases(&stamps, at(27)), [Some(3), Some(4), Some(5), Some(6), Some(7)]);
        assert_eq!(stamps.stage(), Stage::Transfer);
    }

    #[test]
    fn a_phase_that_did_not_end_lasts_until_the_end_of_the_exchange() {
        let (mut stamps, at) = begun();
        stamps.connecting = Some(at(1));
        stamps.resolving = Some(at(2));
        assert_eq!(phases(&stamps, at(10)), [Some(8), None, None, None, None]);
        assert_eq!(stamps.stage(), Stage::Resolve);
        stamps.resolved = Some(at(3));
        assert_eq!(phases(&stamps, at(10)), [Some(1), Some(7), None, None, None]);
        assert_eq!(stamps.stage(), Stage::Connect);
        stamps.handshaking = Some(at(4));
        assert_eq!(phases(&stamps, at(10)), [Some(1), Some(1), Some(6), None, None]);
        assert_eq!(stamps.stage(), Stage::Tls);
        stamps.ready = Some(at(5));
        assert_eq!(phases(&stamps, at(10)), [Some(1), Some(1), Some(1), Some(5), None]);
        assert_eq!(stamps.stage(), Stage::Processing);
    }

    #[test]
    fn plain_http_to_an_address_only_connects() {
        let (mut stamps, at) = begun();
        stamps.connecting = Some(at(1));
        stamps.ready = Some(at(3));
        stamps.headers = Some(at(7));
        assert_eq!(phases(&stamps, at(8)), [None, Some(2), None, Some(4), Some(1)]);
    }

    #[test]
    fn a_reused_connection_has_no_phases_before_processing() {
        let (mut stamps, at) = begun();
        stamps.headers = Some(at(7));
        assert_eq!(phases(&stamps, at(8)), [None, None, None, Some(7), Some(1)]);
        // A connection that was begun in vain belongs to nobody.
        stamps.connecting = Some(at(1));
        stamps.resolving = Some(at(1));
        assert_eq!(phases(&stamps, at(8)), [None, None, None, Some(7), Some(1)]);
        assert!(!stamps.opened());
    }
}
