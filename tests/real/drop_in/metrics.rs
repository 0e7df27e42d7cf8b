//! Names and values of metrics that dashboards and rules are written for.

use std::collections::BTreeSet;

use crate::both::Program;
use crate::http::Answer;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::PLAIN;
use super::target::Target;
use super::tls::Site;

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

/// What `blackbox_exporter` says of a call over TLS.
const OF_A_CALL: [&str; 18] = [
    "probe_dns_lookup_time_seconds",
    "probe_duration_seconds",
    "probe_failed_due_to_regex",
    "probe_http_content_length",
    "probe_http_duration_seconds",
    "probe_http_last_modified_timestamp_seconds",
    "probe_http_redirects",
    "probe_http_ssl",
    "probe_http_status_code",
    "probe_http_uncompressed_body_length",
    "probe_http_version",
    "probe_ip_addr_hash",
    "probe_ip_protocol",
    "probe_ssl_earliest_cert_expiry",
    "probe_ssl_last_chain_expiry_timestamp_seconds",
    "probe_ssl_last_chain_info",
    "probe_success",
    "probe_tls_version_info",
];

/// Those of them that need an answer, and that one which is about its body.
const OF_AN_ANSWER: [&str; 2] =
    ["probe_failed_due_to_regex", "probe_http_last_modified_timestamp_seconds"];

/// Names of metrics with their types.
fn types(answer: &Answer) -> Vec<(String, String)> {
    let text = answer.text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

fn missing(answer: &Answer, wanted: &[&str]) -> String {
    let names: BTreeSet<String> = types(answer).into_iter().map(|(name, _)| name).collect();
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !names.contains(*name)).collect();
    if missing.is_empty() { "none".to_owned() } else { missing.join(", ") }
}

/// The metrics of a call that the target answers.
fn answered(program: Program, path: &str) -> Answer {
    let target = Target::start();
    PLAIN.probe(program, &target.url(path))
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "metrics of blackbox_exporter that a call over TLS lacks",
        observe: |program| {
            let answer = Site::new().trusted(program);
            missing(&answer, &OF_A_CALL)
        },
        expected: Differs {
            blackbox: "none",
            ours: "probe_failed_due_to_regex, probe_http_last_modified_timestamp_seconds",
            why: "`probe_auth_assertion_success` says which assertion failed",
        },
    },
    Row {
        name: "metrics that a call lacks which nobody answers",
        observe: |program| {
            let answer = PLAIN.probe(program, CLOSED);
            let of_tls =
                |name: &&str| name.starts_with("probe_ssl") || name.starts_with("probe_tls");
            let wanted: Vec<&str> = OF_A_CALL
                .iter()
                .copied()
                .filter(|name| !of_tls(name) && !OF_AN_ANSWER.contains(name))
                .collect();
            missing(&answer, &wanted)
        },
        expected: Same("none"),
    },
    Row {
        name: "help and type of the metrics of a probe",
        observe: |program| {
            let answer = answered(program, "/");
            let text = answer.text();
            let types = types(&answer);
            let helped = types.iter().all(|(name, _)| text.contains(&format!("# HELP {name} ")));
            let kinds: BTreeSet<&str> = types.iter().map(|(_, kind)| kind.as_str()).collect();
            format!("all helped {helped}, types {kinds:?}")
        },
        expected: Same("all helped true, types {\"gauge\"}"),
    },
    Row {
        name: "phases of `probe_http_duration_seconds`",
        observe: |program| {
            let text = answered(program, "/").text();
            let phases: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("probe_http_duration_seconds{phase=\""))
                .filter_map(|rest| rest.split('"').next())
                .collect();
            let sorted: BTreeSet<&str> = phases.iter().copied().collect();
            format!("{sorted:?}")
        },
        expected: Same("{\"connect\", \"processing\", \"resolve\", \"tls\", \"transfer\"}"),
    },
    Row {
        name: "what a call over plain HTTP shows",
        observe: |program| {
            answered(program, "/").values(&[
                "probe_http_status_code",
                "probe_http_version",
                "probe_http_ssl",
                "probe_http_redirects",
                "probe_ip_protocol",
            ])
        },
        expected: Same(
            "probe_http_status_code 200, probe_http_version 1.1, probe_http_ssl 0, \
             probe_http_redirects 0, probe_ip_protocol 4",
        ),
    },
    Row {
        name: "what a call shows that nobody answers",
        observe: |program| {
            PLAIN.probe(program, CLOSED).values(&[
                "probe_http_status_code",
                "probe_http_version",
                "probe_http_ssl",
                "probe_http_content_length",
                "probe_http_uncompressed_body_length",
                "probe_ip_protocol",
            ])
        },
        expected: Same(
            "probe_http_status_code 0, probe_http_version 0, probe_http_ssl 0, \
             probe_http_content_length 0, probe_http_uncompressed_body_length 0, probe_ip_protocol 4",
        ),
    },
    Row {
        name: "lengths of a body",
        observe: |program| {
            answered(program, "/bytes/100")
                .values(&["probe_http_content_length", "probe_http_uncompressed_body_length"])
        },
        expected: Same("probe_http_content_length 100, probe_http_uncompressed_body_length 100"),
    },
    Row {
        name: "lengths of a body in chunks",
        observe: |program| {
            answered(program, "/chunked")
                .values(&["probe_http_content_length", "probe_http_uncompressed_body_length"])
        },
        expected: Same("probe_http_content_length -1, probe_http_uncompressed_body_length 6"),
    },
    Row {
        name: "the duration of a probe",
        observe: |program| {
            let seconds: f64 = answered(program, "/slow")
                .value("probe_duration_seconds")
                .parse()
                .expect("a number");
            if (0.5..5.0).contains(&seconds) { "seconds".to_owned() } else { seconds.to_string() }
        },
        expected: Same("seconds"),
    },
    Row {
        name: "the hash of an address, twice",
        observe: |program| {
            let target = Target::start();
            let exporter = PLAIN.start(program, &target.url("/"));
            let hash = || exporter.probe(&target.url("/")).value("probe_ip_addr_hash");
            let first = hash();
            format!("equal {}, zero {}", first == hash(), first == "0")
        },
        expected: Same("equal true, zero false"),
    },
    Row {
        name: "`…_exporter_build_info`",
        observe: |program| {
            let metric = format!("{}_build_info", program.name());
            let labels = PLAIN.start(program, CLOSED).get("/metrics").labels(&metric);
            let version = labels.iter().find(|(name, _)| name == "version").map(|(_, value)| value);
            let written = program.bare().arg("--version").output().expect("a program").stdout;
            let written = String::from_utf8(written).expect("UTF-8");
            format!("{}", version.is_some_and(|version| written.contains(version)))
        },
        expected: Same("true"),
    },
    Row {
        name: "`…_exporter_config_last_reload_successful`",
        observe: |program| PLAIN.start(program, CLOSED).own("config_last_reload_successful"),
        expected: Same("1"),
    },
    Row {
        name: "`…_exporter_config_last_reload_success_timestamp_seconds`",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            let seconds: f64 = exporter
                .own("config_last_reload_success_timestamp_seconds")
                .parse()
                .expect("a number");
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let age = now.expect("a time").as_secs_f64() - seconds;
            if (-2.0..60.0).contains(&age) { "now".to_owned() } else { seconds.to_string() }
        },
        expected: Same("now"),
    },
    Row {
        name: "the counter of unknown modules",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            for _ in 0..2 {
                exporter.get("/probe?module=x&target=y");
            }
            let metrics = exporter.get("/metrics").text();
            let line = metrics
                .lines()
                .find(|line| !line.starts_with('#') && line.contains("module_unknown_total "));
            line.unwrap_or("-").trim_end_matches(".0").to_owned()
        },
        expected: Differs {
            blackbox: "blackbox_module_unknown_total 2",
            ours: "auth_exporter_module_unknown_total 2",
            why: "its metrics are named after the exporter",
        },
    },
    Row {
        name: "metrics of the process that are missing",
        observe: |program| {
            let answer = PLAIN.start(program, CLOSED).get("/metrics");
            missing(
                &answer,
                &[
                    "process_cpu_seconds_total",
                    "process_max_fds",
                    "process_open_fds",
                    "process_resident_memory_bytes",
                    "process_start_time_seconds",
                    "process_virtual_memory_bytes",
                ],
            )
        },
        expected: Same("none"),
    },
    Row {
        name: "`go_goroutines`",
        observe: |program| {
            let text = PLAIN.start(program, CLOSED).get("/metrics").text();
            if text.contains("\ngo_goroutines ") { "there" } else { "missing" }.to_owned()
        },
        expected: Differs { blackbox: "there", ours: "missing", why: "it is written in Rust" },
    },
];
