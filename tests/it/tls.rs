//! Certificates and TLS as servers have them: verdict, expiry and phases of each condition.

use std::net::Ipv4Addr;
use std::path::Path;

use tokio::net::TcpListener;

use self::At::{Address, Site, Url};
use crate::exporter::Exporter;
use crate::program::Program;
use crate::provider::{Certificate as C, Provider};
use crate::scrape::probe_path;

const NEW_YEAR_2020: f64 = 1_577_836_800.0;
const NEW_YEAR_2090: f64 = 3_786_912_000.0;
const NEW_YEAR_2091: f64 = 3_818_448_000.0;

/// A target, and how it is reached.
enum At {
    /// The provider's site with this certificate.
    Site(C),
    /// The same by its address, for which no certificate is.
    Address(C),
    /// Another URL.
    Url(String),
}

/// A server that does this with each connection.
async fn server(then: impl Fn(tokio::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            then(stream);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn each_condition_has_its_reason_its_expiry_and_its_phases() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, provider.ca_pem()).unwrap();
    let ca = format!("ca_file: '{}'", ca_file.display());
    // Without a secret a module may be pointed anywhere.
    let modules: Vec<String> = [
        ("trusting", ca.clone()),
        ("system", String::new()),
        ("insecure", "insecure_skip_verify: true".to_owned()),
        ("named", format!("{ca}, server_name: id.example")),
        ("modern", format!("{ca}, min_version: TLS13")),
    ]
    .iter()
    .map(|(name, tls)| {
        format!(
            "  {name}: {{prober: oauth_cc, http: {{tls_config: {{{tls}}}}}, \
             oauth_cc: {{client: {{id: monitor-public, auth: none}}}}}}\n"
        )
    })
    .collect();
    let exporter = Exporter::start(&format!("modules:\n{}", modules.concat())).await;
    let closing = server(drop).await;
    let silent = server(|stream| {
        tokio::spawn(async move {
            let _open = stream;
            std::future::pending::<()>().await;
        });
    })
    .await;
    let plain = provider.url().replace("http://127.0.0.1", "https://localhost");

    // What happened in the handshake: whether it was finished, refused or never begun.
    let rows = [
        ("trusting", Site(C::Good), "ok", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::Rsa), "ok", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::P384), "ok", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::Tls12), "ok", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::Tls13), "ok", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::WholeChain), "ok", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::IncompleteChain), "certificate_untrusted", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::ExpiredIntermediate), "certificate_expired", Some(NEW_YEAR_2020)),
        ("trusting", Site(C::Expired), "certificate_expired", Some(NEW_YEAR_2020)),
        ("trusting", Site(C::NotYetValid), "certificate_not_yet_valid", Some(NEW_YEAR_2091)),
        ("trusting", Site(C::WrongName), "certificate_name_mismatch", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::NoName), "certificate_name_mismatch", Some(NEW_YEAR_2090)),
        ("trusting", Address(C::Good), "certificate_name_mismatch", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::Untrusted), "certificate_untrusted", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::SelfSigned), "certificate_untrusted", Some(NEW_YEAR_2090)),
        ("trusting", Site(C::ForClients), "certificate_invalid", Some(NEW_YEAR_2090)),
        ("system", Site(C::Good), "certificate_untrusted", Some(NEW_YEAR_2090)),
        ("insecure", Site(C::Expired), "ok", Some(NEW_YEAR_2020)),
        ("insecure", Site(C::SelfSigned), "ok", Some(NEW_YEAR_2090)),
        ("insecure", Site(C::WrongName), "ok", Some(NEW_YEAR_2090)),
        ("named", Site(C::WrongName), "ok", Some(NEW_YEAR_2090)),
        ("named", Site(C::Good), "certificate_name_mismatch", Some(NEW_YEAR_2090)),
        ("modern", Site(C::Tls13), "ok", Some(NEW_YEAR_2090)),
        ("modern", Site(C::Tls12), "tls_handshake", None),
        ("trusting", Url(plain), "tls_handshake", None),
        ("trusting", Url(closing), "connection_closed", None),
        ("trusting", Url(silent), "timeout", None),
    ];
    for (module, at, reason, expiry) in rows {
        let target = match &at {
            Site(certificate) => provider.tls_url(*certificate).to_owned(),
            Address(certificate) => {
                provider.tls_url(*certificate).replace("localhost", "127.0.0.1")
            }
            Url(url) => url.clone(),
        };
        let metrics = exporter.probe(module, &target, 1.0).await;
        let case = match at {
            Site(certificate) | Address(certificate) => format!("{module} at {certificate:?}"),
            Url(url) => format!("{module} at {url}"),
        };
        let story = if reason == "ok" {
            "discovery ok, token ok".to_owned()
        } else {
            format!("discovery {reason}, token -")
        };
        assert_eq!(metrics.story(), story, "{case}");
        assert_eq!(metrics.value("probe_ssl_earliest_cert_expiry"), expiry, "{case}");
        let phases = ["connect", "tls", "processing", "transfer"].map(|phase| {
            let series = format!(
                "probe_auth_step_http_duration_seconds{{step=\"discovery\",phase=\"{phase}\"}}"
            );
            metrics.value(&series).is_some()
        });
        let finished = reason == "ok";
        assert_eq!(phases, [true, true, finished, finished], "{case}");
    }
}

/// What answers a client that proves itself by its certificate, and never asks for that, lets
/// everybody in who knows its id.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_asks_for_the_client_certificate_is_not_quite_green() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let target = provider.tls_url(C::Good);
    let exporter = Exporter::start(&format!(
        "
modules:
  certified:
    prober: oauth_cc
    targets: ['{target}']
    http:
      tls_config: {{ca_file: '{}', cert_file: '{}', key_file: '{}'}}
    oauth_cc:
      client: {{id: monitor-public, auth: tls_client_auth}}
",
        file("ca.pem", &provider.ca_pem()),
        file("client.pem", &certificate.pem()),
        file("client.key", &key.serialize_pem()),
    ))
    .await;
    let metrics = exporter.probe("certified", target, 1.0).await;
    assert_eq!(metrics.story(), "discovery ok, token ok [client_certificate_unused]");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roots_of_the_system_are_those_of_its_file_and_its_folder() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = write("good.pem", &provider.ca_pem());
    let empty = write("empty.pem", "");
    write("folder/ca.pem", &provider.ca_pem());
    write("folder/README", "no certificate");
    let good_folder = folder.path().join("folder").display().to_string();
    let configuration = write(
        "auth_exporter.yml",
        "modules: {system: {prober: oauth_cc, oauth_cc: {client: {id: monitor-public, auth: none}}}}",
    );
    let path = probe_path("system", provider.tls_url(C::Good));
    for (file, folder, story) in [
        (Some(&good), None, "discovery ok, token ok"),
        (None, Some(&good_folder), "discovery ok, token ok"),
        (Some(&empty), Some(&good_folder), "discovery ok, token ok"),
        (Some(&empty), None, "discovery certificate_untrusted, token -"),
    ] {
        let set = [("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folder)];
        let variables = set.iter().filter_map(|(name, path)| Some((*name, (*path)?.clone())));
        let program = Program::start(Path::new(&configuration), &[], &variables.collect()).await;
        // The first probe, with roots that may not be loaded yet.
        assert_eq!(program.get(&path).await.metrics().story(), story, "{file:?} {folder:?}");
    }
}
