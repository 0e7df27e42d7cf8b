//! A report as a table for people.

use std::fmt::Write;

use crate::report::{ProbeReport, StepOutcome};

/// Select Graphic Rendition of ECMA-48.
#[derive(Clone, Copy)]
struct Colour(&'static str);

const GREEN: Colour = Colour("32");
const RED: Colour = Colour("1;31");
const YELLOW: Colour = Colour("33");
const FAINT: Colour = Colour("2");

/// The steps with times, status and reason, and what to do about them.
pub(super) fn table(report: &ProbeReport, colours: bool) -> String {
    let paint = |text: &str, Colour(code): Colour| {
        if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut text = format!("{} {} → {}\n\n", report.prober, report.module, report.target);
    // Writing into a String cannot fail.
    let _ =
        writeln!(text, "{:<12} {:<12} {:>10} {:>7}  REASON", "STEP", "RESULT", "TIME", "STATUS");
    for step in &report.steps {
        let (result, reason, colour) = match &step.outcome {
            StepOutcome::NotReached => ("not reached", "", FAINT),
            StepOutcome::Passed => ("ok", "", GREEN),
            StepOutcome::NotNeeded => ("not needed", "", FAINT),
            StepOutcome::Failed(failure) => ("FAILED", failure.reason.as_str(), RED),
        };
        let time = step.duration.map_or_else(
            || "-".to_owned(),
            |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        );
        let status = step.last_status().map_or_else(|| "-".to_owned(), |status| status.to_string());
        // Painted once it is as wide as its column.
        let result = paint(&format!("{result:<12}"), colour);
        let row = format!("{:<12} {result} {time:>10} {status:>7}  {reason}", step.step.as_str());
        let _ = writeln!(text, "{}", row.trim_end());
    }
    if !report.success() {
        text.push('\n');
        for event in &report.events {
            let _ = writeln!(text, "{event}");
        }
    }
    for step in &report.steps {
        if let Some(failure) = step.failure() {
            let _ = write!(
                text,
                "\n{}: {}\n  {}\n  What to do: {}\n",
                paint(step.step.as_str(), RED),
                failure.reason.meaning(),
                failure.detail,
                failure.reason.advice()
            );
        }
        for warning in &step.warnings {
            let _ = write!(
                text,
                "\n{}: warning {}: {}\n  What to do: {}\n",
                step.step,
                paint(warning.as_str(), YELLOW),
                warning.meaning(),
                warning.advice()
            );
        }
    }
    let verdict = if report.success() { paint("succeeded", GREEN) } else { paint("FAILED", RED) };
    let total = report.duration.as_secs_f64() * 1000.0;
    let _ = writeln!(text, "\nProbe {verdict} in {total:.1} ms.");
    text
}
