//! Runs a probe: its budget, the record of its steps and the session it sends with.
//!
//! Which steps there are and what they do is the business of the prober behind
//! [`Probe`]; nothing here knows a protocol. A look at the provider's status page runs beside the
//! flow of every prober alike.

mod client_certificate;
mod context;
mod flight;
mod login;
mod memory;
mod record;
mod request;
mod results;
mod rotation;
mod status_page;
mod targets;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use flight::Fate;

pub use client_certificate::{ClientCertificate, ClientCertificateError};
pub use context::{Context, Stopped, header_value};
pub use login::LoginAttempt;
pub use memory::{Account, Memory};
pub use request::{BudgetError, Target, TargetError, budget};
pub use targets::{ListedTarget, Pattern, PatternError, Targets};

use crate::net;
use crate::report::{Failure, FailureReason, JwtCheck, ProbeReport, Step, StepReport, Thresholds};
use crate::secret::{Redactor, Secret};
use crate::settings;

/// The `User-Agent` unless a module has its own.
pub const USER_AGENT: &str = concat!("auth_exporter/", env!("CARGO_PKG_VERSION"));

/// The future of a running probe.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>>;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which step.
    pub step: Step,
    /// Labels of the assertions configured for it.
    pub assertions: Vec<String>,
    /// The checks of a JWT that it makes.
    pub jwt_checks: Vec<JwtCheck>,
}

/// A configured flow.
pub trait Probe: Send + Sync {
    /// The steps that a run takes when all goes well, in order.
    fn plan(&self) -> Vec<Planned>;

    /// Whether scrapes at the same moment share one run, because a run spends something: a login,
    /// a one-time code, a refresh token.
    fn is_shared(&self) -> bool {
        false
    }

    /// Runs the flow. It ends early with [`Stopped`] when a step fails.
    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a>;
}

/// A step of a plan with the labels of its assertions.
#[must_use]
pub fn planned<'a>(step: Step, assertions: impl IntoIterator<Item = &'a str>) -> Planned {
    let assertions = assertions.into_iter().map(str::to_owned).collect();
    Planned { step, assertions, jwt_checks: Vec::new() }
}

/// A kind of flow: an entry of the registry.
#[derive(Clone, Copy)]
pub struct Prober {
    /// Its name, which is also that of its block.
    pub name: &'static str,
    /// Reads its block.
    pub load: fn(Block<'_>) -> Result<Loaded, settings::Error>,
}

/// The block of a prober as it stands in the configuration.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// The block.
    pub value: &'a serde_yaml::Value,
    /// Its place.
    pub at: &'a settings::Path,
    /// What the module's secrets may travel over.
    pub transport: settings::Transport,
}

impl Block<'_> {
    /// Reads the block strictly.
    ///
    /// # Errors
    /// With the path of what is wrong.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, settings::Error> {
        settings::parse(self.value, self.at)
    }

    /// The block as it may be shown: secrets print as their placeholder.
    #[must_use]
    pub fn show<T: serde::Serialize>(&self, settings: &T) -> serde_yaml::Value {
        serde_yaml::to_value(settings).unwrap_or_default()
    }
}

/// A block that was read.
pub struct Loaded {
    /// The flow.
    pub probe: Arc<dyn Probe>,
    /// The block without its secrets.
    pub shown: serde_yaml::Value,
    /// Headers in which the flow sends its credential, or leaves it out to see that it is
    /// missed: the module may not set them for every request.
    pub credential_headers: Vec<http::HeaderName>,
}

/// What holds for every request of a module, whatever its prober.
#[derive(Clone)]
pub struct Http {
    /// TLS configuration, built at load and shared.
    pub transport: net::Transport,
    /// Proxy, address family and server name.
    pub route: net::Route,
    /// The certificate with which the exporter proves itself to the target.
    pub client_certificate: Option<ClientCertificate>,
    /// Headers for the target's origin.
    pub headers: Vec<(http::HeaderName, Secret)>,
    /// Limit of a decoded body in bytes.
    pub body_size_limit: u64,
    /// `User-Agent`.
    pub user_agent: http::HeaderValue,
    /// Origins beside the target's to which metadata may point a credential.
    pub allowed_origins: Arc<[net::Origin]>,
    /// Whether secrets may travel over plain http off loopback.
    pub allow_plain_http: bool,
}

/// A module of the configuration, ready to run.
#[derive(Clone)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Name of its prober.
    pub prober: &'static str,
    /// The `provider` label.
    pub provider: String,
    /// Its timeout, when it has one.
    pub timeout: Option<Duration>,
    /// Where it may be pointed.
    pub targets: Targets,
    /// For so long after a run began, its result is served again instead of another run.
    pub min_interval: Duration,
    /// Where the provider says how well it is.
    pub status_page: Option<settings::StatusPage>,
    /// Latency limits, exported for the rules.
    pub thresholds: Thresholds,
    /// What holds for its requests.
    pub http: Http,
    /// The secrets to hide in everything kept of its probes, as they were at load.
    pub redactor: Redactor,
    /// The files of secrets, which may hold others by now.
    pub secret_files: Box<[PathBuf]>,
    /// Hash of its configuration, to notice that it changed.
    pub configuration: [u8; 32],
    /// The flow.
    pub probe: Arc<dyn Probe>,
}

impl Module {
    /// The report of a probe that begins now.
    fn report(&self, target: &Target, budget: Duration) -> ProbeReport {
        let plan = self.probe.plan();
        let steps = plan.iter().map(|it| StepReport::planned(it.step, &it.assertions)).collect();
        ProbeReport {
            module: self.name.clone(),
            prober: self.prober,
            provider: self.provider.clone(),
            target: target.as_str().to_owned(),
            started: SystemTime::now(),
            duration: Duration::ZERO,
            budget,
            steps,
            events: Vec::new(),
            thresholds: self.thresholds.clone(),
            credentials: Vec::new(),
            certificates: Vec::new(),
            key_set: None,
            saml: None,
            status_page: None,
            result_age: Duration::ZERO,
            min_interval: self.min_interval,
            clock_skew: Vec::new(),
        }
    }
}

/// What a scrape is answered with.
#[derive(Debug, Clone)]
pub struct Probed {
    /// The report.
    pub report: Arc<ProbeReport>,
    /// Whether the probe ran for this scrape, and not for another one at the same moment or before.
    pub fresh: bool,
}

/// The result of an earlier probe, while `min_interval` lasts and none runs.
#[must_use]
pub fn served(module: &Module, target: &Target, memory: &Memory) -> Option<Probed> {
    let report = flight::served(module, target, memory)?;
    Some(Probed { report: Arc::new(report), fresh: false })
}

/// Probes the target within the budget, and leaves in memory what the next probe needs of this
/// one. Dropping the future ends the probe, unless another scrape waits for it too or it has
/// spent something.
pub async fn run(
    module: &Arc<Module>,
    target: &Target,
    budget: Duration,
    memory: &Arc<Memory>,
) -> Probed {
    if module.probe.is_shared() || !module.min_interval.is_zero() {
        let (report, fresh) = flight::share(module, target, budget, memory).await;
        return Probed { report, fresh };
    }
    let report = run_committing(module, target, budget, memory, &OnceLock::new()).await;
    Probed { report: Arc::new(report), fresh: true }
}

/// One run.
async fn run_committing(
    module: &Module,
    target: &Target,
    budget: Duration,
    memory: &Memory,
    fate: &OnceLock<Fate>,
) -> ProbeReport {
    let context = Context::new(module, target, budget, memory, fate);
    context.read_secret_files().await;
    let flow = async {
        if catch_panic(module.probe.run(&context)).await.is_none() {
            context.fail_running(Failure::new(
                FailureReason::Internal,
                "the prober panicked; the log names the place",
            ));
        }
        context.record().flow_ended();
    };
    match &module.status_page {
        None => flow.await,
        Some(page) => {
            // Few modules have one: it takes no room in the others.
            let look = Box::pin(catch_panic(status_page::look(page, &context)));
            tokio::join!(flow, look);
        }
    }
    context.finish()
}

/// The report of a scrape whose budget ended before the run that it waited for.
fn timed_out(module: &Module, target: &Target, budget: Duration, memory: &Memory) -> ProbeReport {
    let failure = Failure::new(
        FailureReason::Timeout,
        "the budget of this scrape ended before the run that it shared with another one",
    );
    not_run(module, target, budget, memory, (budget, failure))
}

/// The report of a probe that did not run after it had waited for so long: its first step failed.
pub fn not_run(
    module: &Module,
    target: &Target,
    budget: Duration,
    memory: &Memory,
    (waited, failure): (Duration, Failure),
) -> ProbeReport {
    let fate = OnceLock::new();
    let context = Context::new(module, target, budget, memory, &fate);
    context.fail_running(failure);
    let mut report = context.finish();
    report.started -= waited;
    report.duration = waited;
    report
}

/// The output of the future, or `None` when it panicked: a bug of ours must not
/// take the other probes of this process with it.
async fn catch_panic<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(move |cx| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
