//! The landing page: the last probes, and the modules with a link to probe each target.

use std::fmt::Write;
use std::time::SystemTime;

use super::{age, badge, date, escape, length, link};
use crate::config::Config;
use crate::report::ProbeReport;
use crate::server::history::Kept;

pub(super) fn body(config: &Config, recent: &[Kept]) -> String {
    format!(
        "<h1>auth_exporter</h1>
<p>Version {}. Can people and programs still authenticate, and if not, at which step and why?</p>
<nav><a href=\"metrics\">Metrics of the exporter</a> <a href=\"config\">Configuration</a> <a href=\"sd\">Service discovery</a></nav>
<h2>Recent probes</h2>
{}<h2>Modules</h2>
{}",
        env!("CARGO_PKG_VERSION"),
        recent_probes(recent),
        modules(config),
    )
}

fn recent_probes(recent: &[Kept]) -> String {
    if recent.is_empty() {
        return "<p>None yet: a probe that runs is kept here.</p>\n".to_owned();
    }
    let mut rows = String::new();
    let now = SystemTime::now();
    for kept in recent {
        let report = &kept.report;
        let id = kept.id.to_string();
        let ago = now.duration_since(report.started + report.duration).unwrap_or_default();
        // Writing into a String cannot fail.
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td class=\"name\">{}</td><td class=\"target\">{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"began\">{} <small>{} ago</small></td><td>{}</td></tr>",
            verdict(report),
            escape(&report.module),
            escape(&report.target),
            reason(report),
            length(report.duration),
            date(report.started),
            age(ago),
            link("logs", &[("id", &id)], "story"),
        );
    }
    format!(
        "<table class=\"probes\">
<thead><tr><th>Result</th><th>Module</th><th>Target</th><th>Step and reason</th><th class=\"number\">Duration</th><th>Began</th><th></th></tr></thead>
<tbody>
{rows}</tbody>
</table>
"
    )
}

pub(super) fn verdict(report: &ProbeReport) -> String {
    if report.success() { badge("passed", "success") } else { badge("failed", "failure") }
}

fn reason(report: &ProbeReport) -> String {
    report
        .failure()
        .map_or_else(String::new, |(step, failure)| format!("{step}: {}", failure.reason))
}

fn modules(config: &Config) -> String {
    let mut rows = String::new();
    for module in config.modules.values() {
        let links: Vec<String> = module
            .targets
            .listed()
            .iter()
            .map(|listed| {
                let target = &*listed.target;
                let parameters =
                    [("module", module.name.as_str()), ("target", target), ("debug", "true")];
                link("probe", &parameters, target)
            })
            .collect();
        let links =
            if links.is_empty() { "no listed target".to_owned() } else { links.join("<br>") };
        let _ = writeln!(
            rows,
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"name\">{}</td><td class=\"target\">{links}</td></tr>",
            escape(&module.name),
            module.prober,
            escape(&module.provider),
        );
    }
    format!(
        "<table class=\"modules\">
<thead><tr><th>Module</th><th>Prober</th><th>Provider</th><th>Probe now, with its story</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
"
    )
}
