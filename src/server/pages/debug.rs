//! The page of `debug=true`: text.

use std::fmt::Write;

use super::milliseconds;
use crate::exposition::{Format, Sample};
use crate::report::{ProbeReport, StepOutcome};

/// The story, the metrics, the module's configuration. The number is that of the log and of `/logs`.
pub(in crate::server) fn debug(
    id: Option<u64>,
    report: &ProbeReport,
    samples: Vec<Sample>,
    module: &str,
) -> String {
    let id = id.map_or_else(String::new, |id| format!("probe id {id}, "));
    format!(
        "Logs for the probe:\n{id}{}\n\nMetrics that would have been returned:\n{}\n\nModule configuration:\n{module}",
        story(report),
        Format::Classic.encode(samples),
    )
}

/// The story of a probe and what to do about its failure.
fn story(report: &ProbeReport) -> String {
    let mut text = format!(
        "module {} ({}), target {}, budget {:.3} s\n",
        report.module,
        report.prober,
        report.target,
        report.budget.as_secs_f64()
    );
    for event in &report.events {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{event}");
    }
    for step in &report.steps {
        if step.outcome == StepOutcome::NotReached {
            let _ = writeln!(text, "{:>13}  {:<12} was not reached", "", step.step.as_str());
        }
    }
    let verdict = if report.success() { "succeeded" } else { "FAILED" };
    let _ = write!(text, "probe {verdict} in {:.1} ms", milliseconds(report.duration));
    if let Some((step, failure)) = report.failure() {
        let _ = write!(
            text,
            "\nstep {step}, reason {}: {}\nwhat to do: {}",
            failure.reason,
            failure.reason.meaning(),
            failure.reason.advice()
        );
    }
    text
}
