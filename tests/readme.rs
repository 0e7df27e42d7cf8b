//! The README against the code: metrics, reasons, warnings, flags and blocks of text that must
//! be the same elsewhere.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "readme/section.rs"]
mod section;

use std::collections::BTreeSet;
use std::fmt::Write;

use auth_exporter::exposition::{CATALOGUE, Kind};
use auth_exporter::report::{FailureReason, Warning};
use clap::CommandFactory;
use section::holds;

fn file(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).expect(name)
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
        // The opposites, as `--no-config.check`.
        if argument.is_hide_set() {
            continue;
        }
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

/// Files that stand in the README as they are.
const COPIED: [&str; 4] = [
    "examples/prometheus.yml",
    "examples/oauth_cc.yml",
    "examples/apikey.yml",
    "tests/config/login.yml",
];

#[test]
fn blocks_that_stand_elsewhere_too_are_the_same() {
    for path in COPIED {
        holds(path, &format!("```yaml\n{}```\n", file(path)));
    }
}

#[test]
fn nothing_is_shown_that_is_not_tested() {
    // What a reader would copy is a fenced block, and those are files that tests load and run;
    // commands are indented.
    let fences = file("README.md").lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(fences, 2 * COPIED.len());
}

/// The fields of every block and the values of every choice, as errors list them.
fn known_names() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/bad");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder of bad files") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a text");
        for message in text.lines().map_while(|line| line.strip_prefix("# ")) {
            if let Some((wrong, expected)) = message.split_once(", expected ")
                && (wrong.contains("unknown field") || wrong.contains("none of the known values"))
            {
                names.extend(expected.split('`').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }
    names
}

#[test]
fn every_field_and_every_choice_is_told() {
    let readme = file("README.md");
    // A name stands alone, or in a path such as `token.grant`.
    let in_code: BTreeSet<&str> = readme
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .flat_map(|code| {
            let parts = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            parts.chain(std::iter::once(code))
        })
        .collect();
    let names = known_names();
    assert!(names.len() > 70, "{names:?}");
    let untold: Vec<_> = names.iter().filter(|name| !in_code.contains(name.as_str())).collect();
    assert!(untold.is_empty(), "the README does not tell of {untold:?}");
}

#[test]
fn the_error_that_is_shown_is_the_one_that_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = file("examples/oauth_cc.yml");
    let modules = text.split_once("modules:").expect("modules").1;
    std::fs::write(
        folder.path().join("auth_exporter.yml"),
        format!("modules:{}", modules.replace("timeout: 5s\n", "timeout: 5 seconds\n")),
    )
    .expect("a file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_auth_exporter"))
        .arg("--config.check")
        .current_dir(folder.path())
        .env("MONITOR_CLIENT_SECRET", "a-secret-of-this-test")
        .output()
        .expect("the exporter runs");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    let shown = format!("    {told}");
    assert!(told.contains("auth_exporter.yml:4: "), "{told}");
    assert!(file("README.md").contains(&shown), "the README must show:\n{shown}");
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-")
}

#[test]
fn every_link_within_leads_to_a_heading() {
    for name in ["README.md", "alerting-rules/runbooks.md", "alerting-rules/outages.md"] {
        let text = file(name);
        let headings: BTreeSet<String> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| anchor(line.trim_start_matches('#').trim()))
            .collect();
        let links = text.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links {
            assert!(headings.contains(link), "{name}: #{link}");
        }
    }
}
