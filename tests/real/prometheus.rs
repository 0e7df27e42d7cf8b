//! A Prometheus that scrapes as `examples/prometheus.yml` says, and what it stores.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::exporter::Exporter;
use super::http::{get, with_query};
use super::installed;
use super::provider::{API_KEY, Provider, SECRET};
use super::running::Running;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/prometheus.yml");
const SHARDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/prometheus_sharded.yml");

/// Discovery is applied after up to 5 s, and scrapes are spread over their interval.
const STORED: Duration = Duration::from_secs(60);

/// A running Prometheus.
struct Prometheus {
    address: String,
    names: Vec<(String, &'static str)>,
    _running: Running,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it; `names` stand for addresses in what it stores.
    fn start(configuration: &str, names: Vec<(String, &'static str)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration).expect("a configuration file");
        assert_eq!(check_config(&file), Ok(()));
        let mut command = installed::debian("prometheus");
        command.arg("--config.file").arg(file).arg("--storage.tsdb.path").arg(folder.path());
        command.args(["--web.listen-address", "127.0.0.1:0"]);
        let mut running = Running::start("prometheus", &mut command);
        // The two lines come in either order.
        let (mut address, mut ready) = (None, false);
        let address = running.wait_for("address and that it is ready", |line| {
            if let Some((_, listening)) = line.split_once(r#"msg="Listening on" address="#) {
                address = Some(listening.to_owned());
            }
            ready |= line.contains("Server is ready");
            address.clone().filter(|_| ready)
        });
        Self { address, names, _running: running, _folder: folder }
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let body = get(&self.address, &with_query(path, parameters), "application/json");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }

    /// The series of an expression, sorted, each with its last value.
    fn query(&self, expression: &str) -> Vec<String> {
        let data = self.ask("/api/v1/query", &[("query", expression)]);
        let vector = data["result"].as_array().expect("a vector");
        let mut series: Vec<String> = vector.iter().map(|sample| self.show(sample)).collect();
        series.sort();
        series
    }

    /// A sample as Prometheus writes it.
    fn show(&self, sample: &Value) -> String {
        let mut name = "";
        let mut labels = Vec::new();
        for (label, value) in sample["metric"].as_object().expect("labels") {
            let value = value.as_str().expect("a value");
            match label.as_str() {
                "__name__" => name = value,
                label => labels.push(format!("{label}=\"{value}\"")),
            }
        }
        labels.sort();
        let value = sample["value"][1].as_str().expect("a value");
        let text = format!("{name}{{{}}} {value}", labels.join(","));
        self.names.iter().fold(text, |text, (address, name)| text.replace(address, name))
    }

    /// Waits until the expression has just these series.
    #[track_caller]
    fn stores(&self, expression: &str, expected: &[&str]) {
        let deadline = Instant::now() + STORED;
        loop {
            let stored = self.query(expression);
            if stored == expected {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{expression}\nexpected {expected:#?}\nstored {stored:#?}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// What promtool says against a configuration.
fn check_config(file: &Path) -> Result<(), String> {
    let output = installed::debian("promtool")
        .args(["check", "config"])
        .arg(file)
        .output()
        .expect("a program that starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
}

/// The example with other addresses, and a second for a minute.
fn example(file: &str, substitutes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(file).expect("the example");
    for (written, substitute) in substitutes {
        assert!(text.contains(written), "{written} is not in the example");
        text = text.replace(written, substitute);
    }
    text
}

#[test]
fn the_examples_are_valid() {
    assert_eq!(check_config(Path::new(EXAMPLE)), Ok(()));
    assert_eq!(check_config(Path::new(SHARDED)), Ok(()));
}

#[test]
fn each_target_is_scraped_from_one_of_several_exporters() {
    // Nothing listens at the targets, nor at two of the exporters: who asks whom is looked at.
    let targets: Vec<String> = (1..=30).map(|n| format!("http://127.0.0.1:9/{n}")).collect();
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: apikey, targets: {targets:?}, apikey: {{key: {API_KEY}, in: bearer}}}}}}"
    ));
    let addresses = [&exporter.address, "127.0.0.1:1", "127.0.0.1:2"];
    let configuration = example(
        SHARDED,
        &[
            (r#"["https://auth.example.com"]"#, &format!("{targets:?}")),
            ("127.0.0.1:10115", addresses[0]),
            ("127.0.0.1:10116", addresses[1]),
            ("127.0.0.1:10117", addresses[2]),
        ],
    );
    let prometheus = Prometheus::start(&configuration, Vec::new());
    let of_job = |job: &str| -> BTreeMap<String, String> {
        let data = prometheus.ask("/api/v1/targets", &[("state", "active")]);
        let active = data["activeTargets"].as_array().expect("targets").iter();
        let of_job = active.filter(|target| target["labels"]["job"] == job);
        let pairs = of_job.map(|target| {
            let url = url::Url::parse(target["scrapeUrl"].as_str().expect("a URL")).expect("a URL");
            let asked = url.query_pairs().find(|(name, _)| name == "target").expect("a target");
            let exporter =
                format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
            (asked.1.into_owned(), exporter)
        });
        let pairs: Vec<(String, String)> = pairs.collect();
        let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
        assert_eq!(map.len(), pairs.len(), "a target twice: {pairs:?}");
        map
    };
    let deadline = Instant::now() + STORED;
    let discovered = loop {
        let discovered = of_job("auth_sd");
        if discovered.len() == targets.len() {
            break discovered;
        }
        assert!(Instant::now() < deadline, "discovered {discovered:?}");
        std::thread::sleep(Duration::from_millis(100));
    };
    // Each exporter has its share, and both ways of naming targets share alike.
    let exporters: BTreeSet<&str> = discovered.values().map(String::as_str).collect();
    assert_eq!(exporters, BTreeSet::from(addresses));
    let mut named = of_job("auth_probe");
    named.remove("https://api.example.com/v1/account").expect("the other target of the example");
    assert_eq!(named, discovered);
}

/// A Prometheus that scrapes an exporter that probes a provider. They are stopped in this order.
struct Scraped {
    prometheus: Prometheus,
    _exporter: Exporter,
    _provider: Provider,
}

/// Starts all three. Module `client_credentials_refused` has a wrong secret and is scraped through `/sd` alone.
fn scraped() -> Scraped {
    let provider = Provider::start();
    let (issuer, key) = (provider.issuer(), &*provider.key());
    let secret = Value::from(SECRET);
    let exporter = Exporter::start(&format!(
        r#"
modules:
  client_credentials:
    prober: oauth_cc
    targets: [{{url: {issuer}, labels: {{region: eu, team: identity}}}}]
    oauth_cc:
      client: {{id: basic, secret: {secret}}}
      scopes: [monitoring:health]
      call_api: {{url: /api/opaque, must_refuse: [no_credential]}}
  client_credentials_refused:
    prober: oauth_cc
    targets: [{issuer}]
    oauth_cc: {{client: {{id: basic, secret: another-secret}}}}
  api_key:
    prober: apikey
    targets: [{key}]
    apikey:
      key: {API_KEY}
      name: X-API-Key
      assertions: [{{type: json_body, path: "$.account.status", value: active}}]
      must_refuse: [no_key, wrong_key]
"#
    ));
    let itself = &exporter.address;
    let configuration = example(
        EXAMPLE,
        &[
            ("127.0.0.1:10115", itself),
            ("https://auth.example.com", issuer),
            ("https://api.example.com/v1/account", key),
            ("scrape_interval: 1m", "scrape_interval: 1s"),
            ("scrape_timeout: 30s", "scrape_timeout: 1s"),
        ],
    );
    let names = vec![
        (key.to_owned(), "KEY"),
        (issuer.to_owned(), "ISSUER"),
        (itself.to_owned(), "EXPORTER"),
    ];
    let prometheus = Prometheus::start(&configuration, names);
    Scraped { prometheus, _exporter: exporter, _provider: provider }
}

#[test]
fn stores_the_probes_of_static_targets_and_of_service_discovery() {
    let Scraped { prometheus, .. } = &scraped();
    prometheus.stores(
        "up",
        &[
            r#"up{instance="EXPORTER",job="auth_exporter"} 1"#,
            r#"up{instance="ISSUER",job="auth_probe",module="client_credentials"} 1"#,
            r#"up{instance="ISSUER",job="auth_sd",module="client_credentials",region="eu",team="identity"} 1"#,
            r#"up{instance="ISSUER",job="auth_sd",module="client_credentials_refused"} 1"#,
            r#"up{instance="KEY",job="auth_probe",module="api_key"} 1"#,
            r#"up{instance="KEY",job="auth_sd",module="api_key"} 1"#,
        ],
    );
    prometheus.stores(
        "probe_success",
        &[
            r#"probe_success{instance="ISSUER",job="auth_probe",module="client_credentials"} 1"#,
            r#"probe_success{instance="ISSUER",job="auth_sd",module="client_credentials",region="eu",team="identity"} 1"#,
            r#"probe_success{instance="ISSUER",job="auth_sd",module="client_credentials_refused"} 0"#,
            r#"probe_success{instance="KEY",job="auth_probe",module="api_key"} 1"#,
            r#"probe_success{instance="KEY",job="auth_sd",module="api_key"} 1"#,
        ],
    );
    prometheus.stores(
        r#"probe_auth_step_success{job="auth_probe"}"#,
        &[
            r#"probe_auth_step_success{instance="ISSUER",job="auth_probe",module="client_credentials",step="call_api"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_probe",module="client_credentials",step="discovery"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_probe",module="client_credentials",step="refuse"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_probe",module="client_credentials",step="token"} 1"#,
            r#"probe_auth_step_success{instance="KEY",job="auth_probe",module="api_key",step="refuse"} 1"#,
            r#"probe_auth_step_success{instance="KEY",job="auth_probe",module="api_key",step="request"} 1"#,
        ],
    );
    prometheus.stores(
        r#"probe_auth_step_success{job="auth_sd"}"#,
        &[
            r#"probe_auth_step_success{instance="ISSUER",job="auth_sd",module="client_credentials",region="eu",step="call_api",team="identity"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_sd",module="client_credentials",region="eu",step="discovery",team="identity"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_sd",module="client_credentials",region="eu",step="refuse",team="identity"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_sd",module="client_credentials",region="eu",step="token",team="identity"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_sd",module="client_credentials_refused",step="discovery"} 1"#,
            r#"probe_auth_step_success{instance="ISSUER",job="auth_sd",module="client_credentials_refused",step="token"} 0"#,
            r#"probe_auth_step_success{instance="KEY",job="auth_sd",module="api_key",step="refuse"} 1"#,
            r#"probe_auth_step_success{instance="KEY",job="auth_sd",module="api_key",step="request"} 1"#,
        ],
    );
}

#[test]
fn stores_the_step_that_failed_and_its_reason() {
    let Scraped { prometheus, .. } = &scraped();
    prometheus.stores(
        "probe_auth_failure_info",
        &[
            r#"probe_auth_failure_info{instance="ISSUER",job="auth_sd",module="client_credentials_refused",reason="invalid_client",step="token"} 1"#,
        ],
    );
    prometheus.stores(
        r#"auth_exporter_probe_failures_total{reason="invalid_client"} > bool 0"#,
        &[
            r#"{instance="EXPORTER",job="auth_exporter",module="client_credentials_refused",reason="invalid_client",step="token",target="ISSUER"} 1"#,
        ],
    );
}

#[test]
fn stores_each_label_once_and_few_series() {
    let Scraped { prometheus, .. } = &scraped();
    // The label that both sides set stands there once, and not as exported_module beside.
    prometheus.stores(
        r#"probe_auth_module_info{job="auth_probe"}"#,
        &[
            r#"probe_auth_module_info{instance="ISSUER",job="auth_probe",module="client_credentials",prober="oauth_cc"} 1"#,
            r#"probe_auth_module_info{instance="KEY",job="auth_probe",module="api_key",prober="apikey"} 1"#,
        ],
    );
    // A plain oauth_cc stays under 80 series, and an apikey too.
    prometheus.stores(r#"count(scrape_samples_scraped{job!="auth_exporter"} < 80)"#, &["{} 5"]);
}

#[test]
fn negotiates_openmetrics_and_takes_every_sample() {
    let Scraped { prometheus, .. } = &scraped();
    prometheus.stores("sum(up)", &["{} 6"]);

    // OpenMetrics names the family of a counter without its suffix; the classic format with it.
    let family = |name| prometheus.ask("/api/v1/targets/metadata", &[("metric", name)]);
    let described = family("auth_exporter_module_unknown");
    assert_eq!(described[0]["type"], "counter", "{described}");
    assert_eq!(family("auth_exporter_module_unknown_total"), serde_json::json!([]));

    // Nothing came twice or in the wrong order.
    let own = get(&prometheus.address, "/metrics", "*/*");
    for counter in [
        "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        "prometheus_target_scrapes_sample_out_of_bounds_total",
        "prometheus_target_scrapes_sample_out_of_order_total",
    ] {
        assert!(own.contains(&format!("\n{counter} 0\n")), "{counter}");
    }
}
