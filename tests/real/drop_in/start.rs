//! Flags, the start, the log and the end.

use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;

use crate::both::Program;
use crate::http::Answer;
use crate::running::Running;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{Exporter, Module, PLAIN};
use super::target::{Target, soon};

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

/// Runs the program to its end.
fn run(program: Program, flags: &[&str]) -> Output {
    program.bare().args(flags).output().expect("a program")
}

/// How it ended, and which of these is in what was printed.
fn said(output: &Output, wanted: &[&str]) -> String {
    let printed = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let printed = String::from_utf8_lossy(&printed);
    let found: Vec<&str> = wanted.iter().copied().filter(|word| printed.contains(word)).collect();
    let ended = if output.status.success() { "fine" } else { "an error" };
    if found.is_empty() {
        ended.to_owned()
    } else {
        format!("{ended}, naming {}", found.join(", "))
    }
}

/// A configuration with a field that there is not.
fn bad(program: Program) -> String {
    Module { fields: "nonsense: 1", ..PLAIN }.configuration(program, CLOSED)
}

/// The flags that a program names in its help.
fn flags(program: Program) -> Vec<String> {
    let output = run(program, &["--help"]);
    let printed = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&printed).into_owned();
    let named = text.split("--").skip(1).map(|rest| {
        rest.chars().take_while(|c| c.is_ascii_lowercase() || "-.".contains(*c)).collect()
    });
    let named = named.map(|flag: String| flag.trim_end_matches('.').to_owned());
    named.filter(|flag| flag.len() > 1 && !flag.starts_with("help")).collect()
}

/// Status and target of a redirect of a path.
fn leads(exporter: &Exporter, path: &str) -> String {
    let answer = exporter.get(path);
    let to = answer.header("location").map(|to| format!(" to {to}"));
    format!("{path} {}{}", answer.status, to.unwrap_or_default())
}

fn paths(program: Program, flags: &[&str], asked: &[&str]) -> String {
    let exporter = PLAIN.start_with(program, CLOSED, flags);
    asked.iter().map(|path| leads(&exporter, path)).collect::<Vec<_>>().join(", ")
}

/// How a start with a bad flag ends.
fn refused(program: Program, flag: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(program.file());
    std::fs::write(&file, PLAIN.configuration(program, CLOSED)).expect("a file");
    let mut command = program.command(folder.path());
    let mut running = Running::start(program.name(), command.arg(flag));
    if running.says("istening") {
        return "it runs".to_owned();
    }
    if running.end().success() { "fine" } else { "an error" }.to_owned()
}

/// What is in the log when one probe has failed.
fn log_of_a_failure(program: Program, flags: &[&str]) -> String {
    let exporter = PLAIN.start_with(program, CLOSED, flags);
    exporter.probe(CLOSED);
    let log = exporter.running.all();
    let failed = log.lines().filter(|line| line.contains("Probe failed")).count();
    format!("{failed} failed")
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "`--version`",
        observe: |program| {
            let output = run(program, &["--version"]);
            said(&output, &[program.name()]).replace(program.name(), "itself")
        },
        expected: Same("fine, naming itself"),
    },
    Row {
        name: "flags of blackbox_exporter that are missing",
        observe: |program| {
            let there = flags(program);
            let mut missing = flags(Program::BlackboxExporter);
            assert!(missing.len() > 10, "{missing:?}");
            missing.retain(|flag| !there.contains(flag));
            if missing.is_empty() { "none".to_owned() } else { missing.join(", ") }
        },
        expected: Same("none"),
    },
    Row {
        name: "the exit status of a bad flag and of a bad configuration",
        observe: |program| {
            let bad = ["--nonsense", "--config.file=/nowhere/file.yml"];
            bad.map(|flag| run(program, &[flag]).status.code().unwrap_or(-1).to_string()).join(", ")
        },
        expected: Differs {
            blackbox: "1, 1",
            ours: "2, 2",
            why: "1 is a failed probe of `auth_exporter probe`",
        },
    },
    Row {
        name: "a flag that there is not",
        observe: |program| said(&run(program, &["--nonsense"]), &["--nonsense"]),
        expected: Same("an error, naming --nonsense"),
    },
    Row {
        name: "a level of the log that there is not",
        observe: |program| said(&run(program, &["--log.level=loud"]), &["loud"]),
        expected: Same("an error, naming loud"),
    },
    Row {
        name: "a configuration that there is not",
        observe: |program| {
            said(&run(program, &["--config.file=/nowhere/file.yml"]), &["/nowhere/file.yml"])
        },
        expected: Same("an error, naming /nowhere/file.yml"),
    },
    Row {
        name: "`--config.check` of a good file",
        observe: |program| {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(program.file());
            std::fs::write(&file, PLAIN.configuration(program, CLOSED)).expect("a file");
            let output = program.command(folder.path()).arg("--config.check").output();
            said(&output.expect("a program"), &[])
        },
        expected: Same("fine"),
    },
    Row {
        name: "`--config.check` of a bad file",
        observe: |program| {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(program.file());
            std::fs::write(&file, bad(program)).expect("a file");
            let output = program.command(folder.path()).arg("--config.check").output();
            said(&output.expect("a program"), &["nonsense"])
        },
        expected: Same("an error, naming nonsense"),
    },
    Row {
        name: "a bad file at the start",
        observe: |program| {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(program.file());
            std::fs::write(&file, bad(program)).expect("a file");
            said(&program.command(folder.path()).output().expect("a program"), &["nonsense"])
        },
        expected: Same("an error, naming nonsense"),
    },
    Row {
        name: "a port that is taken",
        observe: |program| {
            let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = taken.local_addr().expect("an address").to_string();
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(program.file());
            std::fs::write(&file, PLAIN.configuration(program, CLOSED)).expect("a file");
            let mut command = program.bare();
            command.arg(format!("--config.file={}", file.display()));
            command.arg(format!("--web.listen-address={address}"));
            let output = command.output().expect("a program");
            said(&output, &[&address]).replace(&address, "the address")
        },
        expected: Same("an error, naming the address"),
    },
    Row {
        name: "`--web.route-prefix`",
        observe: |program| {
            paths(
                program,
                &["--web.route-prefix=/auth"],
                &["/auth/", "/auth/metrics", "/auth/-/healthy"],
            )
        },
        expected: Same("/auth/ 200, /auth/metrics 200, /auth/-/healthy 200"),
    },
    Row {
        name: "`/` with a prefix",
        observe: |program| {
            let location =
                PLAIN.start_with(program, CLOSED, &["--web.route-prefix=/auth"]).get("/");
            let to = location.header("location").unwrap_or("-");
            let to = if to.starts_with("http") { "the name of the machine" } else { to };
            format!("{} to {to}", location.status)
        },
        expected: Differs {
            blackbox: "302 to the name of the machine",
            ours: "302 to /auth/",
            why: "whatever name leads here stays",
        },
    },
    Row {
        name: "paths outside of the prefix",
        observe: |program| paths(program, &["--web.route-prefix=/auth"], &["/metrics", "/probe"]),
        expected: Same("/metrics 404, /probe 404"),
    },
    Row {
        name: "health outside of the prefix",
        observe: |program| paths(program, &["--web.route-prefix=/auth"], &["/-/healthy"]),
        expected: Same("/-/healthy 404"),
    },
    Row {
        name: "`--web.external-url` with a path",
        observe: |program| {
            paths(
                program,
                &["--web.external-url=https://example.com/auth/"],
                &["/auth/", "/auth/metrics", "/metrics"],
            )
        },
        expected: Same("/auth/ 200, /auth/metrics 200, /metrics 404"),
    },
    Row {
        name: "`/` with such a URL",
        observe: |program| {
            paths(program, &["--web.external-url=https://example.com/auth/"], &["/"])
                .trim_end_matches('/')
                .to_owned()
        },
        expected: Same("/ 302 to https://example.com/auth"),
    },
    Row {
        name: "`--web.external-url` in quotes",
        observe: |program| refused(program, "--web.external-url='https://example.com'"),
        expected: Same("an error"),
    },
    Row {
        name: "`--web.external-url` without a scheme",
        observe: |program| refused(program, "--web.external-url=example.com/auth"),
        expected: Differs {
            blackbox: "it runs",
            ours: "an error",
            why: "service discovery and redirects are made of it",
        },
    },
    Row {
        name: "an empty `--web.external-url` and an empty `--web.route-prefix`",
        observe: |program| {
            paths(program, &["--web.external-url=", "--web.route-prefix="], &["/", "/metrics"])
        },
        expected: Same("/ 200, /metrics 200"),
    },
    Row {
        name: "such a URL and `--web.route-prefix=/`",
        observe: |program| {
            paths(
                program,
                &["--web.external-url=https://example.com/auth/", "--web.route-prefix=/"],
                &["/", "/metrics", "/-/healthy"],
            )
        },
        expected: Same("/ 200, /metrics 200, /-/healthy 200"),
    },
    Row {
        name: "the log as JSON",
        observe: |program| {
            let exporter = PLAIN.start_with(program, CLOSED, &["--log.format=json"]);
            exporter.ask("POST /-/reload", &[]);
            let log = exporter.running.all();
            let all: Vec<Option<Value>> =
                log.lines().map(|line| serde_json::from_str(line).ok()).collect();
            let good = all.iter().flatten().all(|line| line.get("level").is_some());
            format!("{}", !all.is_empty() && all.iter().all(Option::is_some) && good)
        },
        expected: Same("true"),
    },
    Row {
        name: "a failed probe in the log",
        observe: |program| log_of_a_failure(program, &[]),
        expected: Differs {
            blackbox: "0 failed",
            ours: "1 failed",
            why: "with step and reason; newer versions of blackbox_exporter have it as well",
        },
    },
    Row {
        name: "a failed probe in the log of `--log.level=debug`",
        observe: |program| log_of_a_failure(program, &["--log.level=debug"]),
        expected: Same("1 failed"),
    },
    Row {
        name: "a probe that succeeds in the log of `--log.level=debug`",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/");
            let exporter = PLAIN.start_with(program, &url, &["--log.level=debug"]);
            exporter.probe(&url);
            let log = exporter.running.all();
            let told = log.lines().filter(|line| line.contains("Probe succeeded")).count();
            format!("{told} succeeded")
        },
        expected: Differs {
            blackbox: "1 succeeded",
            ours: "0 succeeded",
            why: "`--log.prober=debug` has it, as in newer versions of blackbox_exporter",
        },
    },
    Row {
        name: "`--web.listen-address` twice",
        observe: |program| {
            let mut exporter =
                PLAIN.start_with(program, CLOSED, &["--web.listen-address=127.0.0.2:0"]);
            let both = exporter.running.says("127.0.0.2:");
            format!("{both}, {}", exporter.get("/-/healthy").status)
        },
        expected: Same("true, 200"),
    },
    Row {
        name: "SIGTERM",
        observe: |program| {
            let mut exporter = PLAIN.start(program, CLOSED);
            exporter.running.signal("TERM");
            format!("{}", exporter.running.end())
        },
        expected: Same("exit status: 0"),
    },
    Row {
        name: "SIGINT",
        observe: |program| {
            let mut exporter = PLAIN.start(program, CLOSED);
            exporter.running.signal("INT");
            format!("{}", exporter.running.end())
        },
        expected: Same("exit status: 0"),
    },
    Row {
        name: "a probe that runs at SIGTERM",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/held");
            let exporter = PLAIN.start(program, &url);
            let client = &exporter.client;
            let answer: Option<Answer> = std::thread::scope(|scope| {
                let probe = scope.spawn(|| client.probe_if_answered(&url));
                target.wait_for(1);
                exporter.running.signal("TERM");
                soon(|| !client.is_listening());
                target.release();
                probe.join().expect("a thread")
            });
            answer.map_or_else(|| "no answer".to_owned(), |answer| answer.verdict())
        },
        expected: Differs {
            blackbox: "no answer",
            ours: "200, probe_success 1",
            why: "a restart is no outage of the target",
        },
    },
];
