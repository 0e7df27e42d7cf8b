//! A flood: what strangers send as fast as they can, from threads of a lower priority, so that
//! the exporter and nothing else is in the way of those who ask for something.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// By how much the flood steps back behind those who ask for something.
const LOWER: i32 = 10;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Heads that never end, byte by byte.
    SlowHeaders,
    /// More connections than are served at once, silent.
    Connections,
    /// Heads of 60 KiB, and some without end.
    HugeHeads,
    /// What is no HTTP.
    Malformed,
    /// Clients that say that they have said all, in the middle or at the end, and do not read.
    HalfClosed,
    /// A password of a known user, another one each time.
    BadPasswords,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::SlowHeaders,
        Self::Connections,
        Self::HugeHeads,
        Self::Malformed,
        Self::HalfClosed,
        Self::BadPasswords,
    ];

    /// Clients at once.
    const fn clients(self) -> u64 {
        match self {
            Self::SlowHeaders => 500,
            Self::Connections => 5000,
            Self::HugeHeads | Self::Malformed => 4,
            Self::HalfClosed => 100,
            Self::BadPasswords => 32,
        }
    }
}

/// A running flood; it ends when it is dropped.
pub(crate) struct Flood {
    stop: Arc<AtomicBool>,
    /// What was sent of each kind: connections, or requests.
    sent: Vec<(Kind, Arc<AtomicU64>)>,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    pub(crate) fn start(kinds: &[Kind], address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut flood = Self { stop: stop.clone(), sent: Vec::new(), threads: Vec::new() };
        for kind in kinds.iter().copied() {
            let sent = Arc::new(AtomicU64::new(0));
            flood.sent.push((kind, sent.clone()));
            let stop = stop.clone();
            flood.threads.push(std::thread::spawn(move || {
                // Of this thread alone, on Linux.
                let own = rustix::process::getpriority_process(None).expect("a priority");
                rustix::process::setpriority_process(None, (own + LOWER).min(19))
                    .expect("a lower priority");
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(async {
                    for number in 0..kind.clients() {
                        tokio::spawn(client(kind, number, address, sent.clone()));
                    }
                    while !stop.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                });
            }));
        }
        flood
    }

    /// What was sent so far.
    pub(crate) fn sent(&self) -> Vec<(Kind, u64)> {
        self.sent.iter().map(|(kind, sent)| (*kind, sent.load(Ordering::Relaxed))).collect()
    }

    /// Waits until every client of it is there.
    pub(crate) async fn arrived(&self) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while self.sent().iter().any(|(kind, sent)| *sent < kind.clients() / 2) {
            assert!(std::time::Instant::now() < deadline, "no flood: {:?}", self.sent());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// One of the strangers, as long as the flood lasts.
async fn client(kind: Kind, number: u64, address: SocketAddr, sent: Arc<AtomicU64>) {
    let mut turn = number;
    loop {
        // Refused, reset, cut off: all the same to it.
        let _ = once(kind, turn, address, &sent).await;
        turn += kind.clients();
        tokio::task::yield_now().await;
    }
}

async fn once(kind: Kind, turn: u64, address: SocketAddr, sent: &AtomicU64) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::new();
    match kind {
        Kind::SlowHeaders => {
            stream.write_all(b"GET /probe HTTP/1.1\r\nhost: x\r\nx-slow: ").await?;
            sent.fetch_add(1, Ordering::Relaxed);
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                stream.write_all(b"x").await?;
            }
        }
        Kind::Connections => {
            sent.fetch_add(1, Ordering::Relaxed);
            stream.read_to_end(&mut answer).await?;
        }
        Kind::HugeHeads => {
            let (url, value) = match turn % 3 {
                0 => (60 * 1024, 0),
                1 => (0, 60 * 1024),
                _ => (1024 * 1024, 0),
            };
            let head = format!(
                "GET /{} HTTP/1.1\r\nhost: x\r\nx-huge: {}\r\nconnection: close\r\n\r\n",
                "x".repeat(url),
                "x".repeat(value)
            );
            sent.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all(head.as_bytes()).await;
            stream.read_to_end(&mut answer).await?;
        }
        Kind::Malformed => {
            let text: &[u8] = match turn % 8 {
                0 => b"\0\0\0\0\r\n\r\n",
                1 => b"GET\r\n\r\n",
                2 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                3 => b"GET / HTTP/9.9\r\n\r\n",
                4 => b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
                5 => b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
                6 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff",
                _ => b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            };
            stream.write_all(text).await?;
            sent.fetch_add(1, Ordering::Relaxed);
            stream.shutdown().await?;
            stream.read_to_end(&mut answer).await?;
        }
        Kind::HalfClosed => {
            let text: &[u8] = match turn % 2 {
                0 => b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n",
                _ => b"GET /metrics HTTP/1.1\r\nhost: ",
            };
            stream.write_all(text).await?;
            stream.shutdown().await?;
            sent.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Kind::BadPasswords => {
            let credential = STANDARD.encode(format!("prometheus:{turn}"));
            let head = format!(
                "GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credential}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            sent.fetch_add(1, Ordering::Relaxed);
            stream.read_to_end(&mut answer).await?;
        }
    }
    Ok(())
}
