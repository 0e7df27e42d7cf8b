//! An exporter inside the test, and what it says of a probe.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_exporter::config::ConfigStore;
use auth_exporter::modules::PROBERS;
use auth_exporter::server;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::http::{Answer, probe_path, send};
use crate::provider::Provider;

/// The configuration of the demo, which every test shares.
pub(crate) const DEMO: &str = include_str!("../../examples/demo/auth_exporter.yml");

/// A running exporter. It stops with the test's runtime.
pub(crate) struct Exporter {
    pub(crate) address: String,
    pub(crate) folder: TempDir,
}

impl Exporter {
    /// Starts with the demo's modules and these.
    pub(crate) async fn start(provider: &Provider, modules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = write(provider, &folder, &format!("{DEMO}{modules}"));
        let store = ConfigStore::open(&file, PROBERS).unwrap_or_else(|error| panic!("{error}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Arc::new(server::App::new(store, 0.5));
        tokio::spawn(server::run(app, vec![listener], std::future::pending()));
        Self { address, folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        crate::http::get(&self.address, path).await
    }

    /// Probes with a scrape timeout in seconds.
    pub(crate) async fn probe(&self, module: &str, target: &str, timeout: &str) -> Probe {
        let line = format!("GET {}", probe_path(module, target));
        let header = ("X-Prometheus-Scrape-Timeout-Seconds", timeout);
        let answer = send(&self.address, &line, &[header]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Probe::read(&answer.text())
    }
}

/// Writes the CA's certificate and a configuration, with the demo's variables filled in.
pub(crate) fn write(provider: &Provider, folder: &TempDir, text: &str) -> std::path::PathBuf {
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, provider.ca_pem()).unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, provider.fill_in(text, &ca_file)).unwrap();
    file
}

/// The samples of a probe.
#[derive(Debug)]
pub(crate) struct Probe(BTreeMap<String, f64>);

impl Probe {
    fn read(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a sample");
            (series.to_owned(), value.parse().expect("a number"))
        });
        Self(samples.collect())
    }

    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    pub(crate) fn success(&self) -> bool {
        self.value("probe_success") == Some(1.0)
    }

    /// The labels of each series of a metric.
    fn labels(&self, metric: &str) -> Vec<&str> {
        let opening = format!("{metric}{{");
        self.0
            .keys()
            .filter_map(|series| series.strip_prefix(&opening)?.strip_suffix('}'))
            .collect()
    }

    /// `step reason` of each failed step.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.pairs("probe_auth_failure_info")
    }

    /// `step warning` of each warning.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.pairs("probe_auth_warning_info")
    }

    fn pairs(&self, metric: &str) -> Vec<String> {
        let values = |labels: &str| -> Vec<String> {
            labels.split('"').skip(1).step_by(2).map(str::to_owned).collect()
        };
        self.labels(metric).into_iter().map(|labels| values(labels).join(" ")).collect()
    }

    /// Every planned step: `step` when it succeeded, `step!` when it failed, `step?` when it
    /// was not reached.
    pub(crate) fn steps(&self) -> Vec<String> {
        self.labels("probe_auth_step_success")
            .into_iter()
            .map(|labels| {
                let of = |metric: &str| self.value(&format!("{metric}{{{labels}}}"));
                let mark = match (of("probe_auth_step_success"), of("probe_auth_step_reached")) {
                    (Some(1.0), Some(1.0)) => "",
                    (Some(0.0), Some(1.0)) => "!",
                    (Some(0.0), Some(0.0)) => "?",
                    other => panic!("{labels}: {other:?}"),
                };
                format!("{}{mark}", labels.split('"').nth(1).unwrap())
            })
            .collect()
    }
}
