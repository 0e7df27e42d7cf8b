//! `saml` against identity providers and service providers that nobody here wrote.

mod lemonldap_ng;
mod pysaml2;
mod saml_idp;
mod shibboleth;

use std::fmt::Write as _;
use std::path::PathBuf;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, date_time_ymd,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::blocks::with;
use super::exporter::{Exporter, story};
use super::login::Server;

/// Who asks, and who answers.
const SP: &str = "https://sp.example/saml";
const IDP: &str = "urn:example:idp";
const PASSWORD: &str = "p ä+ss&w%rd=";

const PEOPLE: [&str; 4] = ["ada", "bob", "cyd", "dan"];

/// A key and a certificate, in memory and in files.
struct Pair {
    key: String,
    public_key: String,
    certificate: String,
    der: Vec<u8>,
    folder: TempDir,
}

impl Pair {
    fn new() -> Self {
        Self::until(2040)
    }

    /// Ends with the beginning of a year.
    fn until(year: i32) -> Self {
        let mut params = CertificateParams::new([]).expect("names");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "saml");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a new key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let pair = Self {
            key: key.serialize_pem(),
            public_key: key.public_key_pem(),
            certificate: certificate.pem(),
            der: certificate.der().to_vec(),
            folder: tempfile::tempdir().expect("a folder"),
        };
        std::fs::write(pair.key_file(), &pair.key).expect("a file");
        std::fs::write(pair.certificate_file(), &pair.certificate).expect("a file");
        pair
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn fingerprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    fn as_json(&self) -> Value {
        json!({"key": self.key, "certificate": self.certificate})
    }
}

/// The keys of both sides.
struct Keys {
    idp: Pair,
    sp: Pair,
}

impl Keys {
    fn new() -> Self {
        Self { idp: Pair::new(), sp: Pair::new() }
    }
}

/// A service provider that knows the identity provider by its name and certificate.
#[derive(Debug, Clone, Copy)]
enum Consumer {
    Pysaml2,
    Python3Saml,
    NodeSaml,
}

impl Consumer {
    fn start(self, keys: &Keys) -> Server {
        let settings = json!({
            "entity_id": SP,
            "pair": keys.sp.as_json(),
            "provider": {"entity_id": IDP, "pair": keys.idp.as_json()},
        });
        match self {
            Self::Pysaml2 => Server::python("pysaml2_consumer", settings),
            Self::Python3Saml => Server::python("python3_saml_consumer", settings),
            Self::NodeSaml => {
                Server::node("node-saml", include_str!("../node/node_saml.mjs"), settings)
            }
        }
    }
}

/// A block that signs this person on and gives the response to a service provider.
fn sign_on(username: &str, acs_url: &str) -> Value {
    json!({
        "role": "idp",
        "entity_id": IDP,
        "sso": {
            "sp_entity_id": SP,
            "acs_url": acs_url,
            "login": {"username": username, "password": PASSWORD},
            "acs": {},
        },
    })
}

/// A probe and how each of its steps ended.
struct Row {
    name: String,
    target: String,
    block: Value,
    story: String,
}

fn row(name: &str, target: &str, block: Value, story: &str) -> Row {
    let (name, target, story) = (name.to_owned(), target.to_owned(), story.to_owned());
    Row { name, target, block, story }
}

/// An exporter with a module for each row.
fn exporter(rows: &[Row]) -> Exporter {
    let modules = rows.iter().map(|row| {
        let module = json!({
            "prober": "saml",
            "timeout": "50s",
            "targets": [row.target],
            "saml": row.block,
        });
        (row.name.clone(), module)
    });
    let modules: Map<String, Value> = modules.collect();
    // JSON is YAML.
    Exporter::start(&json!({"modules": modules}).to_string())
}

/// Every probe has its story; all that have another are told at once.
fn each_has_its_story(rows: &[Row]) -> Exporter {
    let exporter = exporter(rows);
    let mut wrong = String::new();
    for Row { name, target, story: expected, .. } in rows {
        let metrics = exporter.probe(name, target);
        let found = story(&metrics);
        let succeeds = !metrics.contains("probe_auth_failure_info{");
        assert_eq!(metrics.contains("\nprobe_success 1\n"), succeeds, "{metrics}");
        if found != *expected {
            let _ = writeln!(wrong, "\n{name}\n expected {expected}\n found    {found}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    exporter
}

fn probe_story(exporter: &Exporter, row: &Row) -> String {
    story(&exporter.probe(&row.name, &row.target))
}

/// A server that is gone.
fn assert_stopped(server: Server, exporter: &Exporter, row: &Row) {
    drop(server);
    let metrics = exporter.probe(&row.name, &row.target);
    let story = story(&metrics);
    let (first, others) = story.split_once(", ").expect("several steps");
    assert_eq!(first, "metadata connection_refused", "{metrics}");
    assert!(others.split(", ").all(|step| step.ends_with(" -")), "{story}");
}
