//! Certificates in files, for servers and for clients.

use std::path::Path;

use super::provider::Certificate;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// A CA.
pub(crate) struct Authority {
    pub(crate) issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a new key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a CA") }
    }

    /// `NAME.pem` and `NAME.key` in the folder, valid until this year begins.
    pub(crate) fn issue(&self, folder: &Path, name: &str, until: i32) {
        self.issue_for(folder, name, "127.0.0.1", until);
    }

    /// The same for a host instead of the address of loopback.
    pub(crate) fn issue_for(&self, folder: &Path, name: &str, host: &str, until: i32) {
        let key = KeyPair::generate().expect("a new key");
        let certificate =
            leaf(name, host, until).signed_by(&key, &self.issuer).expect("a certificate");
        write(folder, &format!("{name}.pem"), &certificate.pem());
        write(folder, &format!("{name}.key"), &key.serialize_pem());
    }

    /// The same as text.
    pub(crate) fn certificate(&self) -> Certificate {
        let folder = tempfile::tempdir().expect("a folder");
        self.issue(folder.path(), "server", 2060);
        let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("a file");
        Certificate { chain: read("server.pem"), key: read("server.key") }
    }
}

/// The same of a certificate that issued itself.
pub(crate) fn issue_self_signed(folder: &Path, name: &str) {
    let key = KeyPair::generate().expect("a new key");
    let certificate = leaf(name, "127.0.0.1", 2060).self_signed(&key).expect("a certificate");
    write(folder, &format!("{name}.pem"), &certificate.pem());
    write(folder, &format!("{name}.key"), &key.serialize_pem());
}

fn leaf(name: &str, host: &str, until: i32) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).expect("a host");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

/// Writes a file into the folder.
pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file");
}
