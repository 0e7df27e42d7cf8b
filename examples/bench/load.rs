//! The load: scrapes over connections that stay open, as Prometheus sends them. Every
//! answer must say that its probe succeeded.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Result;

/// How much to ask for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Probes in flight.
    pub(crate) at_once: usize,
    /// Probes in all, at most.
    pub(crate) at_most: usize,
    /// No probe begins after this time.
    pub(crate) lasting: Duration,
}

/// What was answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Loaded {
    /// Probes, all of them successful.
    pub(crate) probes: usize,
    /// From the first to the last.
    pub(crate) took: Duration,
    /// Time of the probe in the middle.
    pub(crate) median: Duration,
}

/// Where a load comes to its end.
pub(crate) struct Pace {
    load: Load,
    started: Instant,
    begun: AtomicUsize,
}

impl Pace {
    pub(crate) fn new(load: Load) -> Arc<Self> {
        Arc::new(Self { load, started: Instant::now(), begun: AtomicUsize::new(0) })
    }

    /// Whether one more probe is to be sent.
    pub(crate) fn goes_on(&self) -> bool {
        self.started.elapsed() < self.load.lasting
            && self.begun.fetch_add(1, Ordering::Relaxed) < self.load.at_most
    }

    /// The result, from the times of all probes.
    pub(crate) fn loaded(&self, mut times: Vec<Duration>) -> Result<Loaded> {
        let took = self.started.elapsed();
        times.sort_unstable();
        let median = *times.get(times.len() / 2).ok_or("no probe was sent")?;
        Ok(Loaded { probes: times.len(), took, median })
    }
}

/// Scrapes the paths in turn, beginning after the last that was scraped before.
pub(crate) async fn scrape(
    address: SocketAddr,
    paths: Arc<[String]>,
    next: Arc<AtomicUsize>,
    load: Load,
) -> Result<Loaded> {
    let mut connections = Vec::new();
    for _ in 0..load.at_once {
        connections.push(connect(address).await?);
    }
    let pace = Pace::new(load);
    let mut scrapers = JoinSet::new();
    for connection in connections {
        let (pace, paths, next) = (pace.clone(), paths.clone(), next.clone());
        scrapers.spawn(async move {
            let mut connection = connection;
            let mut times = Vec::new();
            while pace.goes_on() {
                let number = next.fetch_add(1, Ordering::Relaxed) % paths.len();
                let path = paths.get(number).ok_or("no path")?;
                let begun = Instant::now();
                probe(&mut connection, address, path).await?;
                times.push(begun.elapsed());
            }
            Ok::<_, crate::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(scraper) = scrapers.join_next().await {
        times.extend(scraper??);
    }
    pace.loaded(times)
}

type Connection = SendRequest<Empty<Bytes>>;

async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How it ends is seen by the request on it.
    tokio::spawn(connection);
    Ok(sender)
}

async fn probe(connection: &mut Connection, address: SocketAddr, path: &str) -> Result<()> {
    // As Prometheus 3 asks.
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(
            ACCEPT,
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        )
        .header(ACCEPT_ENCODING, "gzip")
        .header("X-Prometheus-Scrape-Timeout-Seconds", "30")
        .body(Empty::new())?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut text = String::new();
    if head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") {
        GzDecoder::new(&*body).read_to_string(&mut text)?;
    } else {
        text.push_str(std::str::from_utf8(&body)?);
    }
    let succeeded =
        text.lines().any(|line| matches!(line, "probe_success 1" | "probe_success 1.0"));
    if head.status == StatusCode::OK && succeeded {
        return Ok(());
    }
    let told = |line: &&str| line.starts_with("probe_success") || line.contains("_failure_info{");
    let told: Vec<&str> = text.lines().filter(told).collect();
    Err(format!("{path} did not succeed: status {}, {}", head.status, told.join(", ")).into())
}
