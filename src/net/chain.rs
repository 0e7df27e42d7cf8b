//! The certificates that a connection presents, and until when they let it be verified.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

use crate::protocol::certificate;
use crate::report::Certificate;

/// Certificates whose facts are kept; with one more, all are forgotten.
const MAX_KNOWN: usize = 512;

/// The facts of certificates that were seen before. A probe is shown those of the one before
/// it, and to read a chain takes longer than to find it here.
#[derive(Debug, Default)]
pub(super) struct KnownFacts(Mutex<HashMap<Fingerprint, Arc<Certificate>>>);

/// SHA-256 of the DER encoding.
type Fingerprint = [u8; 32];

impl KnownFacts {
    /// The facts of a certificate; `None` when it does not parse.
    pub(super) fn of(&self, der: &CertificateDer<'_>) -> Option<Arc<Certificate>> {
        let fingerprint = Fingerprint::try_from(digest(&SHA256, der).as_ref()).ok()?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = known.get(&fingerprint) {
            return Some(certificate.clone());
        }
        let certificate = Arc::new(facts(der)?);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(fingerprint, certificate.clone());
        Some(certificate)
    }
}

/// The facts of a certificate in DER; `None` when it does not parse.
pub(super) fn facts(der: &[u8]) -> Option<Certificate> {
    certificate::Certificate::shown(der).map(Certificate::from)
}

impl From<certificate::Certificate> for Certificate {
    fn from(read: certificate::Certificate) -> Self {
        Self {
            subject: read.subject,
            issuer: read.issuer,
            serial: read.serial,
            alternative_names: read.alternative_names,
            not_before: read.not_before,
            not_after: read.not_after,
            fingerprint_sha256: read.fingerprint_sha256,
        }
    }
}

/// When the first certificate ends on the way from the leaf to the trust anchor, as far as it was
/// presented. Of several for one issuer, as a cross-signed one and its successor, the way goes
/// through the one that ends last; one that has expired was not needed.
pub(super) fn verified_not_after(presented: &[Arc<Certificate>], now: i64) -> Option<i64> {
    let (leaf, mut others) = (presented.first()?, presented.get(1..)?.to_vec());
    let (mut earliest, mut at) = (leaf.not_after, leaf.clone());
    while at.subject != at.issuer {
        others.retain(|other| other.not_after >= now && **other != *at);
        let issuers = others.iter().filter(|other| other.subject == at.issuer);
        let Some(issuer) = issuers.max_by_key(|issuer| issuer.not_after).cloned() else { break };
        // Certificates may issue each other.
        others.retain(|other| other.subject != issuer.subject);
        earliest = earliest.min(issuer.not_after);
        at = issuer;
    }
    Some(earliest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::hex::hex;
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
    fn the_facts_of_a_certificate_are_read_once_and_not_taken_for_another_s() {
        let certificate = |name: &str| {
            let params = CertificateParams::new([name.to_owned()]).expect("names");
            params.self_signed(&KeyPair::generate().expect("key")).expect("certificate")
        };
        let (first, second) = (certificate("a.example"), certificate("b.example"));
        let known = KnownFacts::default();
        let facts_of = |der| known.of(der).expect("facts");
        assert!(Arc::ptr_eq(&facts_of(first.der()), &facts_of(first.der())));
        assert_eq!(facts_of(second.der()).alternative_names, ["b.example"]);
        assert_eq!(known.of(&CertificateDer::from(&b"\x30\x03abc"[..])), None);
    }

    #[test]
    fn the_way_to_the_anchor_leaves_out_what_was_not_needed() {
        let certificate = |subject: &str, issuer: &str, not_after| {
            Arc::new(Certificate {
                subject: subject.into(),
                issuer: issuer.into(),
                serial: String::new(),
                alternative_names: vec![],
                not_before: 0,
                not_after,
                fingerprint_sha256: format!("{subject}{issuer}{not_after}"),
            })
        };
        let leaf = || certificate("leaf", "inter", 300);
        let of =
            |others: &[Arc<Certificate>]| verified_not_after(&[&[leaf()], others].concat(), 100);
        assert_eq!(of(&[]), Some(300));
        assert_eq!(of(&[certificate("inter", "root", 200)]), Some(200));
        // A cross-signed one that has expired, one that goes on, and one of somebody else.
        let (old, other) = (certificate("inter", "old", 50), certificate("other", "root", 150));
        assert_eq!(of(&[old.clone(), certificate("inter", "root", 900), other]), Some(300));
        assert_eq!(of(&[old]), Some(300));
        // Those that issue each other.
        let (a, b) = (certificate("inter", "b", 250), certificate("b", "inter", 240));
        assert_eq!(of(&[a, b]), Some(240));
        assert_eq!(verified_not_after(&[], 100), None);
    }

    #[test]
    fn no_more_facts_are_kept_than_a_bounded_number() {
        let known = KnownFacts::default();
        let params = CertificateParams::new(["a.example".to_owned()]).expect("names");
        let certificate =
            params.self_signed(&KeyPair::generate().expect("key")).expect("certificate");
        let facts = known.of(certificate.der()).expect("facts");
        let count = || known.0.lock().expect("lock").len();
        let others = (0_u16..).map(|number| {
            let mut fingerprint = Fingerprint::default();
            fingerprint[..2].copy_from_slice(&number.to_be_bytes());
            (fingerprint, facts.clone())
        });
        *known.0.lock().expect("lock") = others.take(MAX_KNOWN).collect();
        assert_eq!(count(), MAX_KNOWN);
        assert!(known.of(certificate.der()).is_some());
        assert_eq!(count(), 1);
    }

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        assert_eq!(facts(&CertificateDer::from(&b"\x30\x03abc"[..])), None);
    }
}
