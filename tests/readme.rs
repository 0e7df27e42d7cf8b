//! The README against the code: metrics, reasons, warnings, flags and blocks of text that must
//! be the same elsewhere.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write;

use auth_exporter::exposition::{CATALOGUE, Kind};
use auth_exporter::report::{FailureReason, Warning};
use clap::CommandFactory;

fn file(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).expect(name)
}

/// What stands in the README between `<!-- NAME -->` and `<!-- /NAME -->`.
fn section(name: &str) -> String {
    let readme = file("README.md");
    let (opening, closing) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    readme
        .split_once(&opening)
        .and_then(|(_, rest)| rest.split_once(&closing))
        .unwrap_or_else(|| panic!("the README has no section {name}"))
        .0
        .to_owned()
}

fn holds(name: &str, expected: &str) {
    assert!(section(name) == expected, "the section {name} of the README must be:\n{expected}");
}

#[test]
fn the_metrics_are_those_of_the_catalogue() {
    let mut table = "| metric | labels | type | meaning |\n|---|---|---|---|\n".to_owned();
    for metric in CATALOGUE {
        let (suffix, kind) = match metric.kind {
            Kind::Gauge => ("", "gauge"),
            Kind::Counter => ("_total", "counter"),
            Kind::Histogram => ("", "histogram"),
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        writeln!(table, "| `{}{suffix}` | {labels} | {kind} | {} |", metric.name, metric.help)
            .expect("memory");
    }
    holds("metrics", &table);
}

#[test]
fn the_reasons_and_warnings_are_those_of_the_code() {
    let mut table = "| reason | what it means | what to do |\n|---|---|---|\n".to_owned();
    for reason in FailureReason::ALL {
        writeln!(table, "| `{reason}` | {} | {} |", reason.meaning(), reason.advice())
            .expect("memory");
    }
    holds("reasons", &table);
    let mut table = "| warning | what it means | what to do |\n|---|---|---|\n".to_owned();
    for warning in Warning::ALL {
        writeln!(table, "| `{warning}` | {} | {} |", warning.meaning(), warning.advice())
            .expect("memory");
    }
    holds("warnings", &table);
}

#[test]
fn the_flags_are_those_of_the_program() {
    let mut table = "| flag | default | meaning |\n|---|---|---|\n".to_owned();
    for argument in auth_exporter::cli::Cli::command().get_arguments() {
        let Some(name) = argument.get_long() else { continue };
        let default: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default = match default.first() {
            Some(default) if default != "false" => format!("`{default}`"),
            _ => String::new(),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        writeln!(table, "| `--{name}` | {default} | {help} |").expect("memory");
    }
    holds("flags", &table);
}

#[test]
fn blocks_that_stand_elsewhere_too_are_the_same() {
    for (name, path) in [
        ("examples/prometheus.yml", "examples/prometheus.yml"),
        ("examples/oauth_cc.yml", "examples/oauth_cc.yml"),
        ("examples/apikey.yml", "examples/apikey.yml"),
    ] {
        holds(name, &format!("```yaml\n{}```\n", file(path)));
    }
}
