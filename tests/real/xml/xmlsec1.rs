//! Debian's `xmlsec1`, and keys for it in files.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use tempfile::TempDir;

use crate::installed;

/// The namespace of XML signatures.
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// What it must know of documents without a document type: elements whose attribute `ID` is one.
const IDS: [&str; 3] = [
    "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor",
];

/// A key and its certificate.
pub(super) struct Pair {
    pub(super) pem: String,
    pub(super) certificate: Vec<u8>,
    folder: TempDir,
}

impl Pair {
    pub(super) fn new(algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let certificate = CertificateParams::new([]).expect("names").self_signed(&key);
        let certificate = certificate.expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let pair =
            Self { pem: key.serialize_pem(), certificate: certificate.der().to_vec(), folder };
        std::fs::write(pair.file("key.pem"), &pair.pem).expect("a file");
        std::fs::write(pair.certificate_file(), certificate.pem()).expect("a file");
        pair
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn certificate_file(&self) -> PathBuf {
        self.file("certificate.pem")
    }

    /// Fills in the template of a signature that the document holds.
    pub(super) fn sign(&self, document: &str) -> String {
        let (given, signed) = (tempfile::NamedTempFile::new(), tempfile::NamedTempFile::new());
        let (given, signed) = (given.expect("a file"), signed.expect("a file"));
        std::fs::write(&given, document).expect("a file");
        let mut command = installed::debian("xmlsec1");
        command.arg("--sign").arg("--privkey-pem").arg(self.file("key.pem"));
        command.arg("--output").arg(signed.path());
        let output = command.args(ids()).arg(given.path()).output().expect("xmlsec1");
        assert!(output.status.success(), "{}\n{document}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(signed.path()).expect("a signed document")
    }

    /// Whether it verifies the signature of the document.
    pub(super) fn verifies(&self, document: &str) -> bool {
        let given = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&given, document).expect("a file");
        let mut command = installed::debian("xmlsec1");
        command.arg("--verify").arg("--pubkey-cert-pem").arg(self.certificate_file());
        command.args(ids()).arg(given.path()).output().expect("xmlsec1").status.success()
    }
}

fn ids() -> impl Iterator<Item = String> {
    IDS.into_iter().flat_map(|element| ["--id-attr:ID".to_owned(), element.to_owned()])
}
