//! The signatures of certificates that were found good.
//!
//! A probe is shown the same chain as the one before it, and to verify the signatures in it is
//! most of what a chain costs. Whether a key made a signature of some bytes does not change, so
//! what was found good is not calculated again; all that may change, the dates, the names and
//! who is trusted, is judged each time. What was found bad is not remembered, and the signature
//! of a handshake is another one each time.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::{self, WebPkiSupportedAlgorithms};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// Signatures that are remembered of each algorithm; with one more, all are forgotten.
const MAX_KNOWN: usize = 4096;

/// The algorithms of certificate signatures. They are one set for the process, since rustls wants
/// them to live forever.
pub(super) fn remembering_algorithms() -> WebPkiSupportedAlgorithms {
    static ALL: OnceLock<&'static [&'static dyn SignatureVerificationAlgorithm]> = OnceLock::new();
    let supported = crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let all = ALL.get_or_init(|| {
        let remembering = supported.all.iter().map(|inner| {
            let leaked: &'static Remembering = Box::leak(Box::new(Remembering::new(*inner)));
            leaked as &dyn SignatureVerificationAlgorithm
        });
        Box::leak(remembering.collect())
    });
    WebPkiSupportedAlgorithms { all, mapping: supported.mapping }
}

/// An algorithm, and the signatures by it that were found good.
#[derive(Debug)]
struct Remembering {
    inner: &'static dyn SignatureVerificationAlgorithm,
    good: Mutex<HashSet<Signed>>,
}

/// SHA-256 of a key, what it signed, and the signature.
type Signed = [u8; 32];

impl Remembering {
    fn new(inner: &'static dyn SignatureVerificationAlgorithm) -> Self {
        Self { inner, good: Mutex::default() }
    }
}

/// Each part with its length before it, so that no other parts make the same whole.
fn signed(parts: [&[u8]; 3]) -> Option<Signed> {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finish().as_ref().try_into().ok()
}

impl SignatureVerificationAlgorithm for Remembering {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let good = || self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = signed([public_key, message, signature]);
        if signed.is_some_and(|signed| good().contains(&signed)) {
            return Ok(());
        }
        self.inner.verify_signature(public_key, message, signature)?;
        let mut good = good();
        if good.len() >= MAX_KNOWN {
            good.clear();
        }
        good.extend(signed);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.inner.fips()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Finds good what ends with the key, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl SignatureVerificationAlgorithm for Counting {
        fn verify_signature(
            &self,
            key: &[u8],
            _: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if signature.ends_with(key) { Ok(()) } else { Err(InvalidSignature) }
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(b"key")
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(b"signature")
        }
    }

    fn remembering() -> (&'static Counting, Remembering) {
        let counting: &'static Counting = Box::leak(Box::default());
        (counting, Remembering::new(counting))
    }

    #[test]
    fn a_good_signature_is_calculated_once_and_a_bad_one_each_time() {
        let (counting, algorithm) = remembering();
        let asked = || counting.0.swap(0, Ordering::Relaxed);
        let verify = |key: &str, message: &str, signature: &str| {
            algorithm
                .verify_signature(key.as_bytes(), message.as_bytes(), signature.as_bytes())
                .is_ok()
        };
        assert!(verify("key", "message", "by key"));
        assert_eq!(asked(), 1);
        assert!(verify("key", "message", "by key"));
        assert_eq!(asked(), 0);
        for _ in 0..2 {
            assert!(!verify("key", "message", "by another"));
            assert_eq!(asked(), 1);
        }
        // Another key, another message, and the same bytes divided in another way.
        assert!(!verify("keY", "message", "by key"));
        assert!(verify("key", "massage", "by key"));
        assert!(verify("ke", "ymessage", "by ke"));
        assert!(!verify("key", "messageb", "y"));
        assert_eq!(asked(), 4);
    }

    #[test]
    fn no_more_signatures_are_kept_than_a_bounded_number() {
        let (_, algorithm) = remembering();
        for number in 0..MAX_KNOWN {
            let message = number.to_be_bytes();
            algorithm.verify_signature(b"k", &message, b"k").expect("good");
        }
        let kept = || algorithm.good.lock().expect("lock").len();
        assert_eq!(kept(), MAX_KNOWN);
        algorithm.verify_signature(b"k", b"one more", b"k").expect("good");
        assert_eq!(kept(), 1);
    }
}
