//! The alerting rules: promtool's word on them and on their tests, that those tests notice a change,
//! and that rules, exporter and runbooks speak of the same things.
//!
//! `tests/install.sh` installs promtool and amtool. A test that misses one of them fails.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking, and shows what it counted"
)]

#[path = "alerting_rules/expression.rs"]
mod expression;
#[path = "alerting_rules/mutation.rs"]
mod mutation;
#[path = "alerting_rules/rule.rs"]
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use auth_exporter::exposition::{CATALOGUE, Kind};
use auth_exporter::report::{FailureReason, StatusIndicator, Warning};
use rule::{alerts, rules, test_files};

/// The folder of the package.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the rules.
fn folder() -> PathBuf {
    root().join("alerting-rules")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a program of a Debian package: whether it succeeded, and what it said.
fn run(program: &str, arguments: &[&str], within: &Path) -> (bool, String) {
    let output = Command::new(program).args(arguments).current_dir(within).output().unwrap_or_else(
        |error| panic!("the program {program} is missing, tests/install.sh installs it: {error}"),
    );
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn promtool_has_nothing_against_the_rules() {
    for file in rule::rule_files() {
        let count = rules().iter().filter(|rule| rule.file == file).count();
        let expected = format!("Checking {file}\n  SUCCESS: {count} rules found\n\n");
        assert_eq!(run("promtool", &["check", "rules", &file], &folder()), (true, expected));
    }
}

#[test]
fn the_tests_of_the_rules_pass() {
    let files = test_files();
    mutation::for_each_in_parallel(&files, |file| {
        let (passed, said) = run("promtool", &["test", "rules", &file.name], &folder());
        assert!(passed, "{said}");
    });
    let count: usize = files.iter().map(|file| file.tests.len()).sum();
    println!("{} alerts, {count} tests of promtool", alerts().len());
    assert!(alerts().len() >= 25, "{} alerts", alerts().len());
    assert!(count >= alerts().len() * KINDS.len(), "{count} tests");
}

/// What is tested of each alert. A flap of what is a security incident is told.
const KINDS: [&[&str]; 5] = [
    &["fires"],
    &["stays quiet"],
    &["waits"],
    &["vanished"],
    &["a single flap", "a single flap is told all the same"],
];

#[test]
fn each_alert_is_tested_in_five_ways() {
    let files = test_files();
    let names: BTreeSet<&str> =
        files.iter().flat_map(|file| &file.tests).map(|test| test.name.as_str()).collect();
    let mut missing = Vec::new();
    for alert in alerts() {
        for kinds in KINDS {
            let tested = |kind: &&str| names.contains(format!("{}: {kind}", alert.name).as_str());
            if !kinds.iter().any(tested) {
                missing.push(format!("{}: {}", alert.name, kinds[0]));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    let count: usize = files.iter().map(|file| file.tests.len()).sum();
    assert_eq!(names.len(), count, "two tests have one name");
}

#[test]
fn each_alert_waits_and_says_how_bad_it_is_and_where_to_read_on() {
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = &alert.name;
        assert!(names.insert(name.clone()), "there are two alerts {name}");
        assert!(["critical", "warning", "info", "none"].contains(&alert.severity()), "{name}");
        // What only keeps other alerts quiet must be there before they are.
        assert_eq!(alert.wait().is_some(), alert.severity() != "none", "`for` of {name}");
        assert!(!alert.annotation("summary").is_empty(), "{name}");
        assert!(!alert.annotation("description").is_empty(), "{name}");
        let page = "https://example.com/auth_exporter/runbooks.md#";
        assert_eq!(alert.annotation("runbook_url"), format!("{page}{}", name.to_lowercase()));
    }
}

#[test]
fn each_summary_names_target_step_and_reason_where_the_alert_has_them() {
    let mut named = 0;
    for test in test_files().iter().flat_map(|file| &file.tests) {
        for (labels, summary) in &test.expected {
            for label in ["module", "target", "step", "reason", "warning", "credential", "name"] {
                if let Some(value) = labels.get(label) {
                    assert!(summary.contains(value), "{}: no {label} in {summary}", test.name);
                    named += 1;
                }
            }
        }
    }
    assert!(named > 100, "{named}");
}

/// What Prometheus adds to series, or recording rules do.
const TARGET_LABELS: [&str; 4] = ["job", "instance", "module", "target"];

/// The labels of each series that rules may ask for.
fn known_series() -> BTreeMap<String, BTreeSet<String>> {
    let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    known.insert("up".to_owned(), BTreeSet::new());
    known.insert("ALERTS".to_owned(), owned(&["alertname", "alertstate", "severity"]));
    for metric in CATALOGUE {
        let suffix = if metric.kind == Kind::Counter { "_total" } else { "" };
        known.insert(format!("{}{suffix}", metric.name), owned(metric.labels));
    }
    // A recording has the labels of what it is made of, and the provider.
    for rule in rules().iter().filter(|rule| !rule.is_alert) {
        let mut labels: BTreeSet<String> = expression::series(&rule.expr)
            .iter()
            .filter_map(|series| known.get(&series.name))
            .flatten()
            .cloned()
            .collect();
        labels.insert("provider".to_owned());
        known.entry(rule.name.clone()).or_default().extend(labels);
    }
    known
}

#[test]
fn every_metric_and_label_is_one_that_the_exporter_has() {
    let known = known_series();
    let all: BTreeSet<&str> =
        known.values().flatten().map(String::as_str).chain(TARGET_LABELS).collect();
    let mut wrong = Vec::new();
    for rule in rules() {
        for series in expression::series(&rule.expr) {
            let Some(labels) = known.get(&series.name) else {
                wrong.push(format!("{}: no metric {}", rule.name, series.name));
                continue;
            };
            for label in series.labels {
                if !labels.contains(&label) && !TARGET_LABELS.contains(&label.as_str()) {
                    wrong.push(format!("{}: {} has no label {label}", rule.name, series.name));
                }
            }
        }
        for label in expression::grouping_labels(&rule.expr) {
            if !all.contains(label.as_str()) {
                wrong.push(format!("{}: nothing has the label {label}", rule.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_rules_say_of_reasons_steps_and_warnings_are_names_that_there_are() {
    let steps = auth_exporter::report::Step::ALL.iter().map(|step| step.as_str());
    let alerts = alerts();
    let names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("reason", FailureReason::ALL.iter().map(|reason| reason.as_str()).collect()),
        ("warning", Warning::ALL.iter().map(|warning| warning.as_str()).collect()),
        ("step", steps.chain(["total"]).collect()),
        ("alertname", alerts.iter().map(|alert| alert.name.as_str()).collect()),
        ("indicator", StatusIndicator::ALL.iter().map(|indicator| indicator.as_str()).collect()),
        (
            "endpoint",
            auth_exporter::report::Endpoint::ALL.iter().map(|endpoint| endpoint.as_str()).collect(),
        ),
    ]);
    let mut found = 0;
    for rule in rules() {
        for (label, value) in expression::matchers(&rule.expr) {
            let Some(names) = names.get(label.as_str()) else { continue };
            for value in value.split('|') {
                found += 1;
                assert!(names.contains(value), "{}: there is no {label} {value}", rule.name);
            }
        }
    }
    assert!(found > 40, "{found}");
}

/// The headings of a page, as anchors.
fn anchors(markdown: &str) -> Vec<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| line.trim_start_matches('#').trim().to_lowercase()).collect()
}

#[test]
fn the_runbooks_have_a_section_for_each_alert_reason_and_warning() {
    let anchors = anchors(&read(&folder().join("runbooks.md")));
    let unique: BTreeSet<&String> = anchors.iter().collect();
    assert_eq!(unique.len(), anchors.len(), "two sections have one name");
    let has = |name: &str| anchors.iter().any(|anchor| anchor == name);
    let alerts = alerts();
    let missing: Vec<String> = alerts
        .iter()
        .map(|alert| alert.name.to_lowercase())
        .chain(FailureReason::ALL.iter().map(|reason| format!("reason {reason}")))
        .chain(Warning::ALL.iter().map(|warning| format!("warning {warning}")))
        .filter(|name| !has(name))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
    // Nothing is told of alerts that are gone.
    let gone: Vec<&String> = anchors
        .iter()
        .filter(|anchor| anchor.starts_with("auth") && !anchor.contains(' '))
        .filter(|anchor| !alerts.iter().any(|alert| alert.name.to_lowercase() == **anchor))
        .collect();
    assert_eq!(gone, Vec::<&String>::new());
}

#[test]
fn the_manifest_of_the_operator_is_made_of_the_rules() {
    let mut expected = String::from(
        "# The rules of alerting-rules/ for the Prometheus Operator. Made of them; do not edit.\n\
         apiVersion: monitoring.coreos.com/v1\n\
         kind: PrometheusRule\n\
         metadata:\n  name: auth-exporter\n  labels: {app.kubernetes.io/name: auth-exporter}\n\
         spec:\n  groups:\n",
    );
    for file in rule::rule_files() {
        let text = read(&folder().join(&file));
        let (_, groups) = text.split_once("groups:\n").expect("groups");
        for line in groups.lines() {
            let indent = if line.is_empty() { "" } else { "  " };
            writeln!(expected, "{indent}{line}").expect("memory");
        }
    }
    let path = root().join("examples/prometheusrule.yml");
    if std::env::var_os("UPDATE_PROMETHEUSRULE").is_some() {
        std::fs::write(&path, &expected).expect("the manifest");
    }
    assert!(
        read(&path) == expected,
        "examples/prometheusrule.yml is not made of the rules: run this test with UPDATE_PROMETHEUSRULE=1"
    );
    let manifest: serde_yaml::Value = serde_yaml::from_str(&expected).expect("YAML");
    let groups = manifest["spec"]["groups"].as_sequence().expect("groups");
    let count: usize =
        groups.iter().map(|group| group["rules"].as_sequence().expect("rules").len()).sum();
    assert_eq!(count, rules().len());
}

/// The example of Alertmanager.
const ALERTMANAGER: &str = "examples/alertmanager.yml";

#[test]
fn amtool_has_nothing_against_the_example_of_alertmanager() {
    let (passed, said) = run("amtool", &["check-config", ALERTMANAGER], root());
    assert!(passed && said.contains("SUCCESS"), "{said}");
}

#[test]
fn alerts_go_to_whom_they_concern() {
    let config = format!("--config.file={ALERTMANAGER}");
    for (labels, receivers) in [
        (&["alertname=AuthTokenEndpointDown", "severity=critical"][..], "page"),
        (&["alertname=AuthPrivateKeyPublished", "severity=critical"], "security,page"),
        (&["alertname=AuthForgerySuspected", "severity=critical"], "security,page"),
        (&["alertname=AuthCredentialExpiring", "severity=warning"], "tickets"),
        (&["alertname=AuthSamlCertificateExpiresIn90Days", "severity=warning"], "tickets"),
        (&["alertname=AuthSamlCertificateExpiresIn7Days", "severity=critical"], "page"),
        (&["alertname=AuthRateLimited", "severity=warning"], "chat"),
        (&["alertname=AuthKeySetChanged", "severity=info"], "chat"),
        (&["alertname=AuthFailureExplained", "severity=none"], "nobody"),
        (&["alertname=AuthFailureExplained6h", "severity=none"], "nobody"),
    ] {
        let receivers = format!("--verify.receivers={receivers}");
        let arguments = ["config", "routes", "test", &config, &receivers];
        let (passed, said) = run("amtool", &[&arguments, labels].concat(), root());
        assert!(passed, "{labels:?} {receivers}: {said}");
    }
}

#[test]
fn what_alertmanager_tells_apart_are_alerts_that_there_are() {
    let config: serde_yaml::Value =
        serde_yaml::from_str(&read(&root().join(ALERTMANAGER))).expect("YAML");
    let alerts = alerts();
    let mut found = 0;
    let mut visit = vec![&config];
    while let Some(value) = visit.pop() {
        match value {
            serde_yaml::Value::Mapping(members) => visit.extend(members.iter().map(|(_, v)| v)),
            serde_yaml::Value::Sequence(items) => visit.extend(items),
            serde_yaml::Value::String(text) => {
                let Some((_, names)) = text.split_once("alertname=") else { continue };
                let names = names.trim_start_matches(['=', '~', '"']).trim_end_matches('"');
                // Alternatives at the top, as each rule has them.
                let pattern = regex::Regex::new(&format!("^(?:{names})$")).expect("a pattern");
                let count = alerts.iter().filter(|alert| pattern.is_match(&alert.name)).count();
                assert!(count > 0, "no alert is {names}");
                let alone = |name: &&str| name.starts_with("Auth") && !name.contains(['(', '.']);
                for name in names.split('|').filter(alone) {
                    assert!(alerts.iter().any(|alert| alert.name == name), "no alert is {name}");
                    found += 1;
                }
            }
            _ => {}
        }
    }
    assert!(found > 30, "{found}");
}

#[test]
fn a_changed_rule_fails_a_test() {
    let result = mutation::run();
    println!("{} mutations, {} noticed", result.count, result.count - result.survivors.len());
    assert!(result.count > 300, "{} mutations", result.count);
    assert_eq!(result.survivors, Vec::<String>::new(), "no test notices");
}
