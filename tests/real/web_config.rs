//! The web configuration beside Debian's `blackbox_exporter`: the same files, the same questions,
//! the same answers.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};
use tempfile::TempDir;

use super::authority::{Authority, issue_self_signed, write};
use super::both::Program;
use super::running::Running;

/// Both exporters with one web configuration.
struct Both {
    folder: TempDir,
    exporters: Vec<(&'static str, String, Running)>,
}

fn command(program: Program, folder: &Path) -> Command {
    let mut command = program.command(folder);
    command.arg(format!("--web.config.file={}", folder.join("web.yml").display()));
    command
}

/// A folder with certificates of a server and of clients, and both configurations.
fn folder(web: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (servers, clients) = (Authority::new("CA of servers"), Authority::new("CA of clients"));
    servers.issue(folder.path(), "server", 2060);
    clients.issue(folder.path(), "good", 2060);
    clients.issue(folder.path(), "expired", 2020);
    Authority::new("CA of others").issue(folder.path(), "foreign", 2060);
    issue_self_signed(folder.path(), "self-signed");
    write(folder.path(), "clients.pem", &clients.issuer.pem());
    write(folder.path(), "web.yml", web);
    write(
        folder.path(),
        "auth_exporter.yml",
        "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}",
    );
    write(folder.path(), "blackbox_exporter.yml", "modules: {m: {prober: http}}");
    folder
}

impl Both {
    fn start(web: &str) -> Self {
        let folder = folder(web);
        let exporters = Program::BOTH.map(|program| {
            let (address, running) = program.start(&mut command(program, folder.path()));
            (program.name(), address, running)
        });
        Self { folder, exporters: exporters.into() }
    }

    /// Asks both, and expects the same of them.
    fn answer(&self, request: &Request<'_>, expected: &str) {
        for (name, address, _) in &self.exporters {
            let answer = request.send(address, self.folder.path());
            assert_eq!(answer, expected, "{name}: {request:?}");
        }
    }
}

/// A request, and how its connection is made.
#[derive(Debug, Clone, Copy)]
struct Request<'a> {
    /// `None` for plain HTTP.
    tls: Option<&'a [&'static SupportedProtocolVersion]>,
    /// Name of the client's certificate.
    certificate: Option<&'a str>,
    path: &'a str,
    authorization: Option<&'a str>,
}

const PLAIN: Request<'_> =
    Request { tls: None, certificate: None, path: "/metrics", authorization: None };
const OLDER: Request<'_> = Request { tls: Some(&[&TLS12]), ..PLAIN };
const NEWER: Request<'_> = Request { tls: Some(&[&TLS13]), ..PLAIN };

/// The headers that are compared.
const HEADERS: [&str; 3] = ["www-authenticate", "strict-transport-security", "x-frame-options"];

impl Request<'_> {
    /// The status and some headers; `no connection` when TLS came to none.
    fn send(&self, address: &str, folder: &Path) -> String {
        let stream = TcpStream::connect(address).expect("a server that listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        match self.tls {
            None => self.exchange(stream),
            Some(versions) => {
                let config = client(versions, self.certificate, folder);
                let name = ServerName::try_from("127.0.0.1").expect("an address");
                let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
                self.exchange(StreamOwned::new(connection, stream))
            }
        }
    }

    fn exchange(&self, mut stream: impl Read + Write) -> String {
        let mut request = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", self.path);
        if let Some(authorization) = self.authorization {
            request.extend(["Authorization: ", authorization, "\r\n"]);
        }
        let mut answer = Vec::new();
        let read = stream
            .write_all(format!("{request}\r\n").as_bytes())
            .and_then(|()| stream.read_to_end(&mut answer));
        // One that was cut short is as good as one that ended, when something came.
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no answer in a minute"),
            _ if answer.is_empty() => return "no connection".to_owned(),
            _ => {}
        }
        let answer = String::from_utf8_lossy(&answer);
        let (head, _) = answer.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers: BTreeMap<String, &str> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let mut told = status.to_owned();
        for name in HEADERS {
            if let Some(value) = headers.get(name) {
                // The realm, which the standard wants, is ours alone.
                let value = value.split(" realm=").next().unwrap_or_default();
                told.extend([" ", name, "=", value]);
            }
        }
        told
    }
}

fn client(
    versions: &[&'static SupportedProtocolVersion],
    certificate: Option<&str>,
    folder: &Path,
) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_protocol_versions(versions)
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let Some(name) = certificate else { return builder.with_no_client_auth() };
    let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.pem")))
        .expect("a file")
        .collect::<Result<_, _>>()
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).expect("a key");
    let certified = rustls::sign::CertifiedKey::from_der(chain, key, builder.crypto_provider());
    // Also where the server does not name its authority.
    let resolver = rustls::sign::SingleCertAndKey::from(certified.expect("a pair"));
    builder.with_client_cert_resolver(Arc::new(resolver))
}

/// Whose certificate the server has is another test's.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).expect("a hash")
}

fn basic(credential: &str) -> String {
    format!("Basic {}", STANDARD.encode(credential))
}

#[test]
fn users_and_headers() {
    let web = |users: &str| {
        format!(
            "basic_auth_users: {{{users}}}
http_server_config: {{headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=60}}}}
"
        )
    };
    let both = Both::start(&web(&format!("alice: '{}', bob: '{}'", hash("one"), hash("two"))));
    let headers = "strict-transport-security=max-age=60 x-frame-options=deny";
    let admitted = format!("200 {headers}");
    let refused = format!("401 www-authenticate=Basic {headers}");
    for (authorization, expected) in [
        (None, &refused),
        (Some(basic("alice:one")), &admitted),
        (Some(basic("bob:two")), &admitted),
        (Some(basic("alice:two")), &refused),
        (Some(basic("alice:")), &refused),
        (Some(basic("mallory:one")), &refused),
        (Some(basic("Alice:one")), &refused),
        (Some(basic("alice")), &refused),
        (Some(basic("alice:one").replace("Basic", "basic")), &admitted),
        (Some(basic("alice:one").replace("Basic", "Bearer")), &refused),
        (Some("Basic".to_owned()), &refused),
        (Some("Basic ?".to_owned()), &refused),
    ] {
        let request = Request { authorization: authorization.as_deref(), ..PLAIN };
        both.answer(&request, expected);
        // From memory.
        both.answer(&request, expected);
    }
    // No path is open.
    for path in ["/", "/probe", "/-/healthy", "/-/reload", "/config", "/elsewhere"] {
        both.answer(&Request { path, ..PLAIN }, &refused);
    }

    // From one request to the next.
    let (alice, bob) = (basic("alice:one"), basic("bob:two"));
    write(both.folder.path(), "web.yml", &web(&format!("alice: '{}'", hash("three"))));
    both.answer(&Request { authorization: Some(&alice), ..PLAIN }, &refused);
    both.answer(&Request { authorization: Some(&bob), ..PLAIN }, &refused);
    let alice = basic("alice:three");
    both.answer(&Request { authorization: Some(&alice), ..PLAIN }, &admitted);
    // A file without users may be half written. Only blackbox_exporter lets everybody in at once.
    write(both.folder.path(), "web.yml", "");
    for (name, address, _) in &both.exporters {
        let expected = if *name == "auth_exporter" { refused.as_str() } else { "200" };
        assert_eq!(PLAIN.send(address, both.folder.path()), expected, "{name}");
    }
}

#[test]
fn versions_of_tls() {
    let pair = "cert_file: server.pem, key_file: server.key";
    for (settings, expected) in [
        ("", ["400", "200", "200"]),
        (", min_version: TLS12", ["400", "200", "200"]),
        (", min_version: TLS13", ["400", "no connection", "200"]),
        (", max_version: TLS12", ["400", "200", "no connection"]),
        (
            ", max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
            ["400", "200", "no connection"],
        ),
        // For a certificate with an RSA key, which this is not.
        (
            ", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]",
            ["400", "no connection", "200"],
        ),
        (", curve_preferences: [CurveP384]", ["400", "200", "200"]),
    ] {
        // With HTTP/2 Go wants one of two suites in the list.
        let both = Both::start(&format!(
            "tls_server_config: {{{pair}{settings}}}\nhttp_server_config: {{http2: false}}"
        ));
        let [plain, older, newer] = expected;
        both.answer(&PLAIN, plain);
        both.answer(&OLDER, older);
        both.answer(&NEWER, newer);
    }
}

#[test]
fn certificates_of_clients() {
    const CERTIFICATES: [Option<&str>; 5] =
        [None, Some("good"), Some("expired"), Some("foreign"), Some("self-signed")];
    let pair = "cert_file: server.pem, key_file: server.key";
    let (yes, no) = ("200", "no connection");
    for (settings, expected) in [
        ("", [yes, yes, yes, yes, yes]),
        (", client_auth_type: RequestClientCert", [yes, yes, yes, yes, yes]),
        (", client_auth_type: RequireClientCert", [no, yes, yes, yes, yes]),
        (", client_auth_type: RequireAnyClientCert", [no, yes, yes, yes, yes]),
        (
            ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: clients.pem",
            [yes, yes, no, no, no],
        ),
        (
            ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem",
            [no, yes, no, no, no],
        ),
    ] {
        let both = Both::start(&format!("tls_server_config: {{{pair}{settings}}}"));
        for (certificate, expected) in CERTIFICATES.into_iter().zip(expected) {
            for request in [OLDER, NEWER] {
                both.answer(&Request { certificate, ..request }, expected);
            }
        }
    }
}

#[test]
fn what_is_refused_at_the_start() {
    let pair = "cert_file: server.pem, key_file: server.key";
    for web in [
        "nonsense: 1".to_owned(),
        "basic_auth_users: {alice: password}".to_owned(),
        "http_server_config: {headers: {Server: x}}".to_owned(),
        "http_server_config: {headers: {X-Frame-Options: maybe}}".to_owned(),
        "tls_server_config: {cert_file: server.pem}".to_owned(),
        "tls_server_config: {cert_file: missing.pem, key_file: server.key}".to_owned(),
        "tls_server_config: {cert_file: server.pem, key_file: good.key}".to_owned(),
        format!("tls_server_config: {{{pair}, client_ca_file: clients.pem}}"),
        format!("tls_server_config: {{{pair}, client_auth_type: Nobody}}"),
        format!("tls_server_config: {{{pair}, min_version: SSL30}}"),
        format!("tls_server_config: {{{pair}, cipher_suites: [TLS_MINE]}}"),
        format!("tls_server_config: {{{pair}, curve_preferences: [Curve]}}"),
    ] {
        let folder = folder(&web);
        for program in Program::BOTH {
            let output = command(program, folder.path()).output().expect("a program");
            assert!(!output.status.success(), "{program:?} takes {web}");
        }
    }
}

/// The end of a new certificate's validity shows that it is the new one.
#[test]
fn a_new_certificate_is_shown_to_the_next_client() {
    let both = Both::start("tls_server_config: {cert_file: server.pem, key_file: server.key}");
    let presented = |address: &str| {
        let stream = TcpStream::connect(address).expect("a server that listens");
        let config = client(&[&TLS13], None, both.folder.path());
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = StreamOwned::new(connection, stream);
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("a request");
        stream.conn.peer_certificates().expect("a certificate")[0].to_vec()
    };
    let der = |name: &str| {
        CertificateDer::from_pem_file(both.folder.path().join(name)).expect("a file").to_vec()
    };
    for _ in 0..3 {
        for (name, address, _) in &both.exporters {
            assert_eq!(presented(address), der("server.pem"), "{name}");
        }
        Authority::new("CA of servers").issue(both.folder.path(), "server", 2061);
    }
}
