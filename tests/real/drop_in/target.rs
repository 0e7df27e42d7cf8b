//! What is probed: a server that does what the path says, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A running server, until the test ends.
pub(super) struct Target {
    /// Scheme, host and port.
    pub(super) origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    waits: Arc<AtomicBool>,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Method and path.
    pub(super) request: String,
    head: String,
    pub(super) body: String,
}

impl Seen {
    /// The value of a header, or `-`.
    pub(super) fn header(&self, name: &str) -> String {
        let value = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        value.unwrap_or_else(|| "-".to_owned())
    }
}

impl Target {
    /// Starts it with plain HTTP.
    pub(super) fn start() -> Self {
        Self::listen("127.0.0.1:0", None)
    }

    /// Starts it on another address of loopback.
    pub(super) fn start_at(address: &str) -> Self {
        Self::listen(address, None)
    }

    /// Starts it over TLS with `NAME.pem` and `NAME.key` of the folder.
    pub(super) fn start_tls(folder: &Path, name: &str) -> Self {
        let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.pem")))
            .expect("a file")
            .collect::<Result<_, _>>()
            .expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a pair");
        Self::listen("127.0.0.1:0", Some(Arc::new(config)))
    }

    fn listen(address: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let waits = Arc::new(AtomicBool::new(true));
        let (all, all_wait) = (seen.clone(), waits.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, tls, waits) = (all.clone(), tls.clone(), all_wait.clone());
                std::thread::spawn(move || connection(stream, tls, &seen, &waits));
            }
        });
        Self { origin, seen, waits }
    }

    /// The URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// What it was asked so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("the requests").clone()
    }

    /// Waits until it was asked so often, at most.
    pub(super) fn wait_for(&self, requests: usize) {
        soon(|| self.seen().len() >= requests);
    }

    /// Lets go what was held back until now.
    pub(super) fn release(&self) {
        self.waits.store(false, Ordering::Relaxed);
    }

    /// The first request.
    pub(super) fn first(&self) -> Seen {
        self.seen().first().expect("a request").clone()
    }

    /// Methods and paths of the requests: `GET /a, GET /b`.
    pub(super) fn requests(&self) -> String {
        let seen: Vec<String> = self.seen().into_iter().map(|seen| seen.request).collect();
        if seen.is_empty() { "no request".to_owned() } else { seen.join(", ") }
    }
}

/// Waits until a condition holds, and says whether it did in time.
pub(super) fn soon(holds: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn connection(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    seen: &Mutex<Vec<Seen>>,
    waits: &AtomicBool,
) {
    let Some(config) = tls else { return serve(stream, seen, waits) };
    let mut stream = StreamOwned::new(ServerConnection::new(config).expect("a server"), stream);
    serve(&mut stream, seen, waits);
    stream.conn.send_close_notify();
    // Without a wait for what the other side has to say to that, as `flush` has it.
    let (connection, socket) = (&mut stream.conn, &mut stream.sock);
    while connection.wants_write() && connection.write_tls(socket).is_ok() {}
}

/// Who goes away before the answer has seen enough.
fn serve(stream: impl Read + Write, seen: &Mutex<Vec<Seen>>, waits: &AtomicBool) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !stream.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {
            return;
        }
    }
    let request = head.split(" HTTP/").next().unwrap_or_default().to_owned();
    let mut asked = Seen { request, head, body: String::new() };
    let mut body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    asked.body = String::from_utf8_lossy(&body).into_owned();
    let path = asked.request.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().expect("the requests").push(asked);
    if path == "/hang" {
        // Until the other side has had enough.
        let _ = stream.read(&mut [0]);
        return;
    }
    while path == "/held" && waits.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = stream.get_mut().write_all(&answer(&path)).and_then(|()| stream.get_mut().flush());
}

fn answer(path: &str) -> Vec<u8> {
    let number = |prefix: &str| path.strip_prefix(prefix)?.parse::<u16>().ok();
    let (mut status, mut more, mut body) = (200, String::new(), b"let in".to_vec());
    if let Some(found) = number("/status/") {
        status = found;
    } else if let Some(hops) = number("/redirect/") {
        if hops > 0 {
            (status, more) = (302, format!("Location: /redirect/{}\r\n", hops - 1));
        }
    } else if path == "/cookie" {
        (status, more) = (302, "Location: /\r\nSet-Cookie: a=b; Path=/\r\n".to_owned());
    } else if path == "/loop" {
        (status, more) = (302, "Location: /loop\r\n".to_owned());
    } else if let Some(url) = path.strip_prefix("/to?") {
        (status, more) = (302, format!("Location: {url}\r\n"));
    } else if let Some(length) = number("/bytes/") {
        body = vec![b'x'; usize::from(length)];
    } else if path == "/slow" {
        // A time that can be told from none.
        std::thread::sleep(Duration::from_millis(500));
    } else if path == "/gzip" {
        let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
        compressed.write_all(&body).expect("memory");
        body = compressed.finish().expect("memory");
        "Content-Encoding: gzip\r\n".clone_into(&mut more);
    } else if path == "/chunked" {
        let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        text.extend(b"6\r\nlet in\r\n0\r\n\r\n");
        return text;
    } else if path == "/token" {
        "Content-Type: application/json\r\nCache-Control: no-store\r\n".clone_into(&mut more);
        body = br#"{"access_token": "t-0123456789", "token_type": "Bearer", "expires_in": 60}"#
            .to_vec();
    } else if path == "/token-refused" {
        (status, more) = (401, "Content-Type: application/json\r\n".to_owned());
        body = br#"{"error": "invalid_client"}"#.to_vec();
    }
    let length = body.len();
    let mut text = format!(
        "HTTP/1.1 {status} Some\r\nX-Checked: yes\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    text.extend(body);
    text
}
