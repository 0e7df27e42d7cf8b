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
    /// Time that one probe in a hundred exceeds.
    pub(crate) p99: Duration,
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
        let median = quantile(&times, 50).ok_or("no probe was sent")?;
        let p99 = quantile(&times, 99).ok_or("no probe was sent")?;
        Ok(Loaded { probes: times.len(), took, median, p99 })
    }
}

/// The time below which so many in a hundred are, of times in order.
pub(crate) fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get(sorted.len() * percent / 100).copied()
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

pub(crate) type Connection = SendRequest<Empty<Bytes>>;

pub(crate) async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How it ends is seen by the request on it.
    tokio::spawn(connection);
    Ok(sender)
}

/// An answer.
pub(crate) struct Scraped {
    status: StatusCode,
    /// Its body, inflated.
    pub(crate) text: String,
    /// Bytes of its body as they were sent.
    pub(crate) sent: usize,
}

impl Scraped {
    /// Whether it says that the probe succeeded; otherwise what it says.
    pub(crate) fn succeeded(&self) -> Result<()> {
        let succeeded =
            self.text.lines().any(|line| matches!(line, "probe_success 1" | "probe_success 1.0"));
        if self.status == StatusCode::OK && succeeded {
            return Ok(());
        }
        let told =
            |line: &&str| line.starts_with("probe_success") || line.contains("_failure_info{");
        let told: Vec<&str> = self.text.lines().filter(told).collect();
        Err(format!("status {}, {}", self.status, told.join(", ")).into())
    }

    /// How long the probe took, as the contender says.
    pub(crate) fn probe_duration(&self) -> Option<Duration> {
        let of_line = |line: &str| line.strip_prefix("probe_duration_seconds ")?.parse().ok();
        Duration::try_from_secs_f64(self.text.lines().find_map(of_line)?).ok()
    }
}

async fn probe(connection: &mut Connection, address: SocketAddr, path: &str) -> Result<()> {
    let answer = get(connection, address, path).await?;
    answer.succeeded().map_err(|error| format!("{path} did not succeed: {error}").into())
}

/// Sends the request of a scrape.
pub(crate) async fn get(
    connection: &mut Connection,
    address: SocketAddr,
    path: &str,
) -> Result<Scraped> {
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
    Ok(Scraped { status: head.status, text, sent: body.len() })
}
