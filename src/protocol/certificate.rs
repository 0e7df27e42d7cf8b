//! Facts of X.509 certificates (RFC 5280): of connections, key sets, metadata and files.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::hex::hex;
use super::xml::signature::{KeyKind, PublicKey, UnusableKey};

/// A certificate that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// Name of its holder (RFC 4514).
    pub subject: String,
    /// Name of its issuer.
    pub issuer: String,
    /// Serial number in lower-case hexadecimal, without the sign byte of DER, as Go prints it.
    pub serial: String,
    /// DNS names and addresses of its subjectAltName.
    pub alternative_names: Vec<String>,
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

/// Alternative names of a certificate that are kept, and bytes of its serial number, which has no
/// more than 20 and a sign (RFC 5280 §4.1.2.2).
const MOST_NAMES: usize = 100;
const MOST_SERIAL_BYTES: usize = 21;

/// Object identifiers of signature algorithms with SHA-1 or MD5, which are broken.
const BROKEN: [&str; 6] = [
    "1.2.840.113549.1.1.4", // md5WithRSAEncryption
    "1.2.840.113549.1.1.5", // sha1WithRSAEncryption
    "1.3.14.3.2.29",        // sha1WithRSA of the OIW
    "1.2.840.10045.4.1",    // ecdsa-with-SHA1
    "1.2.840.10040.4.3",    // dsa-with-sha1
    "1.2.840.113549.1.1.2", // md2WithRSAEncryption
];

/// The lines around a certificate in PEM (RFC 7468 §5.1).
const ARMOUR: (&str, &str) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");

/// Whether the text of an `X509Certificate` element has one of the lines of PEM around it.
#[must_use]
pub fn is_armoured(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(ARMOUR.0) || text.ends_with(ARMOUR.1)
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Der)?;
        if rest.is_empty() { Ok(Self::of(&parsed, der)) } else { Err(CertificateError::Trailing) }
    }

    /// Reads a certificate in DER that is only shown, whatever follows it; `None` when it is none.
    #[must_use]
    pub fn shown(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        Some(Self::of(&parsed, der))
    }

    /// What `der` was parsed to.
    pub(super) fn of(parsed: &X509Certificate<'_>, der: &[u8]) -> Self {
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|extension| &extension.value.general_names);
        let serial = parsed.raw_serial();
        let serial = hex(serial.get(..MOST_SERIAL_BYTES).unwrap_or(serial));
        Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            serial: serial.trim_start_matches('0').to_owned(),
            alternative_names: names.filter_map(name).take(MOST_NAMES).collect(),
            fingerprint_sha256: hex(digest(&SHA256, der).as_ref()),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            key: KeyKind::of(parsed.public_key()),
            signature_algorithm: parsed.signature_algorithm.algorithm.to_id_string(),
            der: der.to_vec(),
        }
    }

    /// Reads the text of an `X509Certificate` element (XML-DSig §4.5.4): base64 with white space.
    /// The lines around it in PEM, which some metadata has, are passed over.
    ///
    /// # Errors
    /// When it is no certificate.
    pub fn from_base64(text: &str) -> Result<Self, CertificateError> {
        let text = text.trim();
        let text = text.strip_prefix(ARMOUR.0).unwrap_or(text);
        let text = text.strip_suffix(ARMOUR.1).unwrap_or(text);
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

    /// Who is above it in a chain; nobody, when it issued itself.
    #[must_use]
    pub fn above(&self) -> Option<String> {
        (self.issuer != self.subject).then(|| self.issuer.clone())
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

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn made(from: (i32, u8, u8), to: (i32, u8, u8)) -> (KeyPair, Vec<u8>) {
        let mut params = CertificateParams::new([]).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "signing");
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        (key, certificate.der().to_vec())
    }

    #[test]
    fn the_facts_of_a_certificate() {
        let (_, der) = made((2020, 1, 1), (2030, 1, 1));
        let certificate = Certificate::from_der(&der).expect("a certificate");
        assert_eq!(certificate.subject, "CN=signing");
        assert_eq!(certificate.fingerprint_sha256, hex(digest(&SHA256, &der).as_ref()));
        assert_eq!((certificate.not_before, certificate.not_after), (1_577_836_800, 1_893_456_000));
        assert_eq!(certificate.key, KeyKind::P256);
        assert_eq!(certificate.signature_algorithm, "1.2.840.10045.4.3.2");
        assert!(!certificate.has_broken_signature() && !certificate.key.is_weak());
        assert_eq!(certificate.der(), der);
        for (now, validity) in [
            (1_577_836_799, Validity::NotYetValid),
            (1_577_836_800, Validity::Valid),
            (1_893_456_000, Validity::Valid),
            (1_893_456_001, Validity::Expired),
        ] {
            assert_eq!(certificate.validity(now), validity, "{now}");
        }
    }

    /// `UTCTime` up to 2049, `GeneralizedTime` from 2050 on and before 1950 (RFC 5280 §4.1.2.5).
    #[test]
    fn dates_are_read_from_year_1_to_9999() {
        for (from, to, not_before, not_after) in [
            ((1950, 1, 1), (2049, 12, 31), -631_152_000, 2_524_521_600),
            ((2050, 1, 1), (9999, 12, 31), 2_524_608_000, 253_402_214_400),
            ((1, 1, 1), (1949, 12, 31), -62_135_596_800, -631_238_400),
        ] {
            let (_, der) = made(from, to);
            let certificate = Certificate::from_der(&der).expect("a certificate");
            assert_eq!((certificate.not_before, certificate.not_after), (not_before, not_after));
        }
    }

    #[test]
    fn the_text_of_metadata_may_be_folded_and_framed() {
        let (_, der) = made((2020, 1, 1), (2030, 1, 1));
        let base64 = STANDARD.encode(&der);
        let (first, rest) = base64.split_at(60);
        for text in [
            base64.clone(),
            format!("\n  {first}\r\n\t{rest}\n"),
            format!("-----BEGIN CERTIFICATE-----\n{first}\n{rest}\n-----END CERTIFICATE-----\n"),
        ] {
            assert_eq!(Certificate::from_base64(&text).map(|c| c.der().to_vec()), Ok(der.clone()));
        }
        let trailing = STANDARD.encode([der.as_slice(), b"\0"].concat());
        for (text, error) in [
            ("", CertificateError::Der),
            ("AAAA", CertificateError::Der),
            ("!", CertificateError::Base64),
            (trailing.as_str(), CertificateError::Trailing),
        ] {
            assert_eq!(Certificate::from_base64(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_file_holds_a_chain_in_pem_or_one_certificate_in_der() {
        let (key, first) = made((2020, 1, 1), (2030, 1, 1));
        let (_, second) = made((2021, 1, 1), (2031, 1, 1));
        let pem = |der: &[u8]| {
            let base64 = STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
        };
        let file = format!("text\n{}{}{}", pem(&first), key.serialize_pem(), pem(&second));
        let read = |bytes: &[u8]| {
            Certificate::all_in_file(bytes)
                .map(|all| all.iter().map(|c| c.der().to_vec()).collect::<Vec<_>>())
        };
        assert_eq!(read(file.as_bytes()), Ok(vec![first.clone(), second]));
        assert_eq!(read(&first), Ok(vec![first]));
        assert_eq!(read(b"nothing"), Err(CertificateError::None));
        assert_eq!(read(key.serialize_pem().as_bytes()), Err(CertificateError::None));
        assert_eq!(read(pem(b"0\x01").as_bytes()), Err(CertificateError::Der));
    }

    #[test]
    fn fingerprints_are_compared_however_they_are_written() {
        let digits = "0a".repeat(32);
        let colons = vec!["0A"; 32].join(":");
        for text in [&digits, &colons, &digits.to_uppercase()] {
            assert_eq!(fingerprint(text), Some(digits.clone()), "{text}");
        }
        for text in ["", "0a", &"0a".repeat(20), &"0g".repeat(32)] {
            assert_eq!(fingerprint(text), None, "{text}");
        }
    }
}
