//! Facts of the certificates in metadata and in files (RFC 5280).

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::protocol::xml::signature::{KeyKind, PublicKey, UnusableKey};

/// A certificate that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// Name of its holder (RFC 4514).
    pub subject: String,
    /// SHA-256 of the whole certificate in lower-case hexadecimal.
    pub fingerprint_sha256: String,
    /// First second of its validity, in Unix seconds.
    pub not_before: i64,
    /// Last second of its validity, in Unix seconds.
    pub not_after: i64,
    /// Kind and size of its key.
    pub key: KeyKind,
    /// The algorithm that it is signed with, as object identifier.
    pub signature_algorithm: String,
}

/// Where a certificate stands in its validity (RFC 5280 §4.1.2.5: both ends are within).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validity {
    /// It begins later.
    NotYetValid,
    /// It is in force.
    Valid,
    /// It is over.
    Expired,
}

/// What was given is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not base64.
    #[error("is not base64 (XML-DSig §4.5.4)")]
    Base64,
    /// Not DER of a certificate.
    #[error("is no certificate in DER (RFC 5280 §4.1)")]
    Der,
    /// Bytes after the certificate.
    #[error("is followed by other bytes")]
    Trailing,
    /// A file without any.
    #[error("holds no certificate, neither in PEM nor in DER")]
    None,
}

/// Object identifiers of signature algorithms with SHA-1 or MD5, which are broken.
const BROKEN: [&str; 6] = [
    "1.2.840.113549.1.1.4", // md5WithRSAEncryption
    "1.2.840.113549.1.1.5", // sha1WithRSAEncryption
    "1.3.14.3.2.29",        // sha1WithRSA of the OIW
    "1.2.840.10045.4.1",    // ecdsa-with-SHA1
    "1.2.840.10040.4.3",    // dsa-with-sha1
    "1.2.840.113549.1.1.2", // md2WithRSAEncryption
];

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Der)?;
        if !rest.is_empty() {
            return Err(CertificateError::Trailing);
        }
        let fingerprint = digest(&SHA256, der);
        Ok(Self {
            subject: parsed.subject().to_string(),
            fingerprint_sha256: hex(fingerprint.as_ref()),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            key: KeyKind::of(parsed.public_key()),
            signature_algorithm: parsed.signature_algorithm.algorithm.to_id_string(),
            der: der.to_vec(),
        })
    }

    /// Reads the text of an `X509Certificate` element (XML-DSig §4.5.4): base64 with white space.
    /// The lines around it in PEM, which some metadata has, are passed over.
    ///
    /// # Errors
    /// When it is no certificate.
    pub fn from_base64(text: &str) -> Result<Self, CertificateError> {
        let text = text.trim();
        let text = text.strip_prefix("-----BEGIN CERTIFICATE-----").unwrap_or(text);
        let text = text.strip_suffix("-----END CERTIFICATE-----").unwrap_or(text);
        let mut text = text.to_owned();
        text.retain(|c| !c.is_ascii_whitespace());
        Self::from_der(&STANDARD.decode(text).map_err(|_| CertificateError::Base64)?)
    }

    /// All certificates of a file, in PEM (a chain, with other things between them) or one in DER.
    ///
    /// # Errors
    /// When there is none, or one of them does not parse.
    pub fn all_in_file(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        if bytes.first() == Some(&0x30) {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        let mut all = Vec::new();
        for found in CertificateDer::pem_slice_iter(bytes) {
            all.push(Self::from_der(&found.map_err(|_| CertificateError::Base64)?)?);
        }
        if all.is_empty() { Err(CertificateError::None) } else { Ok(all) }
    }

    /// Where it stands in its validity. `now` is in Unix seconds.
    #[must_use]
    pub const fn validity(&self, now: i64) -> Validity {
        if now < self.not_before {
            Validity::NotYetValid
        } else if now > self.not_after {
            Validity::Expired
        } else {
            Validity::Valid
        }
    }

    /// Whether it is signed with a broken hash. Nobody verifies that signature in metadata, where
    /// certificates only carry keys; it tells how old the certificate is.
    #[must_use]
    pub fn has_broken_signature(&self) -> bool {
        BROKEN.contains(&self.signature_algorithm.as_str())
    }

    /// Whether its key is RSA of less than 2048 bits.
    #[must_use]
    pub const fn has_weak_key(&self) -> bool {
        matches!(self.key, KeyKind::Rsa(..2048))
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its key, to verify signatures with.
    ///
    /// # Errors
    /// When it is of another kind than is verified here.
    pub fn public_key(&self) -> Result<PublicKey, UnusableKey> {
        PublicKey::from_certificate(&self.der)
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({}, {})", self.subject, self.fingerprint_sha256)
    }
}

/// A fingerprint as people write it, with colons or without and in either case, in the form of
/// [`Certificate::fingerprint_sha256`]; `None` when it is none of SHA-256.
#[must_use]
pub fn fingerprint(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let good = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| digits.to_ascii_lowercase())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
