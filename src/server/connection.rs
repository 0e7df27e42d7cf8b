//! Connections: accepted, with TLS where it is configured, and served until they end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::sync::watch::Receiver;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use super::places::{Place, Places};
use super::{App, routes};

/// A client must have sent its request head within this time, and its part of a handshake.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest request head.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The same, for the builder that wants it so.
const MAX_HEADER_LIST: u32 = 64 * 1024;
/// Requests of one HTTP/2 connection that are answered at once.
const MAX_STREAMS: u32 = 128;
/// An HTTP/2 connection that is silent for so long is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long connections may go on once the exporter is to stop, and no probe runs: longer than
/// any does that was asked for with the usual timeouts.
const LONGEST_STOP: Duration = Duration::from_secs(125);
/// How long an answer may take to be sent, after that; and who was let in before, to ask for one.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// Accepts until it is told to stop; then closes the listener and waits for what runs. Who was let in
/// before may ask once: a socket that outlives this process hands nobody over who was accepted here.
pub(super) async fn accept(
    app: Arc<App>,
    listener: TcpListener,
    places: Arc<Places>,
    mut stopping: Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    // Ends when everybody has asked for something, or gone.
    let (unasked, mut all_asked) = mpsc::channel(1);
    loop {
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
        let place = tokio::select! {
            biased;
            place = places.take() => place,
            _ = stopping.changed() => break,
        };
        let Some(place) = place else { break };
        let place = Arc::new(place);
        let connection = Connection {
            app: app.clone(),
            peer,
            local: stream.local_addr().ok(),
            place,
            unasked: Unasked::new(unasked.clone()),
        };
        tokio::spawn(connection.run(stream, graceful.watcher(), stopping.clone()));
    }
    drop(listener);
    drop(unasked);
    let _ = tokio::time::timeout(LAST_ANSWER, all_asked.recv()).await;
    // A probe is waited for, and not who does not read an answer.
    let ended = graceful.shutdown();
    tokio::pin!(ended);
    let mut patience = LONGEST_STOP;
    while tokio::time::timeout(patience, &mut ended).await.is_err() {
        if !app.is_probing() {
            tracing::warn!("connections are left that did not end");
            break;
        }
        patience = LAST_ANSWER;
    }
}

/// What is known of one connection.
struct Connection {
    app: Arc<App>,
    peer: SocketAddr,
    local: Option<SocketAddr>,
    place: Arc<Place>,
    unasked: Arc<Unasked>,
}

/// Held until the first request of a connection.
struct Unasked(Mutex<Option<mpsc::Sender<Infallible>>>);

impl Unasked {
    fn new(held: mpsc::Sender<Infallible>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(held))))
    }

    fn ask(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Ends when nothing was asked in time.
    async fn too_long(&self) {
        tokio::time::sleep(HEADER_TIMEOUT).await;
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            std::future::pending::<()>().await;
        }
    }
}

impl Connection {
    /// When the client goes away, hyper drops the answer that is being made, and with it the
    /// probe.
    async fn run(self, stream: TcpStream, watcher: Watcher, mut stopping: Receiver<()>) {
        let _ = stream.set_nodelay(true);
        let (peer, place) = (self.peer, self.place.clone());
        let ended = tokio::select! {
            ended = self.converse(stream, watcher, &mut stopping) => ended,
            () = place.needed() => Err("its place was needed for another".to_owned()),
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, error, "connection ended");
        }
    }

    async fn converse(
        self,
        stream: TcpStream,
        watcher: Watcher,
        stopping: &mut Receiver<()>,
    ) -> Result<(), String> {
        match self.app.web.tls().await {
            None => self.serve(stream, false, watcher).await,
            Some(config) => {
                let handshake = tokio::select! {
                    handshake = handshake(config, stream) => handshake,
                    () = stopped_for_long(stopping) => return Ok(()),
                };
                match handshake {
                    Ok(stream) => {
                        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        // A connection without TLS has no room for it.
                        Box::pin(self.serve(stream, http2, watcher)).await
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    async fn serve<S>(self, stream: S, http2: bool, watcher: Watcher) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (local, client) = (self.local, self.peer.ip());
        let (app, place) = (self.app.clone(), self.place.clone());
        let unasked = self.unasked.clone();
        let service = service_fn(move |request| {
            unasked.ask();
            let (app, asking) = (app.clone(), place.asked());
            async move {
                let answer = routes::answer(&app, local, client, request).await;
                drop(asking);
                Ok::<_, Infallible>(answer)
            }
        });
        let stream = TokioIo::new(stream);
        let ended = if http2 {
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_header_list_size(MAX_HEADER_LIST)
                .max_concurrent_streams(MAX_STREAMS)
                .keep_alive_interval(KEEP_ALIVE)
                .serve_connection(stream, service);
            // Before the first request, hyper waits for a client without an end.
            tokio::select! {
                ended = watcher.watch(connection) => ended,
                () = self.unasked.too_long() => return Err("the client asked for nothing".to_owned()),
            }
        } else {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(stream, service);
            watcher.watch(connection).await
        };
        ended.map_err(|error| error.to_string())
    }
}

/// Ends when it is a while ago that the exporter was told to stop.
async fn stopped_for_long(stopping: &mut Receiver<()>) {
    let _ = stopping.changed().await;
    tokio::time::sleep(LAST_ANSWER).await;
}

/// The handshake. Who speaks HTTP to it is told what is wrong.
async fn handshake(
    config: Arc<ServerConfig>,
    mut stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let shaking = async {
        let mut first = [0];
        // A record of TLS begins with its type, a method with a letter.
        if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
            stream.write_all(PLAIN_REFUSED).await?;
            stream.shutdown().await?;
            return Err(io::Error::other("plain HTTP where TLS is spoken"));
        }
        TlsAcceptor::from(config).accept(stream).await
    };
    tokio::time::timeout(HEADER_TIMEOUT, shaking).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long"))
    })
}

const PLAIN_REFUSED: &[u8] = b"HTTP/1.0 400 Bad Request\r\nconnection: close\r\n\
    content-type: text/plain; charset=utf-8\r\n\r\nThis port speaks HTTPS\n";
