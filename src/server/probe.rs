//! `/probe`: checks in the order of the contract, the budget, the run, the answer.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use super::answer::{self, Answer};
use super::routes::Query;
use super::{App, pages};
use crate::exposition::probe_samples;
use crate::probe::{self, Probed, Target, budget};

const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

pub(super) async fn answer(app: &Arc<App>, query: &Query, headers: &HeaderMap) -> Answer {
    match checked(app, query, headers).await {
        Ok(answer) | Err(answer) => answer,
    }
}

/// The answer, or the refusal of the request.
async fn checked(app: &Arc<App>, query: &Query, headers: &HeaderMap) -> Result<Answer, Answer> {
    let refuse = |message: &str| answer::error(StatusCode::BAD_REQUEST, message);
    let name = query.one("module")?.ok_or_else(|| refuse("Module parameter is missing"))?;
    let config = app.store.current();
    let module = config.modules.get(name).ok_or_else(|| unknown_module(app, name))?;
    let text = query.one("target")?.ok_or_else(|| refuse("Target parameter is missing"))?;
    let target =
        Target::parse(text).map_err(|error| refuse(&format!("Target parameter {error}")))?;
    if query.has("hostname") {
        return Err(refuse(
            "Parameter hostname is not supported: the name in the target is the one that is checked",
        ));
    }
    let debug = query.one("debug")? == Some("true");
    if !module.targets.allow(&target) {
        app.metrics.target_refused(name);
        return Err(answer::error(
            StatusCode::FORBIDDEN,
            format!(
                "Module {name:?} may not be pointed at this target: it is neither in targets nor in allowed_targets"
            ),
        ));
    }
    // Text that is no ASCII is no number either.
    let header = headers.get(SCRAPE_TIMEOUT).map(|value| value.to_str().unwrap_or_default());
    let budget = budget(header, app.timeout_offset, module.timeout)
        .map_err(|error| refuse(&error.to_string()))?;

    app.load_roots().await;
    let probed = {
        let _running = app.metrics.probe_begins();
        probe::run(module, &target, budget, &app.memory).await
    };
    let Probed { report, fresh } = probed;
    if fresh {
        let listed = module.targets.lists(&target);
        app.metrics.probe_ended(&report, listed);
        app.history.add(&report);
        log(&report);
    }
    let samples = probe_samples(&report);
    if debug {
        let page = pages::debug(&report, samples, &config.shown_module(name));
        return Ok(answer::text(StatusCode::OK, page));
    }
    Ok(answer::metrics(headers, samples))
}

pub(super) fn unknown_module(app: &App, name: &str) -> Answer {
    app.metrics.module_unknown();
    answer::error(StatusCode::BAD_REQUEST, format!("Unknown module {name:?}"))
}

/// The story at debug level, whose lines were redacted when they were recorded.
fn log(report: &crate::report::ProbeReport) {
    let (module, target) = (&report.module, &report.target);
    for event in &report.events {
        let step = event.step.map_or("", crate::report::Step::as_str);
        tracing::debug!(module, target, step, "{}", event.text);
    }
}
