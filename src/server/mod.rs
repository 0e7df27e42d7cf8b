//! The HTTP server: parse a request, call the room that answers it, answer.
//!
//! It knows no step, no protocol and no metric name.

mod admission;
mod answer;
mod connection;
mod history;
mod pages;
mod paths;
mod places;
mod probe;
mod refusals;
mod routes;
mod web_config;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::OnceCell;

use self::admission::Admission;
use crate::config::{Config, ConfigStore};
use crate::exposition::{ExporterMetrics, ListedProbe};
use crate::probe::Memory;

pub use paths::Paths;
pub use probe::PROBE_LOG;
pub use web_config::WebConfig;

use history::History;
use places::Places;
use refusals::Refusals;

/// Connections that are served at once, on all addresses.
const MAX_CONNECTIONS: usize = 4096;

/// What the routes need.
pub struct App {
    store: ConfigStore,
    metrics: ExporterMetrics,
    /// What probes leave to later ones. It outlives reloads.
    memory: Arc<Memory>,
    /// The last probes.
    history: History,
    timeout_offset: f64,
    web: Arc<WebConfig>,
    paths: Paths,
    admission: Admission,
    refusals: Refusals,
    roots_loaded: OnceCell<()>,
    /// One reload at a time.
    reloading: Arc<tokio::sync::Mutex<()>>,
}

impl App {
    /// An exporter with this configuration. `timeout_offset` is in seconds.
    #[must_use]
    pub fn new(store: ConfigStore, timeout_offset: f64) -> Self {
        let metrics = ExporterMetrics::default();
        metrics.configured(listed(&store.current()));
        Self {
            store,
            metrics,
            memory: Arc::default(),
            history: History::new(history::DEFAULT_LIMIT),
            timeout_offset,
            web: Arc::default(),
            paths: Paths::default(),
            admission: Admission::new(0),
            refusals: Refusals::default(),
            roots_loaded: OnceCell::new(),
            reloading: Arc::default(),
        }
    }

    /// The same, with TLS, users and headers of its own.
    #[must_use]
    pub fn with_web_config(self, web: WebConfig) -> Self {
        Self { web: Arc::new(web), ..self }
    }

    /// The same with so many probes at once; 0 is no limit.
    #[must_use]
    pub fn with_limit(self, probes: usize) -> Self {
        Self { admission: Admission::new(probes), ..self }
    }

    /// Whether a probe runs, or waits for its turn.
    fn is_probing(&self) -> bool {
        self.metrics.in_flight() > 0 || self.admission.waiting() > 0
    }

    /// Whether it speaks TLS.
    pub fn has_tls(&self) -> bool {
        self.web.has_tls()
    }

    /// The same under other paths.
    #[must_use]
    pub fn with_paths(self, paths: Paths) -> Self {
        Self { paths, ..self }
    }

    /// The same, which keeps this many probes for people to look at, and failed ones beside them.
    #[must_use]
    pub fn with_history_limit(self, limit: usize) -> Self {
        Self { history: History::new(limit), ..self }
    }

    /// Loads the root certificates of the system for the first probe, before its clock runs.
    async fn load_roots(self: &Arc<Self>) {
        let load = || async {
            let app = self.clone();
            // Reading files blocks. When the runtime is shutting down, a handshake loads them.
            let _ = tokio::task::spawn_blocking(move || app.store.load_roots()).await;
        };
        self.roots_loaded.get_or_init(load).await;
    }

    /// Reads the configuration again when its file is another than the one that was read last.
    pub async fn reload_if_changed(self: &Arc<Self>) {
        let app = self.clone();
        // Reading files blocks.
        let changed = tokio::task::spawn_blocking(move || app.store.has_changed()).await;
        if changed.unwrap_or(false) {
            // A bad file is in the log and in the metrics.
            let _ = self.reload().await;
        }
    }

    /// Reads the configuration again, and the web configuration; a bad one changes nothing, and the
    /// other one comes into force all the same, as the web configuration does at any request. Once
    /// begun, it goes to its end and is told, also when nobody waits for it any more.
    ///
    /// # Errors
    /// With what is wrong in the files.
    pub async fn reload(self: &Arc<Self>) -> Result<(), String> {
        let one = self.reloading.clone().lock_owned().await;
        let app = self.clone();
        let both = tokio::spawn(async move {
            let _one = one;
            let web = app.web.clone();
            // Reading files and certificates blocks.
            let loaded = tokio::task::spawn_blocking(move || app.load_again());
            // When the runtime is shutting down, there is nothing to load for.
            [loaded.await.unwrap_or(Ok(())), web.reload().await]
        });
        let both = both.await.unwrap_or([Ok(()), Ok(())]);
        let wrong: Vec<String> = both.into_iter().filter_map(Result::err).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }

    fn load_again(&self) -> Result<(), String> {
        match self.store.reload() {
            Ok(config) => {
                self.metrics.configured(listed(&config));
                for warning in &config.warnings {
                    tracing::warn!(warning, "configuration");
                }
                tracing::info!("configuration loaded");
                Ok(())
            }
            Err(error) => {
                self.metrics.reload_failed();
                let error = error.to_string();
                tracing::error!(error, "the new configuration is bad, the old one stays in force");
                Err(error)
            }
        }
    }
}

/// What is counted from 0.
fn listed(config: &Config) -> impl Iterator<Item = ListedProbe> {
    config.modules.values().map(|module| {
        let plan = module.probe.plan();
        ListedProbe {
            module: module.name.clone(),
            targets: module.targets.listed().iter().map(|listed| listed.target.clone()).collect(),
            steps: plan.iter().map(|planned| planned.step).collect(),
            jwt_checks: plan.into_iter().flat_map(|planned| planned.jwt_checks).collect(),
        }
    })
}

/// Serves until `shutdown` completes; then accepts nothing more, lets what runs end,
/// and returns. A running probe ends inside its budget.
pub async fn run(app: Arc<App>, listeners: Vec<TcpListener>, shutdown: impl Future<Output = ()>) {
    let places = Places::new(MAX_CONNECTIONS);
    let (stop, stopping) = tokio::sync::watch::channel(());
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        let (app, places) = (app.clone(), places.clone());
        accepting.spawn(connection::accept(app, listener, places, stopping.clone()));
    }
    drop(stopping);
    shutdown.await;
    tracing::info!("stopping: no new connections, running probes end inside their budgets");
    drop(stop);
    while accepting.join_next().await.is_some() {}
}
