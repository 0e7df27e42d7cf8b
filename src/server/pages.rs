//! Pages for people: the landing page and the story of a probe.

use std::fmt::Write;

use crate::config::Config;
use crate::exposition::{Format, Sample};
use crate::report::{ProbeReport, StepOutcome};

/// The modules, their targets and a link to probe each with its story.
pub(super) fn landing(config: &Config) -> String {
    let mut rows = String::new();
    for module in config.modules.values() {
        let links: Vec<String> = module
            .targets
            .listed()
            .iter()
            .map(|listed| {
                let target = &*listed.target;
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("module", &module.name)
                    .append_pair("target", target)
                    .append_pair("debug", "true")
                    .finish();
                format!("<a href=\"probe?{}\">{}</a>", escape(&query), escape(target))
            })
            .collect();
        let links =
            if links.is_empty() { "no listed target".to_owned() } else { links.join("<br>") };
        // Writing into a String cannot fail.
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{links}</td></tr>",
            escape(&module.name),
            module.prober,
            escape(&module.provider),
        );
    }
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>auth_exporter</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; line-height: 1.5 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884 }}
td {{ overflow-wrap: anywhere }}
</style>
</head>
<body>
<h1>auth_exporter</h1>
<p>Version {version}. Can people and programs still authenticate, and if not, at which step and why?</p>
<p><a href=\"metrics\">Metrics of the exporter</a> · <a href=\"config\">Configuration</a> · <a href=\"sd\">Service discovery</a></p>
<h2>Modules</h2>
<table>
<thead><tr><th>Module</th><th>Prober</th><th>Provider</th><th>Probe now, with its story</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
</body>
</html>
",
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The page of `debug=true`: the story, the metrics, the module's configuration.
pub(super) fn debug(report: &ProbeReport, samples: Vec<Sample>, module: &str) -> String {
    format!(
        "Logs for the probe:\n{}\n\nMetrics that would have been returned:\n{}\n\nModule configuration:\n{module}",
        story(report),
        Format::Classic.encode(samples),
    )
}

/// The story of a probe and what to do about its failure.
fn story(report: &ProbeReport) -> String {
    let mut text = format!(
        "probe id {}, module {} ({}), target {}, budget {:.3} s\n",
        report.id,
        report.module,
        report.prober,
        report.target,
        report.budget.as_secs_f64()
    );
    for event in &report.events {
        let step = event.step.map_or("-", crate::report::Step::as_str);
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{:>10.1} ms  {step:<12} {}",
            event.at.as_secs_f64() * 1000.0,
            event.text
        );
    }
    for step in &report.steps {
        if step.outcome == StepOutcome::NotReached {
            let _ = writeln!(text, "{:>13}  {:<12} was not reached", "", step.step.as_str());
        }
    }
    let verdict = if report.success() { "succeeded" } else { "FAILED" };
    let _ = write!(text, "probe {verdict} in {:.1} ms", report.duration.as_secs_f64() * 1000.0);
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
