//! A report as JSON for programs.

use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::report::{Event, ProbeReport, Step, StepOutcome, StepReport};

/// The report on one line. Names are those of the metrics and their labels.
pub(super) fn object(report: &ProbeReport) -> Value {
    let started = report.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let failure = report
        .failure()
        .map(|(step, failure)| json!({"step": step.as_str(), "reason": failure.reason.as_str()}));
    json!({
        "module": report.module,
        "prober": report.prober,
        "provider": report.provider,
        "target": report.target,
        "success": report.success(),
        "failure": failure,
        "started_timestamp_seconds": started.as_secs_f64(),
        "duration_seconds": report.duration.as_secs_f64(),
        "timeout_seconds": report.budget.as_secs_f64(),
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
        "story": report.events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn event(event: &Event) -> Value {
    json!({
        "at_seconds": event.at.as_secs_f64(),
        "step": event.step.map(Step::as_str),
        "text": event.text,
    })
}

fn step(step: &StepReport) -> Value {
    let result = match &step.outcome {
        StepOutcome::NotReached => "not_reached",
        StepOutcome::Passed => "success",
        StepOutcome::NotNeeded => "not_needed",
        StepOutcome::Failed(_) => "failure",
    };
    let failure = step.failure().map(|failure| {
        json!({
            "reason": failure.reason.as_str(),
            "detail": failure.detail,
            "meaning": failure.reason.meaning(),
            "advice": failure.reason.advice(),
        })
    });
    let warnings: Vec<Value> = step
        .warnings
        .iter()
        .map(|warning| {
            json!({
                "warning": warning.as_str(),
                "meaning": warning.meaning(),
                "advice": warning.advice(),
            })
        })
        .collect();
    json!({
        "step": step.step.as_str(),
        "result": result,
        "duration_seconds": step.duration.map(|duration| duration.as_secs_f64()),
        "http_status_code": step.last_status(),
        "failure": failure,
        "warnings": warnings,
    })
}
