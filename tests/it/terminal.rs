//! The `probe` subcommand in its other forms, and what the program prints of itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::modules::{configuration, target};
use crate::program::{command, run};
use crate::provider::{Fault, Provider};
use crate::scrape::Answer;

fn written(provider: &Provider) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration(provider)).unwrap();
    (folder, file)
}

fn probe(file: &Path, target: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut arguments = vec!["probe", "asserted", target, "--config.file", text(file)];
    arguments.extend(more);
    let output = run(&arguments, &BTreeMap::new());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn story(metrics: &str) -> String {
    let body = metrics.as_bytes().to_vec();
    Answer { status: 200, head: String::new(), body }.metrics().story()
}

/// Numbers that differ from run to run, as 0 when there are any.
fn without_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name.ends_with("_seconds") && member.as_f64().is_some_and(|time| time > 0.0) {
                    *member = json!(0);
                } else {
                    without_times(member);
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(without_times),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_says_what_the_table_says() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&provider);
    let target = target(&provider, "asserted");
    provider.switch_on(Fault::TokenRefusesClient);
    let (code, printed) = probe(&file, &target, &["--format", "json"]);
    assert_eq!(code, Some(1));
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let mut report: Value = serde_json::from_str(&printed).unwrap();
    without_times(&mut report);
    let events = report.as_object_mut().unwrap().remove("story").unwrap();
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!(last["step"], "token", "{events}");
    assert_eq!(last["at_seconds"], 0, "{events}");
    assert_eq!(
        last["text"],
        "FAILED, invalid_client: status 401, error invalid_client: the secret has expired",
        "{events}"
    );
    let expected = json!({
        "module": "asserted",
        "prober": "oauth_cc",
        "provider": report["provider"],
        "target": target,
        "success": false,
        "failure": {"step": "token", "reason": "invalid_client"},
        "started_timestamp_seconds": 0,
        "duration_seconds": 0,
        "timeout_seconds": 0,
        "steps": [
            {
                "step": "discovery", "result": "success", "duration_seconds": 0,
                "http_status_code": 200, "failure": null, "warnings": []
            },
            {
                "step": "token", "result": "failure", "duration_seconds": 0, "http_status_code": 401,
                "failure": {
                    "reason": "invalid_client",
                    "detail": "status 401, error invalid_client: the secret has expired",
                    "meaning": "The provider refused the client's credential (RFC 6749 §5.2).",
                    "advice": "Check client id, secret and `client.auth`; the secret may have been rotated or expired."
                },
                "warnings": []
            }
        ]
    });
    assert_eq!(report, expected);
    provider.switch_off(Fault::TokenRefusesClient);
    let (code, printed) = probe(&file, &target, &["--format=json"]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (code, &report["success"], &report["failure"]),
        (Some(0), &json!(true), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_is_what_a_scrape_gets() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&provider);
    let target = target(&provider, "asserted");
    for (fault, code, expected) in [
        (None, 0, "discovery ok, token ok"),
        (Some(Fault::TokenRefusesClient), 1, "discovery ok, token invalid_client"),
    ] {
        if let Some(fault) = fault {
            provider.switch_on(fault);
        }
        let (exited, printed) = probe(&file, &target, &["--format", "prometheus"]);
        assert!(printed.starts_with("# HELP probe_success "), "{printed}");
        assert_eq!((exited, story(&printed).as_str()), (Some(code), expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_goes_on_until_it_is_interrupted_and_tells_of_the_last_probe() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&provider);
    let target = target(&provider, "asserted");
    let arguments = [
        "probe",
        "asserted",
        &target,
        "--config.file",
        text(&file),
        "--watch=0.01",
        "--format",
        "json",
    ];
    let mut watching =
        command(&arguments, &BTreeMap::new()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["success"], true);
    assert_eq!(next()["success"], true);
    provider.switch_on(Fault::TokenRefusesClient);
    while next()["success"] == true {}
    let kill = format!("kill -INT {}", watching.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    // What it printed meanwhile.
    while lines.next().is_some() {}
    assert_eq!(watching.wait().unwrap().code(), Some(1));
}

#[test]
fn what_cannot_be_printed_is_told_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    let module = "{prober: oauth_cc, targets: ['http://127.0.0.1:1/'], oauth_cc: {client: {id: x, auth: none}}}";
    std::fs::write(&file, format!("modules: {{m: {module}}}")).unwrap();
    let flag = format!("--config.file={}", text(&file));
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let probe = |format| ["probe", "m", "http://127.0.0.1:1/", &flag, "--format", format].to_vec();
    for arguments in [
        probe("text"),
        probe("json"),
        probe("prometheus"),
        vec!["--config.check", &flag],
        vec!["man"],
        vec!["completions", "bash"],
        vec!["--help"],
        vec!["--version"],
    ] {
        let run = |stdout: Stdio| {
            let mut command = command(&arguments, &BTreeMap::new());
            let running = command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
            let output = running.wait_with_output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let told = "cannot write to standard output: No space left on device (os error 28)\n";
        assert_eq!(run(full().into()), (Some(2), told.to_owned()), "{arguments:?}");
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run(closed.into()), (Some(2), String::new()), "{arguments:?}");
    }
    let missing = "--config.file=/nowhere/auth_exporter.yml";
    for arguments in [vec!["--no.such-flag"], vec![missing], vec!["probe", "x", "x", &flag]] {
        let status = command(&arguments, &BTreeMap::new()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn warnings_of_other_modules_are_none_of_this_probe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    let module =
        "{prober: apikey, targets: ['http://127.0.0.1:1/'], apikey: {key: short, name: X}}";
    std::fs::write(&file, format!("modules: {{first: {module}, second: {module}}}")).unwrap();
    let arguments = ["probe", "second", "http://127.0.0.1:1/", "--config.file", text(&file)];
    let told = String::from_utf8(run(&arguments, &BTreeMap::new()).stderr).unwrap();
    assert!(told.contains("modules.second: holds a secret shorter"), "{told}");
    assert!(!told.contains("modules.first"), "{told}");
}

/// `script` of Debian's essential bsdutils gives it a terminal.
#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_whose_owner_wants_them() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&provider);
    let target = target(&provider, "asserted");
    let program = env!("CARGO_BIN_EXE_auth_exporter");
    let probe = format!("'{program}' probe asserted '{target}' --config.file '{}'", text(&file));
    let run = |in_terminal: bool, term: &str, no_color: Option<&str>| {
        let mut command = if in_terminal {
            let mut command = Command::new("script");
            command.args(["-qec", &probe, "/dev/null"]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &probe]);
            command
        };
        command.env_remove("NO_COLOR").env("TERM", term).stdin(Stdio::null());
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.output().expect("the program script of bsdutils");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains("Probe "), "{printed}");
        printed.contains("\x1b[32mok          \x1b[0m")
    };
    for (in_terminal, term, no_color, coloured) in [
        (true, "xterm", None, true),
        (true, "xterm", Some(""), true),
        (true, "xterm", Some("1"), false),
        (true, "dumb", None, false),
        (false, "xterm", None, false),
    ] {
        let case = format!("{in_terminal} {term} {no_color:?}");
        assert_eq!(run(in_terminal, term, no_color), coloured, "{case}");
    }
}

#[test]
fn shells_and_the_manual_know_every_flag() {
    use clap::CommandFactory;
    let printed = |arguments: &[&str]| {
        let output = run(arguments, &BTreeMap::new());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let manual = printed(&["man"]).replace("\\-", "-");
    let completions = ["bash", "zsh", "fish"].map(|shell| printed(&["completions", shell]));
    let command = auth_exporter::cli::Cli::command();
    let probe = command.find_subcommand("probe").unwrap();
    let flags = command.get_arguments().chain(probe.get_arguments());
    for flag in flags.filter_map(|argument| argument.get_long()) {
        assert!(manual.contains(&format!("--{flag}")), "{flag} in the manual");
        for completed in &completions {
            assert!(completed.contains(flag), "{flag} in\n{completed}");
        }
    }
    // There is one page.
    assert!(manual.contains("Usage: auth_exporter probe [OPTIONS] <MODULE> <TARGET>"), "{manual}");
    assert!(!manual.contains("(8)"), "{manual}");
}
