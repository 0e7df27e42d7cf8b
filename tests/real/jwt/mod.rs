//! `jwt` against servers that issue and judge JWT access tokens.

mod encrypted;
mod grants;
mod must_refuse;
mod rotation;
mod verified;

use serde_json::{Map, Value, json};

use super::blocks::with;
use super::exporter::{Exporter, story};

/// The scope that oidc-provider and the APIs know.
const HEALTH: &str = "monitoring:health";

/// A module of this prober.
fn module(target: &str, block: &Value) -> Value {
    json!({"prober": "jwt", "targets": [target], "jwt": block})
}

/// An exporter with these modules.
fn exporter(modules: impl IntoIterator<Item = (String, Value)>) -> Exporter {
    let modules: Map<String, Value> = modules.into_iter().collect();
    // JSON is YAML.
    Exporter::start(&json!({"modules": modules}).to_string())
}

/// How the client of oidc-provider that needs no secret gets a token for a resource.
fn token_for(resource: &str) -> Value {
    json!({
        "grant": "client_credentials",
        "client": {"id": "public", "auth": "none"},
        "scopes": [HEALTH],
        "resource": resource,
    })
}

/// The checks of the token that were made, in their order; `!` marks those that failed.
fn checks(metrics: &str) -> String {
    marked(metrics, "probe_auth_jwt_check_success{token=\"access_token\",check=\"")
}

/// The bad credentials that were sent; `!` marks those that were not refused.
fn refused(metrics: &str) -> String {
    marked(metrics, "probe_auth_refused{check=\"")
}

fn marked(metrics: &str, start: &str) -> String {
    let checks = metrics.lines().filter_map(|line| line.strip_prefix(start)?.split_once("\"} "));
    let marked = checks.map(|(check, passed)| match passed {
        "1" => check.to_owned(),
        _ => format!("!{check}"),
    });
    marked.collect::<Vec<_>>().join(" ")
}

/// A probe tells this story, makes these checks and sees these bad credentials refused.
fn assert_probe(exporter: &Exporter, module: &str, target: &str, expected: [&str; 3]) {
    let metrics = exporter.probe(module, target);
    let seen = [story(&metrics), checks(&metrics), refused(&metrics)];
    assert_eq!(seen, expected, "{module}\n{metrics}");
    let succeeds = expected[0].split(", ").all(|step| step.ends_with(" ok"));
    assert_eq!(metrics.contains("\nprobe_success 1\n"), succeeds, "{metrics}");
}
