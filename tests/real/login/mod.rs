//! `oauth_authcode` against servers that people log in to.

mod canaille;
mod django_allauth;
mod django_oauth_toolkit;
mod lemonldap_ng;
pub(crate) mod oidc_provider;

use std::path::PathBuf;
use std::process::Command;

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::blocks::with;
use super::exporter::{Exporter, story};
use super::installed;
use super::requests::{self, Seen};
use super::running::Running;

/// RFC 6749 §2.3.1 encodes most of its characters before Basic.
const SECRET: &str = r#"s+cr%t/u &:"=<x>"#;
/// For servers that take what Basic encodes as it comes.
const PLAIN_SECRET: &str = "secret-of-the-client";
/// Forms encode most of its characters.
const PASSWORD: &str = "p ä+ss&w%rd=";
const CALLBACK: &str = "https://app.example/callback";

/// A server of one of these kinds.
pub(crate) struct Server {
    pub(crate) origin: String,
    folder: TempDir,
    _running: Running,
}

#[derive(Deserialize)]
struct Origins {
    http: String,
}

impl Server {
    /// One of a program in `node`.
    pub(crate) fn node(name: &'static str, program: &str, settings: Value) -> Self {
        let mut command = installed::node();
        command.args(["--input-type=module", "--eval", program]);
        Self::run(name, command, settings)
    }

    /// One of a module in `python`, with a new key to sign with.
    pub(crate) fn python(module: &'static str, settings: Value) -> Self {
        let mut command = installed::python();
        command
            .current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["-m", module]);
        Self::run(module, command, settings)
    }

    /// One of a program in `perl`.
    pub(crate) fn perl(program: &str, settings: Value) -> Self {
        let mut command = installed::perl();
        command.args(["-e", program]);
        Self::run("LemonLDAP::NG", command, settings)
    }

    fn run(name: &'static str, mut command: Command, mut settings: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        settings["folder"] = json!(folder.path());
        let mut running = Running::start(name, command.arg(settings.to_string()));
        let origins: Origins = running.wait_for("origin", |line| serde_json::from_str(line).ok());
        Self { origin: origins.http, folder, _running: running }
    }

    /// The one-time codes that it was sent in a field of its forms, which are so many.
    fn codes(&self, field: &str, count: usize) -> Vec<String> {
        let codes: Vec<String> = self
            .requests(1)
            .iter()
            .flat_map(|seen| seen.form(field))
            .filter(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()))
            .collect();
        assert_eq!(codes.len(), count, "{codes:?}");
        codes
    }

    /// What it was asked by now, at least so many requests.
    fn requests(&self, count: usize) -> Vec<Seen> {
        requests::read(&self.folder.path().join("requests"), count)
    }
}

/// A new key in PEM.
fn signing_key() -> String {
    KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a new key").serialize_pem()
}

/// A block that logs this person in and tries all that comes after it.
pub(crate) fn block(username: &str) -> Value {
    json!({
        "client": {"id": "app", "auth": "client_secret_basic", "secret": SECRET},
        "redirect_uri": CALLBACK,
        "scopes": ["openid", "profile"],
        "login": {"username": username, "password": PASSWORD, "consent": "accept"},
        "validate": {"algorithms": ["RS256"], "required_claims": ["sub", "iat", "exp"]},
        "userinfo": true,
        "refresh": true,
        "introspect": true,
        "replay_code": true,
        "revoke": true,
        "logout": true,
    })
}

/// A module and what its probes tell.
struct Row {
    /// What is special about it.
    name: &'static str,
    block: Value,
    /// Each step of a probe and how it ended, and where the password was sent in it.
    probes: Vec<(String, &'static [&'static str])>,
}

fn row<const N: usize>(
    name: &'static str,
    block: Value,
    probes: [(String, &'static [&'static str]); N],
) -> Row {
    Row { name, block, probes: probes.into() }
}

/// The story of a probe whose steps up to the failed one are told, and the others not reached.
fn stopped(green: &str, reached: &str) -> String {
    let count = reached.split(", ").count();
    let others = green.split(", ").skip(count).filter_map(|step| step.split(' ').next());
    others.fold(reached.to_owned(), |story, step| format!("{story}, {step} -"))
}

/// An exporter with these modules.
fn exporter<'a>(target: &str, blocks: impl IntoIterator<Item = (&'a str, Value)>) -> Exporter {
    let modules = blocks.into_iter().map(|(name, block)| {
        let module = json!({
            "prober": "oauth_authcode",
            // Long enough for the next one-time code.
            "timeout": "50s",
            "targets": [target],
            "oauth_authcode": block,
        });
        (name.to_owned(), module)
    });
    let modules: Map<String, Value> = modules.collect();
    // JSON is YAML.
    Exporter::start(&json!({"modules": modules}).to_string())
}

/// Each probe has its story, and sends the password where that says and nowhere else.
fn each_has_its_story(server: &Server, rows: &[Row]) -> Exporter {
    let blocks = rows.iter().map(|row| (row.name, row.block.clone()));
    let exporter = exporter(&server.origin, blocks);
    let mut before = 0;
    for Row { name, block, probes } in rows {
        let password = block["login"]["password"].as_str().expect("a password");
        for (expected, sent) in probes {
            let metrics = exporter.probe(name, &server.origin);
            let requests = server.requests(before + 1);
            let with_password = requests.iter().skip(before).filter(|seen| seen.holds(password));
            let at: Vec<String> = with_password.map(|seen| without_id(&seen.request)).collect();
            before = requests.len();
            assert_eq!(
                (story(&metrics), at),
                (expected.clone(), strings(sent)),
                "{name}\n{metrics}"
            );
            let succeeds = !metrics.contains("probe_auth_failure_info{");
            assert_eq!(metrics.contains("\nprobe_success 1\n"), succeeds, "{metrics}");
        }
    }
    exporter
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A request without the name of the interaction in its path.
fn without_id(request: &str) -> String {
    match request.split_once("/interaction/") {
        Some((method, _)) => format!("{method}/interaction/…"),
        None => request.to_owned(),
    }
}

/// A server that is gone.
fn assert_stopped(server: Server, exporter: &Exporter, module: &str) {
    let target = server.origin.clone();
    drop(server);
    let metrics = exporter.probe(module, &target);
    let story = story(&metrics);
    let (first, others) = story.split_once(", ").expect("several steps");
    assert_eq!(first, "discovery connection_refused", "{metrics}");
    assert!(others.split(", ").all(|step| step.ends_with(" -")), "{story}");
}
