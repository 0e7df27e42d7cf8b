//! The floor: a client that does the requests of the work, checks that they succeed, and
//! does nothing else. It runs as a process of its own, so that its CPU time is measured as
//! that of the others; it is told what to do in lines of JSON.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::load::{Load, Loaded, Pace};
use crate::target::{API_KEY, API_KEY_HEADER, CLIENT_ID, CLIENT_SECRET};
use crate::work::{AGGREGATE_PATH, REDIRECTS, Work, keys_path};

/// What the bare client is told: one line, answered by one line with a [`Loaded`].
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    /// What each probe does.
    pub(crate) work: Work,
    /// How many of them.
    pub(crate) load: Load,
    /// The two origins of the target.
    pub(crate) origins: [String; 2],
    /// Whom to trust.
    pub(crate) ca_pem: String,
}

/// Carries out orders from standard input until it is closed.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let loaded = runtime.block_on(carry_out(order))?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&loaded)?)?;
        out.flush()?;
    }
    Ok(())
}

async fn carry_out(order: Order) -> Result<Loaded> {
    let [first, second] = &order.origins;
    let connector = TlsConnector::from(Arc::new(tls(&order.ca_pem)?));
    let client = Arc::new(Client {
        work: order.work,
        first: Origin::new(first, connector.clone())?,
        second: Origin::new(second, connector)?,
        basic: format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))),
    });
    let pace = Pace::new(order.load);
    let mut probers = JoinSet::new();
    for _ in 0..order.load.at_once {
        let (client, pace) = (client.clone(), pace.clone());
        probers.spawn(async move {
            let mut times: Vec<Duration> = Vec::new();
            while pace.goes_on() {
                let begun = Instant::now();
                client.probe().await?;
                times.push(begun.elapsed());
            }
            Ok::<_, crate::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(prober) = probers.join_next().await {
        times.extend(prober??);
    }
    pace.loaded(times)
}

/// Verifies certificates, and begins each connection with a full handshake, as the exporter.
fn tls(ca_pem: &str) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // First what the exporter offers first: their handshakes do the same work.
    provider.cipher_suites.sort_by_key(|suite| {
        !suite.suite().as_str().is_some_and(|name| name.contains("_AES_128_"))
    });
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

struct Client {
    work: Work,
    first: Origin,
    second: Origin,
    basic: String,
}

impl Client {
    async fn probe(&self) -> Result<()> {
        let mut connection = self.first.connect().await?;
        match self.work {
            Work::Token | Work::Targets { .. } => {
                self.token(&mut connection).await?;
            }
            Work::OneOrigin => {
                let token = self.token(&mut connection).await?;
                self.first.get(&mut connection, "/api", AUTHORIZATION.as_str(), &token).await?;
            }
            Work::TwoOrigins => {
                let token = self.token(&mut connection).await?;
                let mut connection = self.second.connect().await?;
                self.second.get(&mut connection, "/api", AUTHORIZATION.as_str(), &token).await?;
            }
            Work::Verified { .. } | Work::Scheduled => {
                let many_keys = matches!(self.work, Work::Verified { many_keys: true });
                let token = self.token(&mut connection).await?;
                self.first.get(&mut connection, keys_path(many_keys), "accept", "*/*").await?;
                self.first.get(&mut connection, "/api", AUTHORIZATION.as_str(), &token).await?;
            }
            Work::Login => return Err("it cannot log in".into()),
            Work::Aggregate => {
                self.first.get(&mut connection, AGGREGATE_PATH, "accept", "*/*").await?;
            }
            Work::Redirects => {
                let mut path = format!("/redirect/{REDIRECTS}");
                for _ in 0..=REDIRECTS {
                    let headers =
                        self.first.get(&mut connection, &path, API_KEY_HEADER, API_KEY).await?;
                    if let Some(next) = headers.get(LOCATION) {
                        next.to_str()?.clone_into(&mut path);
                    }
                }
            }
        }
        Ok(())
    }

    /// The `Authorization` that comes of a token request.
    async fn token(&self, connection: &mut Connection) -> Result<String> {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        let request = Request::post("/token")
            .header(HOST, &self.first.authority)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, &self.basic)
            .body(Full::from("grant_type=client_credentials&scope=monitoring%3Ahealth"))?;
        let (_, body) = send(connection, request).await?;
        let token: Token = serde_json::from_slice(&body)?;
        Ok(format!("Bearer {}", token.access_token))
    }
}

type Connection = SendRequest<Full<Bytes>>;

struct Origin {
    /// Host and port.
    authority: String,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Origin {
    fn new(origin: &str, connector: TlsConnector) -> Result<Self> {
        let authority = origin.strip_prefix("https://").ok_or("no https origin")?.to_owned();
        let (host, _) = authority.rsplit_once(':').ok_or("no port in the origin")?;
        Ok(Self { name: ServerName::try_from(host.to_owned())?, authority, connector })
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // How it ends is seen by the request on it.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn get(
        &self,
        connection: &mut Connection,
        path: &str,
        header: &str,
        credential: &str,
    ) -> Result<HeaderMap> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header(HOST, &self.authority)
            .header(header, credential)
            .body(Full::default())?;
        Ok(send(connection, request).await?.0)
    }
}

async fn send(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
) -> Result<(HeaderMap, Bytes)> {
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    if matches!(head.status, StatusCode::OK | StatusCode::FOUND) {
        Ok((head.headers, body))
    } else {
        Err(format!("status {}", head.status).into())
    }
}
