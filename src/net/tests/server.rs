//! Servers for the tests: scripted HTTP/1.1, over TCP or TLS, and certificates for them.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::net::ClientIdentity;

/// What a server does with a request.
pub(crate) enum Reply {
    /// Answers and goes on.
    Send(Vec<u8>),
    /// Answers and closes.
    Last(Vec<u8>),
    /// Answers as far as this and then says nothing more.
    Stall(Vec<u8>),
    /// Answers with this and then with `x` until nobody reads.
    Endless(Vec<u8>),
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::Send(
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into(),
        )
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::Send(
            format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
                .into(),
        )
    }
}

type Script = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// A server on loopback.
pub(crate) struct Server {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    received: Received,
}

/// Head, in lower case, and body of each request.
type Received = Arc<Mutex<Vec<(String, String)>>>;

impl Server {
    /// Plain HTTP. The script gets the head of each request.
    pub(crate) async fn http(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let script: Script = Arc::new(script);
        Self::tcp(move |stream, received| converse(stream, script.clone(), received)).await
    }

    /// HTTP over TLS.
    pub(crate) async fn https(
        config: ServerConfig,
        script: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let script: Script = Arc::new(script);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::tcp(move |stream, received| {
            let (acceptor, script) = (acceptor.clone(), script.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let kind = stream.get_ref().1.handshake_kind();
                    assert_ne!(kind, Some(rustls::HandshakeKind::Resumed));
                    converse(stream, script, received).await;
                }
            }
        })
        .await
    }

    /// Whatever the function does with a connection.
    pub(crate) async fn tcp<F>(serve: impl Fn(TcpStream, Received) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            open: Arc::default(),
            received: Arc::default(),
        };
        let (connections, open, received) =
            (server.connections.clone(), server.open.clone(), server.received.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (serving, open) = (serve(stream, received.clone()), open.clone());
                tokio::spawn(async move {
                    serving.await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// A URL by address.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// A URL by name.
    pub(crate) fn named(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.port)
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The first line of each request so far and, behind it, its body.
    pub(crate) fn requests(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let first = |head: &str| head.lines().next().unwrap_or_default().replace(" http/1.1", "");
        received
            .iter()
            .map(|(head, body)| format!("{} {body}", first(head)).trim().to_owned())
            .collect()
    }

    /// The heads of the requests so far, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|(head, _)| head.clone()).collect()
    }
}

/// A port of loopback on which nobody listens.
pub(crate) async fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}

/// Serves requests until the script or the peer ends it.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: Script,
    received: Received,
) {
    while let Some((head, body)) = read_request(&mut stream).await {
        received.lock().unwrap().push((head.to_ascii_lowercase(), body));
        match script(&head) {
            Reply::Send(bytes) => {
                // In two writes, as most servers do: head, then body.
                let end =
                    bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
                for part in [&bytes[..end], &bytes[end..]] {
                    if stream.write_all(part).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
            Reply::Last(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Reply::Endless(bytes) => {
                let mut next = stream.write_all(&bytes).await;
                while next.is_ok() {
                    next = stream.write_all(&[b'x'; 8192]).await;
                }
                return;
            }
        }
    }
}

/// The next request: its head and its body.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

/// A CA, and what it issues.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate before it is issued.
pub(crate) fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params
}

/// A CA certificate before it is issued.
pub(crate) fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// The same, but expired on New Year 2020.
pub(crate) fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
    params
}

/// The same, but valid from 2090.
pub(crate) fn early(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2090, 1, 1);
    params.not_after = date_time_ymd(2091, 1, 1);
    params
}

impl Authority {
    /// A root.
    pub(crate) fn root(name: &str) -> Self {
        Self::of(ca(name))
    }

    /// A root with another kind of key.
    pub(crate) fn root_of_ed25519(name: &str) -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self(CertifiedIssuer::self_signed(ca(name), key).unwrap())
    }

    /// One that issued itself.
    pub(crate) fn of(params: CertificateParams) -> Self {
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server with the certificate of this CA itself.
    pub(crate) fn server_of_itself(&self) -> ServerConfig {
        builder(rustls::ALL_VERSIONS)
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], private(self.0.key()))
            .unwrap()
    }

    /// An intermediate.
    pub(crate) fn issue_ca(&self, params: CertificateParams) -> Self {
        Self(CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.0).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A server with a certificate of this CA and, after it, these.
    pub(crate) fn server(&self, leaf: &CertificateParams, chain: &[&Authority]) -> ServerConfig {
        self.server_for(leaf, chain, rustls::ALL_VERSIONS)
    }

    pub(crate) fn server_for(
        &self,
        leaf: &CertificateParams,
        chain: &[&Authority],
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut certificates = vec![leaf.signed_by(&key, &self.0).unwrap().der().clone()];
        certificates.extend(chain.iter().map(|authority| authority.der()));
        builder(versions)
            .with_no_client_auth()
            .with_single_cert(certificates, private(&key))
            .unwrap()
    }

    /// A server that has another key than its certificate.
    pub(crate) fn server_of_another_key(
        &self,
        leaf: &CertificateParams,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ServerConfig {
        let [own, other] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let certificate = leaf.signed_by(&own, &self.0).unwrap().der().clone();
        let other = rustls::crypto::aws_lc_rs::sign::any_supported_type(&private(&other)).unwrap();
        let certified = CertifiedKey::new(vec![certificate], other);
        builder(versions)
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
    }

    /// A client with a certificate of this CA.
    pub(crate) fn identity(&self) -> ClientIdentity {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf("client.example").signed_by(&key, &self.0).unwrap();
        ClientIdentity::from_pem(&certificate.pem(), &key.serialize_pem()).unwrap()
    }

    /// A server that asks for a client certificate of this CA.
    pub(crate) fn demanding_server(
        &self,
        leaf: &CertificateParams,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &self.0).unwrap().der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .unwrap();
        builder(versions)
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], private(&key))
            .unwrap()
    }
}

/// A server with a certificate that issued itself.
pub(crate) fn self_signed(params: &CertificateParams) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    builder(rustls::ALL_VERSIONS)
        .with_no_client_auth()
        .with_single_cert(vec![certificate], private(&key))
        .unwrap()
}

fn builder(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}
