//! Facts of X.509 certificates from their DER encoding (RFC 5280).

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::report::Certificate;

/// The facts of a certificate in DER that no connection presented; `None` when it does not parse.
#[must_use]
pub fn certificate_facts(der: &[u8]) -> Option<Certificate> {
    facts(&CertificateDer::from(der))
}

/// The facts of a certificate; `None` when it does not parse.
pub(super) fn facts(der: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let alternative_names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| extension.value.general_names.iter().filter_map(name).collect())
        .unwrap_or_default();
    Some(Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        // Without the sign byte of DER, as Go prints it.
        serial: hex(certificate.raw_serial()).trim_start_matches('0').to_owned(),
        alternative_names,
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        fingerprint_sha256: hex(digest(&SHA256, der).as_ref()),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};

    #[test]
    fn the_facts_of_a_certificate() {
        let names = ["id.example".to_owned(), "192.0.2.1".to_owned(), "2001:db8::1".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, "Ada");
        params.serial_number = Some(SerialNumber::from_slice(&[0xab, 0x01]));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2060, 1, 1);
        let key = KeyPair::generate().expect("key");
        let certificate = params.self_signed(&key).expect("certificate");
        let der = certificate.der();
        let expected = Certificate {
            subject: "CN=Ada".into(),
            issuer: "CN=Ada".into(),
            serial: "ab01".into(),
            alternative_names: vec!["id.example".into(), "192.0.2.1".into(), "2001:db8::1".into()],
            not_before: 1_577_836_800,
            not_after: 2_840_140_800,
            fingerprint_sha256: hex(digest(&SHA256, der).as_ref()),
        };
        assert_eq!(facts(der), Some(expected));
    }

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        assert_eq!(facts(&CertificateDer::from(&b"\x30\x03abc"[..])), None);
    }
}
