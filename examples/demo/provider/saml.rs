//! Metadata of SAML: a signed aggregate of an identity provider and a service provider.
//!
//! A fault is another [`Document`], or does something to the text of the good one.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use auth_exporter::protocol::jose::{Algorithm, SigningKey};
use auth_exporter::protocol::saml::time;
use auth_exporter::protocol::xml::signature::{Signer, sign};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData};
use tempfile::TempDir;

use super::answer::Answer;
use super::fault::Fault;
use super::{Site, keys};

pub(super) const METADATA: &str = "/saml/metadata";

const DAY: i64 = 24 * 3600;
/// Where a valid certificate ends, and where the metadata does, in days from now.
const VALID: (i64, i64) = (-1, 365);
const VALID_UNTIL: i64 = 10;

/// The certificate of a federation, and of everybody else a self-signed one like it.
pub(super) struct Certified {
    key: KeyPair,
    pub(super) der: Vec<u8>,
}

impl Certified {
    /// Valid from and until so many days from now.
    fn new(name: &str, (from, until): (i64, i64)) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let at = |days: i64| {
            let seconds = Duration::from_secs(days.unsigned_abs() * DAY.unsigned_abs());
            let now = SystemTime::now();
            let moment = if days < 0 { now - seconds } else { now + seconds };
            moment.into()
        };
        (params.not_before, params.not_after) = (at(from), at(until));
        let key = KeyPair::generate().expect("a new key");
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        Self { key, der }
    }

    pub(super) fn verifies(&self, message: &[u8], signed: &[u8]) -> bool {
        let public = self.key.der_bytes();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(message, signed).is_ok()
    }

    pub(super) fn signing_key(&self) -> SigningKey {
        SigningKey::from_pem(&self.key.serialize_pem(), Some(Algorithm::Es256))
            .expect("a P-256 key")
    }
}

/// What the provider signs metadata with, in files for those who verify it.
pub(super) struct Federation {
    signer: Certified,
    idp: Certified,
    folder: TempDir,
}

impl Federation {
    pub(super) fn generate() -> Self {
        let federation = Self {
            signer: Certified::new("demo federation", VALID),
            idp: Certified::new("demo idp", VALID),
            folder: tempfile::tempdir().expect("a folder"),
        };
        let pem = keys::pem("CERTIFICATE", &federation.signer.der);
        std::fs::write(federation.file(), pem).expect("a file");
        let key = PARTNER.key.serialize_pem();
        std::fs::write(federation.sp_key_file(), key).expect("a file");
        federation
    }

    /// The certificate that the signature of the metadata is verified with.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("federation.pem")
    }

    /// The key with which the service provider signs its requests.
    pub(super) fn sp_key_file(&self) -> PathBuf {
        self.folder.path().join("sp.key")
    }

    /// With what the identity provider signs.
    pub(super) fn idp_signing_key(&self) -> SigningKey {
        self.idp.signing_key()
    }

    pub(super) fn idp_certificate(&self) -> &[u8] {
        &self.idp.der
    }

    /// SHA-256 of the certificate with which the identity provider signs.
    pub(super) fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, &self.idp.der);
        hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            let separator = if text.is_empty() { "" } else { ":" };
            // Writing into a String cannot fail.
            let _ = write!(text, "{separator}{byte:02X}");
            text
        })
    }
}

/// A certificate of 1024 bits, signed with SHA-1, until 2089.
const WEAK: &str = "MIIB/DCCAWWgAwIBAgIUXsKJhKQtMBocIxBLHGf2vq0+iHowDQYJKoZIhvcNAQEFBQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMjYwNDE1NTVaGA8yMDg5MTExNTA0MTU1NVowDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAxCZNLT0SBWHjavCVm7DNpkbre/xuon+2Sv4Sv+k2k4/4AQBqnNrbeJI21v6i30Ice8hXIiswX0km+DQYsSHTLMN9kFi/HJZYyZSH0Z8cQkRd8P7MiPSHDIntByVO6aiq2SOEYwhxVjX+aPhKFN4GU+8j19LWsmJFvvr0TzBkpjUCAwEAAaNTMFEwHQYDVR0OBBYEFLIaj5FnomAiLTnZR7PmSyJG9J3jMB8GA1UdIwQYMBaAFLIaj5FnomAiLTnZR7PmSyJG9J3jMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQEFBQADgYEAp+uDW3pP88p5xg3lPHN1AsH4A2CPu8xUxfQgjb22+YtKnDOKsDs5iNJ23qyIdtcphtsdNQENxlGWg+I/MiI3IzGOLpcJrAsNAM3zbYnV8meF5aytK1GkwbW/kAz3w1R5/WfZr95opBWRjqC180vZ1HFM3SB5UZWkX6YW76bN9TI=";

fn certificate(days: (i64, i64)) -> String {
    STANDARD.encode(Certified::new("demo idp", days).der)
}

/// What stands in the aggregate.
struct Document {
    valid_until: String,
    /// Key that signs it, if one does.
    signer: Option<SigningKey>,
    /// Certificates with which the identity provider signs, in base64.
    signing: Vec<String>,
    /// What becomes of the good text.
    change: fn(String) -> String,
}

impl Document {
    fn good(site: &Site) -> Self {
        let federation = &site.shared.federation;
        Self {
            valid_until: in_days(VALID_UNTIL),
            signer: Some(federation.signer.signing_key()),
            signing: vec![STANDARD.encode(&federation.idp.der)],
            change: |text| text,
        }
    }

    fn answer(&self, site: &Site) -> Answer {
        let (before, after) = self.halves(&site.base);
        let text = match &self.signer {
            None => format!("{before}{after}"),
            Some(key) => {
                let random = SystemRandom::new();
                sign(&before, &after, ID, &Signer::new(key), &random).expect("a document")
            }
        };
        Answer::new(StatusCode::OK, "application/samlmetadata+xml", text)
    }

    /// The document before and after its signature.
    fn halves(&self, base: &str) -> (String, String) {
        let before = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EntitiesDescriptor ID=\"{ID}\" \
             xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" validUntil=\"{}\" \
             cacheDuration=\"PT6H\">",
            self.valid_until
        );
        let signing = self.signing.iter().fold(String::new(), |text, certificate| {
            text + &key_descriptor(Some("signing"), certificate)
        });
        let own = STANDARD.encode(&PARTNER.der);
        let text = format!(
            "<EntityDescriptor entityID=\"{base}/saml/idp\">\
             <IDPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL}\" \
             WantAuthnRequestsSigned=\"true\">{signing}{}\
             <SingleSignOnService Binding=\"{BINDINGS}:HTTP-POST\" Location=\"{base}/saml/sso\"/>\
             <SingleSignOnService Binding=\"{BINDINGS}:HTTP-Redirect\" Location=\"{base}/saml/sso\"/>\
             </IDPSSODescriptor></EntityDescriptor>\
             <EntityDescriptor entityID=\"{base}/saml/sp\">\
             <SPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL}\" \
             WantAssertionsSigned=\"1\">{}\
             <AssertionConsumerService Binding=\"{BINDINGS}:HTTP-POST\" \
             Location=\"{base}/saml/acs\" index=\"0\"/>\
             </SPSSODescriptor></EntityDescriptor></EntitiesDescriptor>\n",
            key_descriptor(Some("encryption"), &own),
            key_descriptor(None, &own),
        );
        (before, (self.change)(text))
    }
}

const ID: &str = "_aggregate";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const BINDINGS: &str = "urn:oasis:names:tc:SAML:2.0:bindings";

/// The keys that nobody judges: for encryption, and those of the service provider.
pub(super) static PARTNER: LazyLock<Certified> = LazyLock::new(|| Certified::new("demo sp", VALID));

fn key_descriptor(key_use: Option<&str>, certificate: &str) -> String {
    let key_use = key_use.map_or_else(String::new, |name| format!(" use=\"{name}\""));
    format!(
        "<KeyDescriptor{key_use}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>\
         </ds:KeyInfo></KeyDescriptor>"
    )
}

#[allow(clippy::cast_precision_loss)] // seconds of this age
fn in_days(days: i64) -> String {
    time::format(keys::now() as f64 + (days * DAY) as f64)
}

pub(super) fn metadata(site: &Site) -> Answer {
    Document::good(site).answer(site)
}

/// What a fault makes of the metadata.
pub(super) fn misbehave(fault: Fault, site: &Site, good: Answer) -> Answer {
    let mut document = Document::good(site);
    let valid = document.signing[0].clone();
    let changed = |good: &Answer, from: &str, to: &str| {
        let text = String::from_utf8_lossy(good.body()).replacen(from, to, 1);
        Answer::new(StatusCode::OK, "application/samlmetadata+xml", text)
    };
    match fault {
        Fault::SamlMetadataHtml => return Answer::html(StatusCode::OK, "Sign in"),
        Fault::SamlMetadataPlainText => {
            let text = String::from_utf8_lossy(good.body()).into_owned();
            return Answer::text(StatusCode::OK, text);
        }
        Fault::SamlMetadataDoctype => {
            return changed(&good, "\n<Ent", "\n<!DOCTYPE EntitiesDescriptor>\n<Ent");
        }
        Fault::SamlMetadataCut => return changed(&good, "</IDPSSODescriptor>", ""),
        Fault::SamlMetadataTampered => return changed(&good, "/saml/sso", "/saml/SSO"),
        Fault::SamlMetadataUnsigned => document.signer = None,
        Fault::SamlMetadataForeignSignature => document.signer = Some(PARTNER.signing_key()),
        Fault::SamlMetadataExpired => document.valid_until = in_days(-1),
        Fault::SamlMetadataBadValidUntil => "tomorrow".clone_into(&mut document.valid_until),
        Fault::SamlMetadataOtherEntity => {
            document.change = |text| text.replacen("/saml/idp\"", "/saml/another\"", 1);
        }
        Fault::SamlMetadataEntityTwice => {
            document.change = |text| text.replacen("/saml/sp\"", "/saml/idp\"", 1);
        }
        Fault::SamlMetadataNoRole => {
            document.change = |text| text.replacen(":protocol\"", ":another\"", 1);
        }
        Fault::SamlMetadataNoEndpoint => {
            document.change = |text| text.replace("SingleSignOnService", "NameIDMappingService");
        }
        Fault::SamlMetadataNoLocation => {
            document.change = |text| text.replacen("Location=", "Address=", 1);
        }
        Fault::SamlCertificateExpired => document.signing = vec![certificate((-30, -1))],
        Fault::SamlCertificateRollover => document.signing.push(certificate((-30, -1))),
        Fault::SamlCertificateNotYetValid => document.signing = vec![certificate((1, 30))],
        Fault::SamlCertificatePrepared => document.signing.push(certificate((1, 30))),
        Fault::SamlCertificateExpiring => document.signing = vec![certificate((-30, 3))],
        Fault::SamlCertificateReplaced => document.signing = vec![certificate(VALID)],
        Fault::SamlCertificateWeak => document.signing = vec![WEAK.to_owned()],
        Fault::SamlCertificateMalformed => document.signing = vec!["AAAA".to_owned(), valid],
        Fault::SamlCertificateMissing => document.signing = Vec::new(),
        _ => return good,
    }
    document.answer(site)
}
