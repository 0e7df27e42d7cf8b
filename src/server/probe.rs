//! `/probe`: checks in the order of the contract, the budget, the run, the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};

use super::answer::{self, Answer, Refused, Wanted};
use super::routes::Query;
use super::{App, pages};
use crate::exposition::probe_samples;
use crate::probe::{self, Module, Probed, Target, budget};
use crate::report::{Failure, FailureReason, ProbeReport, Step};

/// What tells the log lines of probes from all others.
pub const PROBE_LOG: &str = "auth_exporter::probe";

const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// What a scrape asks for.
pub(super) struct Asked {
    pub(super) query: Query,
    /// The scrape timeout as it stands in the request.
    timeout: Option<String>,
    wanted: Wanted,
}

impl Asked {
    pub(super) fn new(query: Query, headers: &HeaderMap) -> Self {
        let timeouts = headers.get_all(SCRAPE_TIMEOUT).iter();
        // Text that is no ASCII is no number either, nor is a list of them (RFC 9110 §5.3).
        let timeouts: Vec<_> = timeouts.map(|value| value.to_str().unwrap_or_default()).collect();
        let timeout = (!timeouts.is_empty()).then(|| timeouts.join(", "));
        Self { query, timeout, wanted: Wanted::by(headers) }
    }
}

pub(super) async fn answer(app: &Arc<App>, asked: &Asked) -> Result<Answer, Refused> {
    let query = &asked.query;
    let name = query.one("module")?.ok_or_else(|| Refused::bad("Module parameter is missing"))?;
    let config = app.store.current();
    let module = config.modules.get(name).ok_or_else(|| unknown_module(app, name))?;
    let text = query.one("target")?.ok_or_else(|| Refused::bad("Target parameter is missing"))?;
    let target =
        Target::parse(text).map_err(|error| Refused::bad(format!("Target parameter {error}")))?;
    if query.has("hostname") {
        return Err(Refused::bad(
            "Parameter hostname is not supported: the name in the target is the one that is checked",
        ));
    }
    let debug = query.one("debug")? == Some("true");
    if !module.targets.allow(&target) {
        app.metrics.target_refused(name);
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            format!(
                "Module {name:?} may not be pointed at this target: it is neither in targets nor in allowed_targets"
            ),
        ));
    }
    let budget = budget(asked.timeout.as_deref(), app.timeout_offset, module.timeout)
        .map_err(Refused::bad)?;

    let unanswered = Unanswered { app, module, target: &target, asked: Instant::now() };
    let probed = match probe::served(module, &target, &app.memory) {
        Some(served) => served,
        None => admitted(app, module, &target, budget).await,
    };
    std::mem::forget(unanswered);
    let Probed { report, fresh } = probed;
    let id = if fresh {
        let listed = module.targets.lists(&target);
        app.metrics.probe_ended(&report, listed);
        let id = app.history.add(&report);
        log(id, &report);
        Some(id)
    } else {
        app.history.newest(target.as_str(), Some(name)).map(|kept| kept.id)
    };
    let samples = probe_samples(&report);
    if debug {
        let page = pages::debug(id, &report, samples, &config.shown_module(name));
        return Ok(answer::text(StatusCode::OK, page));
    }
    Ok(answer::metrics(asked.wanted, samples))
}

/// A request that nobody waits for any more when this is dropped: the scraper went away, most
/// often since its own timeout is shorter than the one that it sent.
struct Unanswered<'a> {
    app: &'a App,
    module: &'a Module,
    target: &'a Target,
    asked: Instant,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.app.metrics.probe_abandoned(&self.module.name);
        tracing::warn!(
            target: PROBE_LOG,
            module = self.module.name,
            target = self.target.as_str(),
            after_seconds = self.asked.elapsed().as_secs_f64(),
            "The scraper went away before the answer",
        );
    }
}

/// A probe that waits for its turn.
async fn admitted(
    app: &Arc<App>,
    module: &Arc<Module>,
    target: &Target,
    budget: Duration,
) -> Probed {
    app.load_roots().await;
    let asked = Instant::now();
    match app.admission.enter(budget).await {
        Ok(admitted) => {
            let _running = app.metrics.probe_begins();
            probe::run(module, target, admitted.left, &app.memory).await
        }
        Err(refused) => {
            let failure = Failure::new(FailureReason::Overloaded, refused.to_string());
            let waited = (asked.elapsed(), failure);
            let report = probe::not_run(module, target, budget, &app.memory, waited);
            Probed { report: Arc::new(report), fresh: true }
        }
    }
}

pub(super) fn unknown_module(app: &App, name: &str) -> Refused {
    app.metrics.module_unknown();
    Refused::bad("Unknown module").about(name)
}

/// Where `--log.prober` decides.
macro_rules! tell {
    ($level:ident, $id:ident, $report:ident, $step:expr, $($rest:tt)+) => {
        tracing::$level!(
            target: PROBE_LOG,
            probe_id = $id,
            module = $report.module,
            target = $report.target,
            step = $step,
            $($rest)+
        )
    };
}

/// The story at debug level, whose lines were redacted when they were recorded; a failed probe
/// as an error.
fn log(id: u64, report: &ProbeReport) {
    if tracing::enabled!(target: PROBE_LOG, tracing::Level::DEBUG) {
        for event in &report.events {
            tell!(debug, id, report, event.step.map_or("", Step::as_str), "{}", event.text);
        }
    }
    let duration_seconds = report.duration.as_secs_f64();
    match report.failure() {
        None => tell!(debug, id, report, "", duration_seconds, "Probe succeeded"),
        Some((step, failure)) => {
            let reason = failure.reason.as_str();
            tell!(error, id, report, step.as_str(), reason, duration_seconds, "Probe failed");
        }
    }
}
