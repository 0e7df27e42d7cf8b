//! Every file of `examples/` is loaded as it stands, and every module of it is run against each
//! of its targets, with a server on loopback in the place of all hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use auth_exporter::config::{Config, Surroundings};
use auth_exporter::modules::PROBERS;
use auth_exporter::net::SystemRoots;
use regex::Regex;

use crate::program::{Ended, check, here, repository, run, yaml_files};
use crate::stub::{Received, Stub};

/// What a configuration of the documentation needs from its surroundings.
pub(crate) struct Setting {
    folder: tempfile::TempDir,
    /// The text, with files of this machine in the place of those that it names.
    pub(crate) text: String,
    variables: BTreeMap<String, String>,
    /// Values of variables and secret files.
    secrets: Vec<String>,
}

impl Setting {
    /// Sets the variables and makes the files that the text names.
    pub(crate) fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let names = |pattern: &str| -> BTreeSet<String> {
            let pattern = Regex::new(pattern).unwrap();
            pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
        };
        let variables: BTreeMap<String, String> = names(r"\$\{([A-Z0-9_]+)\}")
            .into_iter()
            .map(|name| (name.clone(), format!("value-of-{}", name.to_lowercase())))
            .collect();
        let mut secrets: Vec<String> = variables.values().cloned().collect();
        for name in names(r"/run/secrets/([a-z-]+)") {
            let secret = format!("content-of-{name}");
            std::fs::write(folder.path().join(&name), format!("{secret}\n")).unwrap();
            secrets.push(secret);
        }
        let text = text
            .replace("/run/secrets/", &format!("{path}/"))
            .replace("/etc/auth_exporter/ca.pem", &format!("{}/files/ca.pem", here().display()));
        Self { folder, text, variables, secrets }
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What `--config.check` says of the text.
    pub(crate) fn check(&self) -> Ended {
        std::fs::write(self.path().join("config.yml"), &self.text).unwrap();
        check(self.path(), "config.yml", &self.environment())
    }

    /// Modules and their listed targets.
    fn targets(&self, text: &str) -> Vec<(String, Vec<String>)> {
        let lookup = |name: &str| self.variables.get(name).cloned();
        let roots = SystemRoots::load();
        let surroundings = Surroundings { environment: &lookup, probers: PROBERS, roots: &roots };
        let config = Config::load(text, &surroundings).expect("the example loads");
        let listed = config.modules.values().map(|module| {
            let listed = module.targets.listed.iter();
            (module.name.clone(), listed.map(|listed| listed.target.as_str().to_owned()).collect())
        });
        listed.collect()
    }
}

/// A server on loopback for every https host of a text.
struct Hosts(BTreeMap<String, Stub>);

impl Hosts {
    fn of(text: &str, credentials: &[String]) -> Self {
        let hosts: BTreeSet<String> =
            host().find_iter(text).map(|found| found.as_str().to_owned()).collect();
        let start = |host: String| (host, Stub::start(credentials.to_vec()));
        Self(hosts.into_iter().map(start).collect())
    }

    /// The text with the servers in the place of the hosts. The values of `audience` and
    /// `resource` stay: they are names and no addresses.
    fn moved(&self, text: &str) -> String {
        let line = |line: &str| {
            let field = line.trim_start();
            if ["audience:", "resource:", "#"].iter().any(|start| field.starts_with(start)) {
                return line.to_owned();
            }
            let origin = |found: &regex::Captures<'_>| self.0[&found[0]].origin().to_owned();
            host().replace_all(line, origin).into_owned()
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What all of them received since the last call.
    fn take_received(&self) -> Vec<Received> {
        self.0.values().flat_map(Stub::take_received).collect()
    }
}

fn host() -> Regex {
    Regex::new(r"https://[a-z0-9.-]+").unwrap()
}

/// Runs every module against every target of it, and returns what the servers received.
pub(crate) fn run_all(name: &str, text: &str) -> BTreeMap<String, Vec<Received>> {
    let setting = Setting::of(text);
    let ended = setting.check();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}: {ended:?}");
    let hosts = Hosts::of(&setting.text, &setting.secrets);
    let moved = hosts.moved(&setting.text);
    std::fs::write(setting.path().join("moved.yml"), &moved).unwrap();
    let mut received = BTreeMap::new();
    for (module, targets) in setting.targets(&moved) {
        assert!(!targets.is_empty(), "{name}: module {module} has no target to run");
        for target in targets {
            for stub in hosts.0.values().filter(|stub| target.starts_with(stub.origin())) {
                stub.issue_for(target.clone());
            }
            let arguments =
                ["--config.file=moved.yml", "--log.level=error", "probe", &module, &target];
            let ended = run(setting.path(), &arguments, &setting.environment());
            let fine = ended.code == Some(0)
                && ended.stdout.contains("Probe succeeded")
                && !ended.stdout.contains("warning");
            assert!(fine, "{name}: {module}\n{}{}", ended.stdout, ended.stderr);
        }
        received.insert(module, hosts.take_received());
    }
    received
}

#[test]
fn every_example_loads_and_runs() {
    let folder = repository().join("examples");
    let files = yaml_files(&folder);
    // Prometheus's own configuration is checked elsewhere.
    let files: Vec<&String> = files.iter().filter(|name| *name != "prometheus.yml").collect();
    assert!(files.len() >= 6, "{} examples", files.len());
    for name in files {
        run_all(name, &std::fs::read_to_string(folder.join(name)).unwrap());
    }
}

/// The form that the only module of an example sends to the token endpoint, and whether the
/// client proves itself with Basic.
fn token_request(name: &str) -> (String, bool) {
    let text = std::fs::read_to_string(repository().join("examples").join(name)).unwrap();
    let received = run_all(name, &text);
    let request = received
        .values()
        .flatten()
        .find(|request| request.method == "POST" && request.path == "/token")
        .expect("a token request");
    let basic = request.header("authorization").is_some_and(|value| value.starts_with("Basic "));
    (request.body.clone(), basic)
}

#[test]
fn the_providers_are_asked_in_their_own_way() {
    for (name, form, basic) in [
        (
            "auth0.yml",
            "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com&client_id=value-of-auth0_client_id&client_secret=value-of-auth0_client_secret",
            false,
        ),
        ("okta.yml", "grant_type=client_credentials&scope=monitoring", true),
        ("keycloak.yml", "grant_type=client_credentials", true),
        (
            "entra.yml",
            "grant_type=client_credentials&scope=api%3A%2F%2F66666666-7777-8888-9999-000000000000%2F.default&client_id=value-of-entra_client_id&client_secret=value-of-entra_client_secret",
            false,
        ),
    ] {
        assert_eq!(token_request(name), (form.to_owned(), basic), "{name}");
    }
}

#[test]
fn a_stub_that_knows_no_secret_fails_the_examples() {
    // So that the tests above cannot pass against a server that takes anything.
    let setting = Setting::of(
        "modules:\n  m:\n    prober: apikey\n    targets: [https://api.example.com]\n    apikey: {key: \"${API_KEY}\", in: bearer}\n",
    );
    let hosts = Hosts::of(&setting.text, &[]);
    let moved = hosts.moved(&setting.text);
    std::fs::write(setting.path().join("moved.yml"), &moved).unwrap();
    let (module, targets) = setting.targets(&moved).remove(0);
    let arguments = ["--config.file=moved.yml", "probe", &module, &targets[0]];
    let ended = run(setting.path(), &arguments, &setting.environment());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("http_4xx"), "{ended:?}");
}

#[test]
fn an_api_key_goes_where_the_example_says() {
    let text = std::fs::read_to_string(repository().join("examples/apikey.yml")).unwrap();
    let received = run_all("apikey.yml", &text);
    let seen = |module: &str, header: &str| {
        let request = &received[module][0];
        let header = request.header(header).unwrap_or_default();
        format!("{} {} {header}", request.method, request.path)
    };
    assert_eq!(seen("header", "x-api-key"), "GET /v1/account content-of-api-key");
    assert_eq!(seen("bearer", "authorization"), "GET /v1/account Bearer value-of-api_key");
    assert_eq!(
        seen("authorization_with_another_scheme", "authorization"),
        "GET /v1/account Token value-of-api_key"
    );
    // "value-of-api_key:" in base64.
    assert_eq!(seen("basic", "authorization"), "GET /v1/account Basic dmFsdWUtb2YtYXBpX2tleTo=");
    assert_eq!(seen("query", "authorization"), "GET /v1/account?api_key=value-of-api_key ");
    assert_eq!(seen("cookie", "cookie"), "POST /v1/search session=value-of-api_key");
    assert_eq!(received["cookie"][0].body, r#"{"query": "health", "limit": 1}"#);
    // The good key, none, and a wrong one.
    let keys = received["header"].iter().map(|request| request.header("x-api-key"));
    let keys: Vec<_> = keys.collect();
    assert_eq!(keys[..2], [Some("content-of-api-key"), None]);
    let wrong = keys[2].unwrap();
    assert_eq!(wrong.len(), "content-of-api-key".len());
    assert_ne!(wrong, "content-of-api-key");
}
