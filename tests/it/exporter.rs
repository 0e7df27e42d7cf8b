//! The exporter in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use auth_exporter::config::ConfigStore;
use auth_exporter::modules::PROBERS;
use auth_exporter::server::{self, App};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::scrape::{self, Answer, Metrics, probe_path};

/// A running exporter; it stops when it is dropped.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    /// Its configuration, to be changed and reloaded.
    pub(crate) file: PathBuf,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Exporter {
    /// Starts an exporter with this configuration.
    pub(crate) async fn start(configuration: &str) -> Self {
        Self::start_keeping(configuration, 100).await
    }

    /// The same with a limit for its history.
    pub(crate) async fn start_keeping(configuration: &str, history_limit: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth_exporter.yml");
        std::fs::write(&file, configuration).unwrap();
        let store =
            ConfigStore::open(&file, PROBERS, None).unwrap_or_else(|error| panic!("{error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Arc::new(App::new(store, 0.5).with_history_limit(history_limit));
        let serving = tokio::spawn(server::run(app, vec![listener], std::future::pending()));
        Self { address, file, serving, _folder: folder }
    }

    /// Sends a request without a body; header lines as they stand.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        scrape::send(self.address, method, path, headers).await.unwrap()
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[]).await
    }

    /// The metrics of a probe, which answers 200 whatever it finds. The scrape timeout is in
    /// seconds.
    pub(crate) async fn probe(&self, module: &str, target: &str, timeout: f64) -> Metrics {
        let header = format!("x-prometheus-scrape-timeout-seconds: {timeout}");
        let answer = self.send("GET", &probe_path(module, target), &[&header]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.metrics()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
