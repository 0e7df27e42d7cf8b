//! Files that must be taken: what a strict reader may not be strict about.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use auth_exporter::config::{Config, ConfigStore, Surroundings};
use auth_exporter::exposition::CATALOGUE;
use auth_exporter::modules::PROBERS;
use auth_exporter::net::SystemRoots;
use auth_exporter::probe::Module;

use crate::program::{Ended, check, here, leading_comment, run, yaml_files};

const ENVIRONMENT: [(&str, &str); 7] = [
    ("ADMIN_TOKEN", "token-of-an-administrator"),
    ("CANARY", "canary-from-the-environment"),
    ("ENVIRONMENT", "production"),
    ("HOST", "api.example.com"),
    ("MONITOR_CLIENT_ID", "monitoring"),
    ("MONITOR_CLIENT_SECRET", "secret-of-the-monitor"),
    ("PROVIDER", "example"),
];

#[test]
fn every_good_file_is_taken() {
    let files = yaml_files(&here().join("good"));
    assert!(files.len() >= 10, "{} good files", files.len());
    let mut wrong = String::new();
    for name in files {
        let file = format!("good/{name}");
        let text = std::fs::read_to_string(here().join(&file)).unwrap();
        let ended = check(&here(), &file, &ENVIRONMENT);
        let expected =
            Ended { code: Some(0), stdout: leading_comment(&text), stderr: String::new() };
        if ended != expected {
            write!(wrong, "{file}\n  expected {expected:?}\n  found    {ended:?}\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn load(text: &str) -> Config {
    let lookup = |name: &str| {
        let found = ENVIRONMENT.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned()).ok_or(std::env::VarError::NotPresent)
    };
    let roots = SystemRoots::default();
    let surroundings =
        Surroundings { environment: &lookup, probers: PROBERS, roots: &roots, networks: None };
    Config::load(text, &surroundings).expect("a good configuration")
}

fn good(name: &str) -> Config {
    let text = std::fs::read_to_string(here().join("good").join(name)).unwrap();
    load(&text.replace("files/", &format!("{}/files/", here().display())))
}

fn listed(module: &Module) -> Vec<&str> {
    module.targets.listed().iter().map(|listed| &*listed.target).collect()
}

#[test]
fn durations_mean_what_they_mean_to_prometheus() {
    let config = good("durations.yml");
    let long = &config.modules["long"];
    assert_eq!(long.timeout, Some(Duration::from_secs(90)));
    let limits: Vec<_> =
        long.thresholds.steps.iter().map(|(step, limit)| (step.as_str(), *limit)).collect();
    assert_eq!(
        limits,
        [("discovery", Duration::from_millis(500)), ("token", Duration::from_millis(1500))]
    );
    assert_eq!(long.thresholds.total, Some(Duration::from_millis(3_723_004)));
    assert_eq!(config.modules["longer"].timeout, Some(Duration::from_secs((365 + 14 + 3) * 86400)));
}

#[test]
fn anchors_and_merge_keys_mean_what_they_mean_to_yaml() {
    let config = good("anchors.yml");
    let seconds = |name: &str| config.modules[name].timeout.map(|timeout| timeout.as_secs());
    assert_eq!(["first", "second", "third", "fourth"].map(seconds), [5, 5, 7, 7].map(Some));
    let fourth: &Arc<Module> = &config.modules["fourth"];
    assert_eq!(listed(fourth), ["https://api.example.com/me", "https://api.example.com/you"]);
    assert_eq!(fourth.provider, "example");
    let steps: Vec<_> = fourth.probe.plan().iter().map(|planned| planned.step.as_str()).collect();
    assert_eq!(steps, ["request", "refuse"]);
}

#[test]
fn dollars_are_variables_only_where_they_say_so() {
    let config = good("dollars.yml");
    let plan = config.modules["m"].probe.plan();
    assert_eq!(
        plan[0].assertions,
        [
            "json_body:$.account.status:equals",
            "json_body:$['$ref']:equals",
            "json_body:$..items[?@.price < 10 && match(@.name, '^a.*b$')]:exists",
            "json_body:$:exists",
            "response_matches:equals",
            "costs $5 or ${PRICE}",
        ]
    );
    // The password is "pa$word${CANARY}$": the redactor knows it, and so says what it became.
    let redacted = config.modules["m"].redactor.redact("it is pa$word${CANARY}$, really");
    assert_eq!(redacted, "it is <secret>, really");
}

#[test]
fn variables_may_stand_in_targets_labels_and_names() {
    let config = good("secrets.yml");
    let module = &config.modules["environment"];
    assert_eq!(listed(module), ["https://api.example.com/me"]);
    assert_eq!(module.provider, "example");
    let config = good("targets.yml");
    let labels = &config.modules["listed"].targets.listed()[3].labels;
    assert_eq!(labels["env"], "production");
}

#[test]
fn line_ends_and_byte_order_marks_of_other_systems_are_fine() {
    let text = "\u{feff}---\r\nmodules:\r\n  m:\r\n    prober: oauth_cc\r\n    oauth_cc: {client: {id: app, auth: none}}\r\n...\r\n";
    assert_eq!(load(text).modules.len(), 1);
}

#[test]
fn a_short_secret_is_taken_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let text = "modules: {m: {prober: apikey, targets: [https://a.example], apikey: {key: hunter2, in: bearer}}}\n";
    std::fs::write(folder.path().join("short.yml"), text).unwrap();
    let ended = run(folder.path(), &["--config.check", "--config.file=short.yml"], &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "short.yml: 1 module, all fine\n"));
    let (_, without_time) = ended.stderr.split_once(' ').unwrap();
    assert_eq!(
        without_time,
        "level=WARN msg=configuration warning=\"modules.m: holds a secret shorter than 8 bytes, which is hidden by its place alone: texts of servers are withheld\"\n"
    );
}

#[test]
fn a_label_that_scrapes_have_already_is_taken_with_a_warning() {
    let of_probes = CATALOGUE.iter().filter(|metric| metric.name.starts_with("probe_"));
    let labels: BTreeSet<&str> = of_probes
        .flat_map(|metric| metric.labels.iter().copied())
        .chain(["instance", "job", "module", "target"])
        .collect();
    let mapping: Vec<String> = labels.iter().map(|label| format!("{label}: x")).collect();
    let mapping = mapping.join(", ");
    let text = format!(
        "modules: {{m: {{prober: oauth_cc, targets: [{{url: 'https://a.example', labels: {{team: x}}}}, {{url: 'https://b.example', labels: {{{mapping}}}}}, {{url: 'https://c.example', labels: {{job: x}}}}], oauth_cc: {{client: {{id: app, auth: none}}}}}}}}"
    );
    let expected: Vec<String> = labels
        .iter()
        .map(|label| format!("modules.m.targets[1].labels.{label}: scrapes have a label of this name already, and rules and dashboards mistake one for the other"))
        .collect();
    assert_eq!(load(&text).warnings, expected);
}

/// The example of the prober `jwt`, with a key that the test makes, and tokens that are encrypted
/// to keys of each kind.
const WITH_PRIVATE_KEYS: &str = "
modules:
  tokens:
    prober: jwt
    allowed_targets: ['https://*.tenants.example.com/*']
    jwt:
      token:
        grant: client_credentials
        client: {id: app, auth: private_key_jwt, key_file: p256.pem, key_id: k1, alg: ES256}
        scopes: [api.read]
      validate: {algorithms: [RS256], audience: api, required_claims: [sub, iat, exp], leeway: 30s, previous_token: true}
      call_api: {url: https://api.example.com/read, must_refuse: [no_credential, tampered_signature, alg_none]}
  encrypted_to_p256: &encrypted
    prober: jwt
    targets: [https://auth.example.com]
    jwt: &jwt
      token: {token: written-here}
      validate: {decryption_key_file: p256.pem}
  encrypted_to_p384:
    <<: *encrypted
    jwt: {<<: *jwt, validate: {decryption_key_file: p384.pem}}
  encrypted_to_rsa:
    <<: *encrypted
    jwt: {<<: *jwt, validate: {decryption_key_file: rsa.pem}}
";

#[test]
fn private_keys_sign_for_the_client_and_decrypt_tokens() {
    let folder = tempfile::tempdir().unwrap();
    for (file, algorithm) in [
        ("p256.pem", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("p384.pem", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("rsa.pem", &rcgen::PKCS_RSA_SHA256),
    ] {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        std::fs::write(folder.path().join(file), key.serialize_pem()).unwrap();
    }
    std::fs::write(folder.path().join("keys.yml"), WITH_PRIVATE_KEYS).unwrap();
    let stdout = "keys.yml: 4 modules, all fine\n".to_owned();
    let expected = Ended { code: Some(0), stdout, stderr: String::new() };
    assert_eq!(check(folder.path(), "keys.yml", &[]), expected);
}

/// The example of the README for the prober `oauth_authcode`, whose secrets the test puts elsewhere.
const LOGIN: &str = include_str!("login.yml");

#[test]
fn a_login_takes_its_secrets_from_files_and_its_user_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("app", "secret-of-the-app"),
        ("probe-password", "password-of-the-probe\n"),
        ("probe-totp", "otpauth://totp/Example:probe?secret=NBSWY3DPEHPK3PXP&issuer=Example\n"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let text = LOGIN.replace("/run/secrets", folder.path().to_str().unwrap());
    std::fs::write(folder.path().join("login.yml"), text).unwrap();
    let stdout = "login.yml: 1 module, all fine\n".to_owned();
    let expected = Ended { code: Some(0), stdout, stderr: String::new() };
    let environment = [("PROBE_USER", "user-of-the-probe")];
    assert_eq!(check(folder.path(), "login.yml", &environment), expected);
}

#[test]
fn the_steps_of_a_login_are_those_that_are_asked_for() {
    let config = good("authcode.yml");
    let steps = |name: &str| -> Vec<&str> {
        config.modules[name].probe.plan().iter().map(|planned| planned.step.as_str()).collect()
    };
    assert_eq!(steps("without_login"), ["discovery", "authorize", "token"]);
    assert_eq!(
        steps("pushed"),
        ["discovery", "par", "authorize", "login", "consent", "token", "jwks", "validate"]
    );
    assert_eq!(
        steps("without_discovery"),
        ["authorize", "login", "consent", "token", "jwks", "validate"]
    );
    assert_eq!(steps("code"), ["discovery", "token", "jwks", "validate", "refuse"]);
    assert_eq!(
        steps("everything"),
        [
            "discovery",
            "authorize",
            "login",
            "consent",
            "token",
            "jwks",
            "validate",
            "userinfo",
            "call_api",
            "refresh",
            "introspect",
            "refuse",
            "revoke",
            "logout",
        ]
    );
}

/// Modules are read one by one where the text allows it; a line before them forbids it.
#[test]
fn a_text_means_the_same_module_by_module_and_as_a_whole() {
    for name in yaml_files(&here().join("good")) {
        let text = std::fs::read_to_string(here().join("good").join(&name)).unwrap();
        let text = text.replace("files/", &format!("{}/files/", here().display()));
        let (parts, whole) = (load(&text), load(&format!("---\n{text}")));
        assert_eq!(parts.shown(), whole.shown(), "{name}");
        assert_eq!(parts.warnings, whole.warnings, "{name}");
        let digests = |config: &Config| -> Vec<_> {
            config.modules.iter().map(|(name, m)| (name.clone(), m.configuration)).collect()
        };
        assert_eq!(digests(&parts), digests(&whole), "{name}");
    }
}

#[test]
fn a_reload_keeps_what_has_not_changed_and_reads_files_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth_exporter.yml");
    std::fs::write(folder.path().join("key"), "a-key-in-a-file").unwrap();
    let text = format!(
        "modules:
  same:
    prober: apikey
    targets: [https://api.example.com/same]
    apikey: {{key: short, in: header, name: X-API-Key}}
  changed:
    prober: apikey
    targets: [https://api.example.com/before]
    apikey: {{key: a-key-of-the-api, in: header, name: X-API-Key}}
  reads:
    prober: apikey
    targets: [https://api.example.com/reads]
    apikey: {{key_file: {}/key, in: header, name: X-API-Key}}
",
        folder.path().display()
    );
    std::fs::write(&path, &text).unwrap();
    let store = ConfigStore::open(&path, PROBERS, None).unwrap();
    let before = store.current();
    std::fs::write(&path, text.replace("before", "after")).unwrap();
    let after = store.reload().unwrap();

    let kept: Vec<_> = ["changed", "reads", "same"]
        .map(|name| (name, Arc::ptr_eq(&before.modules[name], &after.modules[name])))
        .to_vec();
    assert_eq!(kept, [("changed", false), ("reads", false), ("same", true)]);
    assert_eq!(listed(&after.modules["changed"]), ["https://api.example.com/after"]);
    assert_eq!(after.warnings, before.warnings);
    assert_eq!(
        after.warnings,
        [
            "modules.same: holds a secret shorter than 8 bytes, which is hidden by its place alone: texts of servers are withheld"
        ]
    );
    assert_eq!(after.shown(), before.shown().replace("before", "after"));
    // The file is missed though the text is the same.
    std::fs::remove_file(folder.path().join("key")).unwrap();
    let error = store.reload().err().unwrap().to_string();
    assert!(error.contains("modules.reads.apikey.key_file"), "{error}");
}
