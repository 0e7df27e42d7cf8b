//! The story of a probe: the verdict, its steps as a waterfall, and each line that was recorded.

use std::fmt::Write;
use std::time::Duration;

use super::landing::verdict;
use super::{badge, date, escape, length, link, milliseconds};
use crate::report::{ProbeReport, StatusPage, Step, StepOutcome, StepReport};
use crate::server::history::Kept;

/// The thinnest bar, in hundredths of the whole: a step that took no time is seen as well.
const THINNEST: f64 = 0.6;

pub(super) fn body(kept: &Kept) -> String {
    let report = &kept.report;
    let parameters =
        [("module", report.module.as_str()), ("target", &report.target), ("debug", "true")];
    format!(
        "<nav><a href=\"./\">All probes</a> {} {}</nav>
<h1>{} {}</h1>
<p class=\"target\">{}</p>
{}{}<h2>Steps</h2>
{}<h2>Story</h2>
{}",
        link("logs", &[("target", &report.target), ("module", &report.module)], "Newest of these"),
        link("probe", &parameters, "Probe now"),
        verdict(report),
        escape(&report.module),
        escape(&report.target),
        failure(report),
        facts(kept),
        waterfall(report),
        story(report),
    )
}

fn failure(report: &ProbeReport) -> String {
    let Some((step, failure)) = report.failure() else { return String::new() };
    format!(
        "<section class=\"failure\">
<p><strong>{step}: {}</strong></p>
<p>{}</p>
<p class=\"detail\">{}</p>
<p>What to do: {}</p>
</section>
",
        failure.reason,
        escape(failure.reason.meaning()),
        escape(&failure.detail),
        escape(failure.reason.advice()),
    )
}

fn facts(kept: &Kept) -> String {
    let report = &kept.report;
    let mut facts = vec![
        ("Began", date(report.started)),
        ("Duration", length(report.duration)),
        ("Budget", length(report.budget)),
        ("Prober", report.prober.to_owned()),
        ("Provider", report.provider.clone()),
        ("Number", kept.id.to_string()),
    ];
    match report.status_page {
        None => {}
        Some(StatusPage::Unreadable) => {
            facts.push(("Status page of the provider", "cannot be read".to_owned()));
        }
        Some(StatusPage::Shows(indicator)) => {
            facts.push(("Status page of the provider", indicator.to_string()));
        }
    }
    let mut list = "<dl>\n".to_owned();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing into a String cannot fail.
        let _ = writeln!(list, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
    }
    list + "</dl>\n"
}

/// The steps in the order in which they began. One that did not begin stands where it is planned.
fn in_time(report: &ProbeReport) -> Vec<&StepReport> {
    let mut last = Duration::ZERO;
    let mut steps: Vec<(Duration, &StepReport)> = report
        .steps
        .iter()
        .map(|step| {
            last = step.began.unwrap_or(last);
            (last, step)
        })
        .collect();
    steps.sort_by_key(|(began, _)| *began);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn waterfall(report: &ProbeReport) -> String {
    let ends = report.steps.iter().map(|step| end(step).unwrap_or_default());
    let whole = ends.max().unwrap_or_default().max(report.duration);
    let mut list = "<ol class=\"waterfall\">\n".to_owned();
    for step in in_time(report) {
        let (class, outcome) = outcome(&step.outcome);
        let reason = step.failure().map_or("", |failure| failure.reason.as_str());
        let time = step.duration.map_or_else(String::new, length);
        let status =
            step.last_status().map_or_else(String::new, |status| format!("status {status}"));
        let _ = writeln!(
            list,
            "<li><span class=\"step\">{}</span> {} <span class=\"reason\">{reason}</span> <span class=\"status\">{status}</span> <span class=\"time\">{time}</span>{}{}</li>",
            step.step,
            badge(class, outcome),
            bar(step, whole, class),
            remarks(step),
        );
    }
    list + "</ol>\n"
}

fn end(step: &StepReport) -> Option<Duration> {
    Some(step.began? + step.duration?)
}

const fn outcome(outcome: &StepOutcome) -> (&'static str, &'static str) {
    match outcome {
        StepOutcome::Passed => ("passed", "ok"),
        StepOutcome::Failed(_) => ("failed", "failed"),
        StepOutcome::NotNeeded => ("idle", "not needed"),
        StepOutcome::NotReached => ("idle", "not reached"),
    }
}

/// From when to when a step ran, drawn over the whole of the probe.
fn bar(step: &StepReport, whole: Duration, class: &str) -> String {
    let (Some(began), Some(duration)) = (step.began, step.duration) else {
        return "<svg class=\"bar\" aria-hidden=\"true\"></svg>".to_owned();
    };
    let share = |time: Duration| 100.0 * time.as_secs_f64() / whole.as_secs_f64().max(1e-9);
    let width = share(duration).clamp(THINNEST, 100.0);
    let x = share(began).min(100.0 - width);
    format!(
        "<svg class=\"bar\" role=\"img\" aria-label=\"from {} on, for {}\"><rect class=\"{class}\" x=\"{x:.2}%\" width=\"{width:.2}%\" height=\"100%\" rx=\"2\"/></svg>",
        length(began),
        length(duration),
    )
}

/// What a step warns of, and which assertions did not hold.
fn remarks(step: &StepReport) -> String {
    let mut list = String::new();
    for warning in &step.warnings {
        let _ = write!(
            list,
            "<p class=\"remark\">{} {} {}</p>",
            badge("warned", warning.as_str()),
            escape(warning.meaning()),
            escape(warning.advice()),
        );
    }
    if step.reached() {
        for assertion in step.assertions.iter().filter(|assertion| !assertion.success) {
            let label = escape(&assertion.label);
            let _ = write!(list, "<p class=\"remark\">does not hold: <code>{label}</code></p>");
        }
    }
    list
}

fn story(report: &ProbeReport) -> String {
    let mut rows = String::new();
    for event in &report.events {
        let _ = writeln!(
            rows,
            "<li><span class=\"at\">{:.1} ms</span> <span class=\"step\">{}</span> <span class=\"text\">{}</span></li>",
            milliseconds(event.at),
            event.step.map_or("", Step::as_str),
            escape(&event.text),
        );
    }
    format!("<ol class=\"story\">\n{rows}</ol>\n")
}
