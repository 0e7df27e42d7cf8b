//! The HTTP server: parse a request, call the room that answers it, answer.
//!
//! It knows no step, no protocol and no metric name.

// An answer that refuses is built once a request and moved once.
#![allow(clippy::result_large_err)]

mod answer;
mod history;
mod pages;
mod probe;
mod routes;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, Semaphore};

use crate::config::{Config, ConfigStore, LoadError};
use crate::exposition::{ExporterMetrics, ListedProbe};
use crate::probe::Memory;

use history::History;

/// A client must have sent its request head within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest request head.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Connections that are served at once; more wait in the listener's queue.
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
    roots_loaded: OnceCell<()>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
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
            roots_loaded: OnceCell::new(),
            reloading: tokio::sync::Mutex::new(()),
        }
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

    /// Reads the configuration again; a bad one changes nothing.
    ///
    /// # Errors
    /// With what is wrong in the file.
    pub async fn reload(self: &Arc<Self>) -> Result<(), LoadError> {
        let _one = self.reloading.lock().await;
        let app = self.clone();
        // Reading files and certificates blocks.
        let loaded = tokio::task::spawn_blocking(move || app.store.reload()).await;
        match loaded {
            Ok(Ok(config)) => {
                self.metrics.configured(listed(&config));
                for warning in &config.warnings {
                    tracing::warn!(warning, "configuration");
                }
                tracing::info!("configuration loaded");
                Ok(())
            }
            Ok(Err(error)) => {
                self.metrics.reload_failed();
                tracing::error!(
                    error = %error,
                    "the new configuration is bad, the old one stays in force"
                );
                Err(error)
            }
            // The runtime is shutting down.
            Err(_) => Ok(()),
        }
    }
}

/// What is counted from 0.
fn listed(config: &Config) -> Vec<ListedProbe> {
    config
        .modules
        .values()
        .map(|module| ListedProbe {
            module: module.name.clone(),
            targets: module.targets.listed().iter().map(|listed| listed.target.clone()).collect(),
            steps: module.probe.plan().iter().map(|planned| planned.step).collect(),
            jwt_checks: module
                .probe
                .plan()
                .into_iter()
                .flat_map(|planned| planned.jwt_checks)
                .collect(),
        })
        .collect()
}

/// Serves until `shutdown` completes; then accepts nothing more, lets what runs end,
/// and returns. A running probe ends inside its budget.
pub async fn run(app: Arc<App>, listeners: Vec<TcpListener>, shutdown: impl Future<Output = ()>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (stop, stopping) = tokio::sync::watch::channel(());
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(app.clone(), listener, connections.clone(), stopping.clone()));
    }
    drop(stopping);
    shutdown.await;
    tracing::info!("stopping: no new connections, running probes end inside their budgets");
    drop(stop);
    while accepting.join_next().await.is_some() {}
}

async fn accept(
    app: Arc<App>,
    listener: TcpListener,
    connections: Arc<Semaphore>,
    mut stopping: tokio::sync::watch::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: others are freed while we wait.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let local = stream.local_addr().ok();
        let service = service_fn(move |request| {
            let app = app.clone();
            async move { Ok::<_, std::convert::Infallible>(routes::answer(&app, local, request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(serve(connection, peer, permit));
    }
    drop(listener);
    graceful.shutdown().await;
}

/// One connection. When the client goes away, hyper drops the answer that is being
/// made, and with it the probe.
async fn serve(
    connection: impl Future<Output = hyper::Result<()>>,
    peer: SocketAddr,
    permit: tokio::sync::OwnedSemaphorePermit,
) {
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "connection ended");
    }
    drop(permit);
}
