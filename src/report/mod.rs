//! What a probe found, as plain data: steps, exchanges, failures, the story.
//!
//! Nothing here sends or parses. A [`ProbeReport`] is written by the
//! probe room and read by the exposition, the pages and the terminal.

#[cfg(test)]
mod empty;
mod exchange;
mod reason;
mod size;
mod step;

use std::fmt;
use std::time::{Duration, SystemTime};

pub use exchange::{Certificate, Exchange, HttpVersion, PeerChain, Phases, TlsFacts};
pub use reason::{FailureReason, Warning};
pub use step::{
    AssertionResult, CertificateSource, ClockSource, Credential, Endpoint, Failure, JwtCheck,
    RefusalCheck, StatusIndicator, Step, StepOutcome, StepReport, TokenFacts,
};

/// One line of a probe's story. The text was redacted before it came here.
#[derive(Debug, Clone)]
pub struct Event {
    /// Time since the probe began.
    pub at: Duration,
    /// The step that ran, if one did.
    pub step: Option<Step>,
    /// What happened, for a person to read.
    pub text: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.at.as_secs_f64() * 1000.0;
        let step = self.step.map_or("-", Step::as_str);
        write!(f, "{milliseconds:>10.1} ms  {step:<12} {}", self.text)
    }
}

/// Latency limits of a module. They judge nothing here: they are exported,
/// and the alerting rules compare.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    /// The limit of each step that has one.
    pub steps: Vec<(Step, Duration)>,
    /// The limit of the whole probe.
    pub total: Option<Duration>,
    /// The share of the whole that authentication may take, 0 to 1.
    pub auth_share: Option<f64>,
}

/// When a credential of the module ends.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialExpiry {
    /// The id that the service gives it, else the module's name.
    pub name: String,
    /// Unix seconds.
    pub expires_at: f64,
}

/// A certificate that is watched beside those of the connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedCertificate {
    /// Where it comes from.
    pub source: CertificateSource,
    /// File name, entity or key id.
    pub name: String,
    /// The role of the entity whose it is, where there are roles.
    pub role: &'static str,
    /// What it is used for, as its source says.
    pub usage: String,
    /// Its facts.
    pub certificate: Certificate,
}

/// The keys that an issuer publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetFacts {
    /// How many of them can verify signatures.
    pub usable: usize,
    /// A hash of the set, to notice that it changes.
    pub hash: u32,
    /// The first of them.
    pub keys: Vec<KeyFacts>,
}

impl KeySetFacts {
    /// As many are shown, so that a large set makes no large answer.
    pub const MOST_KEYS: usize = 10;
    /// And so many of their certificates: those that end first, each in two series.
    pub const MOST_CERTIFICATES: usize = 3;
}

/// A published key, in the words of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// `kid`
    pub key_id: String,
    /// `kty`
    pub key_type: String,
    /// `alg`
    pub algorithm: String,
    /// `use`
    pub usage: String,
}

/// What became of a look at the provider's status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPage {
    /// It could not be read.
    Unreadable,
    /// It says this.
    Shows(StatusIndicator),
}

/// What SAML metadata says of an entity. What it does not say, or what was not looked at, is
/// `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SamlFacts {
    /// How many entities the document holds.
    pub entities: Option<u64>,
    /// Whether it has a signature that verifies.
    pub signature_valid: Option<bool>,
    /// When it ends, in Unix seconds.
    pub valid_until: Option<f64>,
    /// How long it may be kept, in seconds.
    pub cache_duration: Option<f64>,
    /// The role that is probed.
    pub role: Option<SamlRole>,
}

/// A role of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlRole {
    /// Its name.
    pub name: &'static str,
    /// The bindings of the endpoints that the role is for.
    pub bindings: Vec<String>,
    /// `WantAuthnRequestsSigned`
    pub want_authn_requests_signed: bool,
    /// `AuthnRequestsSigned`
    pub authn_requests_signed: bool,
    /// `WantAssertionsSigned`
    pub want_assertions_signed: bool,
    /// How many of its signing certificates are in each state.
    pub signing_certificates: [(&'static str, usize); 3],
}

/// The result of one probe.
#[derive(Debug, Clone)]
pub struct ProbeReport {
    /// Name of the module.
    pub module: String,
    /// Name of its prober.
    pub prober: &'static str,
    /// The `provider` label of the module, empty when it has none.
    pub provider: String,
    /// The target as it was received.
    pub target: String,
    /// Wall-clock time at which the probe began.
    pub started: SystemTime,
    /// Length of the whole probe.
    pub duration: Duration,
    /// The budget that the probe had.
    pub budget: Duration,
    /// Every planned step, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// The story.
    pub events: Vec<Event>,
    /// Latency limits of the module.
    pub thresholds: Thresholds,
    /// Ends of the module's credentials.
    pub credentials: Vec<CredentialExpiry>,
    /// Certificates beside those of the connections.
    pub certificates: Vec<WatchedCertificate>,
    /// The key set that was read last.
    pub key_set: Option<KeySetFacts>,
    /// What SAML metadata says.
    pub saml: Option<SamlFacts>,
    /// What the provider's status page says, where one is configured. It judges nothing.
    pub status_page: Option<StatusPage>,
    /// How old the verdict is: of a result that is served again, the time since its run ended; of a
    /// login that was not tried again, the time since it was rejected.
    pub result_age: Duration,
    /// For how long a result of the module is served again; zero for not at all.
    pub min_interval: Duration,
    /// The provider's clock minus ours, in seconds.
    pub clock_skew: Vec<(ClockSource, f64)>,
}

impl ProbeReport {
    /// Whether every planned step succeeded. Computed, so that it cannot
    /// disagree with the steps; a probe without steps proves nothing.
    #[must_use]
    pub fn success(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(StepReport::success)
    }

    /// How long the provider wants to be left alone: the longest `Retry-After` of an answer that
    /// refuses for now (RFC 6585 §4, RFC 9110 §15.6.4) in a probe that failed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let exchanges = self.steps.iter().flat_map(|step| &step.exchanges);
        let refuses = |exchange: &&Exchange| matches!(exchange.status, Some(429 | 503));
        let longest = exchanges.filter(refuses).filter_map(|exchange| exchange.retry_after).max();
        longest.filter(|_| !self.success())
    }

    /// The failure that stopped the probe or, when the flow went on after it, the first one.
    #[must_use]
    pub fn failure(&self) -> Option<(Step, &Failure)> {
        self.steps.iter().find_map(|step| step.failure().map(|failure| (step.step, failure)))
    }
}
