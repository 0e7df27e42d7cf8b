//! What is probed: a small provider over TLS with HTTP/1.1, on two origins, which counts
//! what comes to it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use auth_exporter::protocol::jose::{Algorithm, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HeaderValue, LOCATION, SET_COOKIE,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{HandshakeKind, ServerConfig};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::Result;
use crate::work::{AGGREGATE_PATH, keys_path};

/// The client that may have a token.
pub(crate) const CLIENT_ID: &str = "bench";
pub(crate) const CLIENT_SECRET: &str = "a-secret-of-the-benchmark";
/// The key of the API that redirects.
pub(crate) const API_KEY: &str = "a-key-of-the-benchmark";
pub(crate) const API_KEY_HEADER: &str = "x-api-key";
/// Who logs in.
pub(crate) const LOGIN_USER: &str = "ada";
pub(crate) const LOGIN_PASSWORD: &str = "a-password-of-the-benchmark";
/// `iss` and `aud` of its tokens.
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
/// The scope that is asked for, and granted.
pub(crate) const SCOPE: &str = "monitoring:health";

/// The running target, on threads of its own.
pub(crate) struct Target {
    /// Two origins of the same provider.
    pub(crate) origins: [String; 2],
    /// The certificate of its authority.
    pub(crate) ca_pem: String,
    provider: Arc<Provider>,
}

struct Provider {
    /// What the token endpoint answers.
    token_response: Bytes,
    /// `Authorization` of the client, and of a request with the token.
    basic: String,
    bearer: String,
    /// Key sets of one key and of a thousand.
    one_key: Bytes,
    many_keys: Bytes,
    /// Metadata, once there is some.
    aggregate: OnceLock<Bytes>,
    hold: Hold,
    requests: AtomicUsize,
    full_handshakes: AtomicUsize,
    resumptions: AtomicUsize,
}

/// What came to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Requests.
    pub(crate) requests: usize,
    /// Connections with a full handshake.
    pub(crate) full_handshakes: usize,
    /// Connections with a resumed session.
    pub(crate) resumptions: usize,
}

impl std::ops::Sub for Seen {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            full_handshakes: self.full_handshakes - before.full_handshakes,
            resumptions: self.resumptions - before.resumptions,
        }
    }
}

impl Target {
    /// Starts it on two free ports of loopback; `host` stands in its URLs.
    pub(crate) fn start(host: &str) -> Result<Self> {
        let authority = Authority::new()?;
        let tls = authority.acceptor(host)?;
        let provider = Arc::new(Provider::new()?);
        let mut origins = Vec::new();
        for _ in 0..2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let listener = runtime.block_on(async { listen(Ipv4Addr::LOCALHOST) })?;
            origins.push(format!("https://{host}:{}", listener.local_addr()?.port()));
            let (tls, provider) = (tls.clone(), provider.clone());
            std::thread::spawn(move || runtime.block_on(accept(listener, tls, provider)));
        }
        let origins = origins.try_into().map_err(|_| "two origins")?;
        Ok(Self { origins, ca_pem: authority.0.pem(), provider })
    }

    /// What came so far.
    pub(crate) fn seen(&self) -> Seen {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        Seen {
            requests: count(&self.provider.requests),
            full_handshakes: count(&self.provider.full_handshakes),
            resumptions: count(&self.provider.resumptions),
        }
    }

    /// Where a client sends somebody who logs in.
    pub(crate) fn login_url(&self) -> String {
        let [first, _] = &self.origins;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("redirect_uri", &self.callback_url())
            .append_pair("state", "bench")
            .finish();
        format!("{first}/authorize?{query}")
    }

    /// Where the answer goes: a browser has to come to a page there.
    pub(crate) fn callback_url(&self) -> String {
        let [_, second] = &self.origins;
        format!("{second}/callback")
    }

    /// From now on it has this metadata; once.
    pub(crate) fn publish(&self, metadata: Bytes) {
        // A second one would be the same.
        let _ = self.provider.aggregate.set(metadata);
    }

    /// From now on a token is given to nobody before so many wait for theirs; 0 is at once.
    pub(crate) fn hold_until(&self, waiting: usize) {
        self.provider.hold.until.store(waiting, Ordering::Relaxed);
    }
}

/// The same provider at many addresses of loopback, as if it were many.
pub(crate) struct Farm {
    /// Its origins.
    pub(crate) origins: Vec<String>,
    /// The certificate of its authority.
    pub(crate) ca_pem: String,
}

impl Farm {
    /// Starts it on a thread of its own: `addresses` addresses from 127.1.0.1 on, each with a
    /// certificate and `ports` free ports.
    pub(crate) fn start(addresses: u32, ports: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (authority, provider) = (Authority::new()?, Arc::new(Provider::new()?));
        let mut origins = Vec::new();
        for number in 1..=addresses {
            let address = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + number);
            let tls = authority.acceptor(&address.to_string())?;
            for _ in 0..ports {
                let listener = runtime.block_on(async { listen(address) })?;
                origins.push(format!("https://{}", listener.local_addr()?));
                runtime.spawn(accept(listener, tls.clone(), provider.clone()));
            }
        }
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        Ok(Self { origins, ca_pem: authority.0.pem() })
    }
}

/// Who signs the certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?))
    }

    /// With a leaf for this host, whose key is of P-256 too.
    fn acceptor(&self, host: &str) -> Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new([host.to_owned()])?.signed_by(&key, &self.0)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// On a free port, with room for all that connect at the same moment.
fn listen(address: Ipv4Addr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((address, 0).into())?;
    socket.listen(4096)
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, provider: Arc<Provider>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(tls.accept(stream), provider.clone()));
            }
            Err(error) => return eprintln!("target: {error}"),
        }
    }
}

/// One connection. What goes wrong on it is seen by the probe at its other end.
async fn serve(handshake: tokio_rustls::Accept<TcpStream>, provider: Arc<Provider>) {
    let Ok(stream) = handshake.await else { return };
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    let counter = if resumed { &provider.resumptions } else { &provider.full_handshakes };
    counter.fetch_add(1, Ordering::Relaxed);
    let service = service_fn(|request| {
        let provider = provider.clone();
        async move { Ok::<_, Infallible>(provider.answer(request).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Provider {
    fn new() -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let access_token = access_token(&key)?;
        let signing = jwk(&key, KEY_ID)?;
        // Real sets have keys of different owners: each has a modulus of its own.
        let others = (0..999).map(|number| other_key(&signing, number));
        let many: Vec<Value> = others.chain([signing.clone()]).collect();
        let token_response = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": SCOPE,
        });
        Ok(Self {
            token_response: token_response.to_string().into(),
            basic: format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))),
            bearer: format!("Bearer {access_token}"),
            one_key: json!({"keys": [signing]}).to_string().into(),
            many_keys: json!({"keys": many}).to_string().into(),
            aggregate: OnceLock::new(),
            hold: Hold::default(),
            requests: AtomicUsize::default(),
            full_handshakes: AtomicUsize::default(),
            resumptions: AtomicUsize::default(),
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let holds = |name: &str, value: &str| {
            head.headers.get(name).is_some_and(|sent| sent.as_bytes() == value.as_bytes())
        };
        let path = head.uri.path();
        if head.method == Method::POST && path.starts_with("/token") {
            let grants: [&[u8]; 2] =
                [b"grant_type=client_credentials", b"grant_type=authorization_code"];
            let granted = body.collect().await.is_ok_and(|body| {
                let body = body.to_bytes();
                grants.iter().any(|grant| body.starts_with(grant))
            });
            if !granted || !holds(AUTHORIZATION.as_str(), &self.basic) {
                return status(StatusCode::UNAUTHORIZED);
            }
            self.hold.wait().await;
            let mut response = document(self.token_response.clone());
            let no_store = HeaderValue::from_static("no-store");
            response.headers_mut().insert(CACHE_CONTROL, no_store);
            return response;
        }
        if path == "/api" {
            if !holds(AUTHORIZATION.as_str(), &self.bearer) {
                return status(StatusCode::UNAUTHORIZED);
            }
            return document(Bytes::from_static(br#"{"sub":"bench","active":true}"#));
        }
        let query = head.uri.query().unwrap_or_default();
        match (&head.method, path) {
            (&Method::GET, "/authorize") => return redirect(&format!("/login?{query}")),
            (&Method::GET, "/login") => return login_page(query),
            (&Method::POST, "/login") => {
                let body = body.collect().await.map(http_body_util::Collected::to_bytes);
                return logged_in(query, &head.headers, &body.unwrap_or_default());
            }
            (&Method::GET, "/callback") => return page("<h1>Welcome back</h1>"),
            _ => {}
        }
        for (many_keys, set) in [(false, &self.one_key), (true, &self.many_keys)] {
            if path == keys_path(many_keys) {
                return document(set.clone());
            }
        }
        if let Some(aggregate) = self.aggregate.get().filter(|_| path == AGGREGATE_PATH) {
            let mut response = Response::new(Full::new(aggregate.clone()));
            let content_type = HeaderValue::from_static("application/samlmetadata+xml");
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            return response;
        }
        match path.strip_prefix("/redirect/").and_then(|left| left.parse::<usize>().ok()) {
            Some(_) if !holds(API_KEY_HEADER, API_KEY) => status(StatusCode::UNAUTHORIZED),
            Some(0) => document(Bytes::from_static(br#"{"arrived":true}"#)),
            Some(left) => {
                let mut response = status(StatusCode::FOUND);
                if let Ok(next) = HeaderValue::from_str(&format!("/redirect/{}", left - 1)) {
                    response.headers_mut().insert(LOCATION, next);
                }
                response
            }
            None => status(StatusCode::NOT_FOUND),
        }
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

fn redirect(to: &str) -> Response<Full<Bytes>> {
    let mut response = status(StatusCode::FOUND);
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

fn page(body: &str) -> Response<Full<Bytes>> {
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in</title>\
         <style>body {{ font: 16px sans-serif }} form {{ margin: 4em auto; width: 20em }} \
         label, input, button {{ display: block; width: 100%; margin: .5em 0 }}</style></head>\
         <body>{body}</body></html>"
    );
    let mut response = Response::new(Full::new(text.into()));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

/// A page with a form whose token must come back with its cookie.
fn login_page(query: &str) -> Response<Full<Bytes>> {
    const TOKEN: &str = "3f1d5f0c9f5e4f0a";
    let action = query.replace('&', "&amp;");
    let mut response = page(&format!(
        "<form method=\"post\" action=\"/login?{action}\"><h1>Sign in</h1>\
         <input type=\"hidden\" name=\"token\" value=\"{TOKEN}\">\
         <label>User name <input name=\"username\" autocomplete=\"username\"></label>\
         <label>Password <input type=\"password\" name=\"password\"></label>\
         <button type=\"submit\">Sign in</button></form>"
    ));
    if let Ok(cookie) = HeaderValue::from_str(&format!("token={TOKEN}; Path=/; HttpOnly")) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn logged_in(query: &str, headers: &http::HeaderMap, body: &[u8]) -> Response<Full<Bytes>> {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).collect();
    let asked: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let cookie = headers.get(COOKIE).and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let told = |name: &str| form.get(name).map(AsRef::as_ref).unwrap_or_default();
    let is_known = told("username") == LOGIN_USER && told("password") == LOGIN_PASSWORD;
    if !is_known || cookie != format!("token={}", told("token")) {
        return status(StatusCode::FORBIDDEN);
    }
    let of_request = |name: &str| asked.get(name).map(AsRef::as_ref).unwrap_or_default();
    let (back, state) = (of_request("redirect_uri"), of_request("state"));
    redirect(&format!("{back}?code=a-code-of-the-benchmark&state={state}"))
}

fn document(json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

const KEY_ID: &str = "2026-11-bench";

/// A token of the usual size and form, RS256.
fn access_token(key: &KeyPair) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let header = json!({"typ": "at+jwt", "kid": KEY_ID});
    let claims = json!({
        "iss": ISSUER,
        "sub": CLIENT_ID,
        "client_id": CLIENT_ID,
        "aud": AUDIENCE,
        "scope": SCOPE,
        "iat": now,
        "exp": now + 3600,
        "jti": "0b5f1c3e-93f5-4f0a-8c54-6f2d6c0e7a11",
    });
    let key = SigningKey::from_pem(&key.serialize_pem(), Some(Algorithm::Rs256))?;
    let header = header.as_object().cloned().unwrap_or_default();
    Ok(key.sign(header, &claims, &aws_lc_rs::rand::SystemRandom::new())?)
}

/// The public half of a key (RFC 7517 §4, RFC 7518 §6.3).
fn jwk(key: &KeyPair, id: &str) -> Result<Value> {
    let private = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes())?;
    let mut jwk = Jwk::from_encoding_key(&private, jsonwebtoken::Algorithm::RS256)?;
    jwk.common.key_id = Some(id.to_owned());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(serde_json::to_value(jwk)?)
}

/// A key of the same size that nobody has the private half of.
fn other_key(like: &Value, number: usize) -> Value {
    let modulus = like.get("n").and_then(Value::as_str).unwrap_or_default();
    let (begin, end) = modulus.split_at(modulus.len() / 2);
    let end = end.get(3..).unwrap_or_default();
    json!({
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": format!("2026-10-{number:03}"),
        "n": format!("{begin}{number:03}{end}"),
        "e": "AQAB",
    })
}

/// Lets requests wait for one another, so that a known number is in flight.
#[derive(Default)]
struct Hold {
    until: AtomicUsize,
    waiting: AtomicUsize,
    released: watch::Sender<()>,
}

impl Hold {
    async fn wait(&self) {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return;
        }
        let mut released = self.released.subscribe();
        if self.waiting.fetch_add(1, Ordering::Relaxed) + 1 == until {
            self.waiting.store(0, Ordering::Relaxed);
            self.released.send_replace(());
        } else {
            // The sender lives as long as this.
            let _ = released.changed().await;
        }
    }
}
