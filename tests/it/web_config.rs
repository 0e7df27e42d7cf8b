//! TLS, users and limits of the exporter's own port: what is beside the toolkit's format.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::program::{Program, eventually, run};

/// A CA for servers and clients, in a folder with all files of the exporter.
struct Files {
    folder: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let files = Self { folder: tempfile::tempdir().unwrap(), ca };
        files.write("ca.pem", &files.ca.pem());
        files.issue("server", vec![SanType::DnsName("localhost".try_into().unwrap())]);
        files.write(
            "auth_exporter.yml",
            "modules: {m: {prober: oauth_cc, targets: ['http://127.0.0.1:1/'], oauth_cc: {client: {id: x, auth: none}}}}",
        );
        files
    }

    fn issue(&self, name: &str, names: Vec<SanType>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        self.write(&format!("{name}.pem"), &params.signed_by(&key, &self.ca).unwrap().pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    async fn start(&self, web: &str) -> Program {
        self.write("web.yml", web);
        let file = self.path("web.yml");
        let flags = ["--web.config.file", file.to_str().unwrap(), "--log.level", "debug"];
        Program::start(&self.path("auth_exporter.yml"), &flags, &BTreeMap::new()).await
    }

    /// A client that trusts the CA.
    fn client(&self, certificate: Option<&str>) -> reqwest::Client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(Arc::new(roots));
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(name) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap()],
                    PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap(),
                )
                .unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        reqwest::Client::builder().tls_backend_preconfigured(config).build().unwrap()
    }
}

const PAIR: &str = "cert_file: server.pem, key_file: server.key";

fn url(program: &Program, path: &str) -> String {
    format!("https://localhost:{}{path}", program.address.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_over_tls_unless_it_is_switched_off() {
    let files = Files::new();
    for (setting, version) in [
        ("", reqwest::Version::HTTP_2),
        ("\nhttp_server_config: {http2: false}", reqwest::Version::HTTP_11),
    ] {
        let program = files.start(&format!("tls_server_config: {{{PAIR}}}{setting}")).await;
        let client = files.client(None);
        let answer = client.get(url(&program, "/sd")).send().await.unwrap();
        assert_eq!(answer.version(), version);
        let text = answer.text().await.unwrap();
        let address = format!("\"targets\":[\"localhost:{}\"]", program.address.port());
        assert!(text.contains(&address) && text.contains(r#""__scheme__":"https""#), "{text}");
        let answer = client.head(url(&program, "/metrics")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer = client.post(url(&program, "/-/reload")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_needs_a_name_that_is_allowed() {
    let files = Files::new();
    let name = |text: &str| text.try_into().unwrap();
    let cases = [
        ("dns", SanType::DnsName(name("prometheus.example")), true),
        ("mail", SanType::Rfc822Name(name("prometheus@example.com")), true),
        ("uri", SanType::URI(name("spiffe://example/prometheus")), true),
        ("v4", SanType::IpAddress([192, 0, 2, 1].into()), true),
        ("v6", SanType::IpAddress("2001:db8::1".parse().unwrap()), true),
        ("other", SanType::DnsName(name("other.example")), false),
        // Compared whole and letter by letter.
        ("below", SanType::DnsName(name("a.prometheus.example")), false),
        ("upper", SanType::DnsName(name("Prometheus.example")), false),
    ];
    let program = files
        .start(&format!(
            "tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, \
             client_allowed_sans: [prometheus.example, prometheus@example.com, 'spiffe://example/prometheus', 192.0.2.1, '2001:db8::1']}}"
        ))
        .await;
    for (certificate, name, allowed) in cases {
        files.issue(certificate, vec![name]);
        let answer = files.client(Some(certificate)).get(url(&program, "/-/healthy")).send().await;
        assert_eq!(answer.is_ok(), allowed, "{certificate}: {answer:?}");
    }
    files.issue("none", Vec::new());
    assert!(files.client(Some("none")).get(url(&program, "/")).send().await.is_err());
}

/// Until a certificate and its key are a pair again, the old pair stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_changes_nothing_and_is_told_once() {
    let files = Files::new();
    let good = format!("tls_server_config: {{{PAIR}}}");
    let program = files.start(&good).await;
    let status = async || {
        let answer = files.client(None).get(url(&program, "/-/healthy")).send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    };
    assert_eq!(status().await, 200);
    for (name, text, error) in [
        ("server.key", &KeyPair::generate().unwrap().serialize_pem(), "key_file: is not the key"),
        ("web.yml", &"nonsense: 1".to_owned(), "unknown field `nonsense`"),
        ("web.yml", &String::new(), "TLS is switched on and off by a restart alone"),
    ] {
        let before = std::fs::read_to_string(files.path(name)).unwrap();
        files.write(name, text);
        for _ in 0..3 {
            assert_eq!(status().await, 200, "{error}");
        }
        let told = program.find(error, |log| Some(log.matches(error).count()).filter(|n| *n > 0));
        assert_eq!(told.await, 1, "{error}");
        files.write(name, &before);
        assert_eq!(status().await, 200, "{error}");
    }
    let loaded = |log: &str| log.matches("web configuration loaded").count();
    // Each time it was mended.
    eventually("the good files", || loaded(&program.log()) == 3).await;
}

/// The modules come into force all the same, and the metric follows the files without a reload.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_tells_of_a_bad_file_too() {
    let files = Files::new();
    let program = files.start("rate_limit: {interval: 1ms, burst: 1000}").await;
    let good = async || {
        let metrics = program.get("/metrics").await.metrics();
        metrics.value("auth_exporter_config_last_reload_successful")
    };
    files.write("web.yml", "nonsense: 1");
    let modules = std::fs::read_to_string(files.path("auth_exporter.yml")).unwrap();
    files.write("auth_exporter.yml", &modules.replace("{m: ", "{other: "));
    let answer = program.send("POST", "/-/reload", &[]).await;
    assert_eq!(answer.status, 500);
    let told = format!("failed to reload config: {}:1: nonsense: ", text(&files.path("web.yml")));
    assert!(answer.text().starts_with(&told), "{}", answer.text());
    assert!(program.get("/config").await.text().contains("other:"));
    assert_eq!(good().await, Some(0.0));
    files.write("auth_exporter.yml", "nonsense: 1");
    let answer = program.send("POST", "/-/reload", &[]).await.text();
    assert_eq!(answer.matches("nonsense: ").count(), 2, "{answer}");
    files.write("auth_exporter.yml", &modules);
    assert_eq!(program.send("POST", "/-/reload", &[]).await.status, 500);
    files.write("web.yml", "");
    assert_eq!(good().await, Some(1.0));
    assert_eq!(program.send("POST", "/-/reload", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_in_the_log_with_no_name_but_that_of_a_user() {
    let files = Files::new();
    let hash = bcrypt::hash("right", 4).unwrap();
    let program = files.start(&format!("basic_auth_users: {{alice: '{hash}'}}")).await;
    for (credential, line) in [
        ("alice:hidden", "msg=\"Login refused\" client=127.0.0.1 user=alice untold=0\n"),
        ("hidden:right", "msg=\"Login refused\" client=127.0.0.1 untold=0\n"),
    ] {
        assert_eq!(status(program.address, [127, 0, 0, 1], credential).await, 401);
        program.find(line, |log| log.contains(line).then_some(())).await;
    }
    // A browser asks before it has one.
    assert_eq!(program.get("/").await.status, 401);
    assert_eq!(status(program.address, [127, 0, 0, 1], "alice:right").await, 200);
    let log = program.log();
    assert!(log.matches("refused").count() == 2 && !log.contains("hidden"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_http_to_a_port_with_tls_is_told() {
    let files = Files::new();
    let program = files.start(&format!("tls_server_config: {{{PAIR}}}")).await;
    let answer = program.get("/metrics").await;
    assert_eq!((answer.status, answer.text().as_str()), (400, "This port speaks HTTPS\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_end_is_cut_off_and_keeps_nobody() {
    let files = Files::new();
    let mut program = files.start(&format!("tls_server_config: {{{PAIR}}}")).await;
    let mut silent = TcpStream::connect(program.address).await.unwrap();
    let mut halfway = TcpStream::connect(program.address).await.unwrap();
    // The beginning of a ClientHello.
    halfway.write_all(&[22, 3, 1, 1, 0, 1]).await.unwrap();
    let started = Instant::now();
    let mut byte = [0];
    for stream in [&mut silent, &mut halfway] {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut byte)).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
    }
    assert!(started.elapsed() > Duration::from_secs(5), "{:?}", started.elapsed());
    // One that is under way is no reason to stay.
    let _halfway = TcpStream::connect(program.address).await.unwrap();
    let started = Instant::now();
    program.signal("TERM");
    assert_eq!(program.exit().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_the_rate_limit_has_are_refused() {
    let files = Files::new();
    let program = files.start("rate_limit: {interval: 1h, burst: 3}").await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(program.get("/-/healthy").await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// The status of a request from this address of loopback with this credential.
async fn status(program: SocketAddr, from: [u8; 4], credential: &str) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::from(from), 0))).unwrap();
    let mut stream = socket.connect(program).await.unwrap();
    let request = format!(
        "GET /-/healthy HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic {}\r\n\r\n",
        STANDARD.encode(credential)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Each wrong password takes a tenth of a second and more; who has been let in before does not
/// wait for them, and who comes for the first time waits for one.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_passwords_keeps_nobody_else_waiting() {
    let files = Files::new();
    let hash = bcrypt::hash("right", 10).unwrap();
    let program = files.start(&format!("basic_auth_users: {{a: '{hash}', b: '{hash}'}}")).await;
    let address = program.address;
    let (there, elsewhere) = ([127, 0, 0, 2], [127, 0, 0, 3]);
    assert_eq!(status(address, there, "a:right").await, 200);
    let flood: Vec<_> = (0..400)
        .map(|number| {
            tokio::spawn(async move {
                status(address, [127, 0, 0, 1], &format!("mallory:{number}")).await
            })
        })
        .collect();
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(status(address, there, "a:right").await, 200);
    }
    let known = started.elapsed();
    let started = Instant::now();
    assert_eq!(status(address, elsewhere, "b:right").await, 200);
    let unknown = started.elapsed();
    assert!(known < Duration::from_secs(3), "20 requests took {known:?}");
    assert!(unknown < Duration::from_secs(5), "the first one took {unknown:?}");
    let mut statuses = BTreeMap::new();
    for request in flood {
        *statuses.entry(request.await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(statuses.keys().copied().collect::<Vec<_>>(), [401, 503], "{statuses:?}");
}

#[test]
fn the_web_configuration_is_checked_too() {
    let files = Files::new();
    let check = |web: &str| {
        files.write("web.yml", web);
        let output = run(
            &[
                "--config.check",
                "--config.file",
                text(&files.path("auth_exporter.yml")),
                "--web.config.file",
                text(&files.path("web.yml")),
            ],
            &BTreeMap::new(),
        );
        let text = |bytes| {
            let folder = format!("{}/", files.folder.path().display());
            String::from_utf8(bytes).unwrap().replace(&folder, "")
        };
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let fine = "auth_exporter.yml: 1 module, all fine\nweb.yml: all fine\n".to_owned();
    assert_eq!(check(&format!("tls_server_config: {{{PAIR}}}")), (Some(0), fine, String::new()));
    let wrong = "web.yml:2: tls_server_config.key_file: cannot read missing: No such file or directory (os error 2)\n".to_owned();
    assert_eq!(
        check("tls_server_config:\n  {cert_file: server.pem, key_file: missing}"),
        (Some(2), String::new(), wrong)
    );
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
