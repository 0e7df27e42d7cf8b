//! Both text formats, read by tools of the Prometheus project: `promtool` and the
//! parsers of the Python client, of which that for OpenMetrics is strict.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::exporter::{Exporter, probe_path};
use super::http::get;
use super::installed;
use super::provider::{API_KEY, Certificate, Provider, SECRET};

/// What a Prometheus that prefers OpenMetrics sends.
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const CLASSIC: &str = "text/plain;version=0.0.4";

/// The one thing that promtool may say: the users asked for days.
const DAYS: &str =
    "probe_auth_certificate_days_remaining use base unit \"seconds\" instead of \"days\"\n";

/// Runs a program on a text.
fn run(command: &mut Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program that starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that ends before it has read everything says why on its own.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("a program that ends")
}

/// What `promtool check metrics` has to say against a text in the classic format.
fn promtool(metrics: &str) -> String {
    let output = run(installed::debian("promtool").args(["check", "metrics"]), metrics);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // 3 stands for something to say on metrics that could be read.
    let code = if said.is_empty() { Some(0) } else { Some(3) };
    assert_eq!(output.status.code(), code, "{said}\n{metrics}");
    said
}

/// Series with what a parser found: the value, and type and help of the family.
type Parsed = BTreeMap<String, (f64, String)>;

/// The text as a parser of prometheus-client reads it, or what it says against it.
fn parse(parser: &str, metrics: &str) -> Result<Parsed, String> {
    let mut python = installed::python();
    let output = run(python.args(["-c", include_str!("python/parse.py"), parser]), metrics);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut parsed = Parsed::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (name, labels, value, kind, help): (String, Value, String, String, String) =
            serde_json::from_str(line).expect("a line of parse.py");
        let known = parsed.insert(
            format!("{name} {labels}"),
            (value.parse().expect("a number"), format!("{kind}: {help}")),
        );
        assert_eq!(known, None, "{name} {labels} stands there twice\n{metrics}");
    }
    Ok(parsed)
}

/// Whether a value is a time or a resource of the process, which differ from answer to answer.
fn differs(series: &str) -> bool {
    ["_seconds", "_days_remaining", "_bytes", "_fds"].iter().any(|part| series.contains(part))
}

/// Checks one answer in both formats, and returns the lint of the classic one.
fn check(exporter: &Exporter, path: &str) -> String {
    let classic_text = get(&exporter.address, path, CLASSIC);
    let open_text = get(&exporter.address, path, OPEN_METRICS);
    let classic = parse("classic", &classic_text)
        .unwrap_or_else(|error| panic!("{path}: {error}\n{classic_text}"));
    let open = parse("openmetrics", &open_text)
        .unwrap_or_else(|error| panic!("{path}: {error}\n{open_text}"));
    let names = |parsed: &Parsed| parsed.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&classic), names(&open), "{path}");
    for (series, (value, family)) in &classic {
        let (in_open, family_in_open) = &open[series];
        assert_eq!(family, family_in_open, "{path}: {series}");
        assert!(differs(series) || value == in_open, "{path}: {series}: {value}, {in_open}");
    }
    promtool(&classic_text)
}

/// A certificate for the loopback address, of an authority, both with names that need escapes.
fn certificate() -> (Certificate, String) {
    let key = || rcgen::KeyPair::generate().expect("a key");
    let named = |text: &str, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = rcgen::CertificateParams::new(names).expect("names");
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, text);
        parameters
    };
    let mut authority = named("an \"authority\"\nof \\ tests", &[]);
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = key();
    let root = authority.self_signed(&authority_key).expect("a certificate").pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let leaf_key = key();
    let leaf = named("a {leaf=\"x\"}, überall", &["127.0.0.1", "leaf.example.com"])
        .signed_by(&leaf_key, &issuer)
        .expect("a certificate");
    (Certificate { chain: leaf.pem(), key: leaf_key.serialize_pem() }, root)
}

#[test]
fn every_answer_passes_promtool_and_the_parsers() {
    let (certificate, root) = certificate();
    let provider = Provider::start_with(&certificate);
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, root).expect("a file");
    let (issuer, key, key_over_tls) = (provider.issuer(), provider.key(), provider.key_over_tls());
    // A port of loopback that nothing listens on.
    let closed = "http://127.0.0.1:1";
    let secret = Value::from(SECRET);
    let exporter = Exporter::start(&format!(
        r#"
modules:
  cc:
    prober: oauth_cc
    provider: "a \"quoted\" \\ name"
    thresholds: {{token: 500ms, total: 2s, auth_share: 0.5}}
    targets: [{{url: {issuer}, labels: {{region: eu}}}}, {issuer}/, {closed}]
    oauth_cc:
      client: {{id: basic, secret: {secret}}}
      scopes: [monitoring:health, monitoring:unheard]
      assertions:
        - {{type: json_body, path: "$['access_token']", operator: exists}}
        - {{type: response_time, operator: less_than, value: 2000, name: "fast\nenough"}}
      call_api: {{url: /api/opaque, must_refuse: [no_credential]}}
  cc_refused:
    prober: oauth_cc
    targets: [{issuer}]
    oauth_cc: {{client: {{id: basic, secret: another-secret}}}}
  key:
    prober: apikey
    targets: [{key}, {key_over_tls}]
    http: {{tls_config: {{ca_file: {ca_file:?}}}}}
    apikey: {{key: {API_KEY}, name: X-API-Key, must_refuse: [no_key, wrong_key]}}
  key_refused:
    prober: apikey
    targets: [{key}]
    apikey:
      key: another-key
      name: X-API-Key
      assertions: [{{type: json_body, path: "$.account.status", value: active}}]
  key_untrusted:
    prober: apikey
    targets: [{key_over_tls}]
    apikey: {{key: {API_KEY}, name: X-API-Key}}
"#
    ));
    let slash = format!("{issuer}/");
    for (module, target, verdict, lint) in [
        ("cc", issuer, "probe_success 1", ""),
        ("cc", &slash, "reason=\"issuer_mismatch\"", ""),
        ("cc", closed, "reason=\"connection_refused\"", ""),
        ("cc_refused", issuer, "reason=\"invalid_client\"", ""),
        ("key", &key, "probe_success 1", ""),
        ("key", &key_over_tls, "probe_success 1", DAYS),
        ("key_refused", &key, "reason=\"http_4xx\"", ""),
        ("key_untrusted", &key_over_tls, "reason=\"certificate_untrusted\"", DAYS),
    ] {
        // That it is the answer that the case is about.
        let metrics = exporter.probe(module, target);
        assert!(metrics.contains(verdict), "{module} {target}: {verdict}\n{metrics}");
        assert_eq!(check(&exporter, &probe_path(module, target)), lint, "{module} {target}");
    }
    assert_eq!(check(&exporter, "/metrics"), "");
}

#[test]
fn the_parser_of_openmetrics_is_the_strict_one() {
    let text = "# HELP a_total A.\n# TYPE a_total counter\na_total 1.0\n";
    assert!(parse("classic", text).is_ok());
    let error = parse("openmetrics", text).expect_err("no # EOF, and a suffix in the family");
    assert!(error.contains("ValueError"), "{error}");
}
