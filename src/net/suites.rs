//! Which cipher suite was negotiated. rustls does not tell the verifier, but begins the hash of
//! the handshake with the suite's own hash once it is chosen: so each suite gets one that tells.

use std::sync::{Arc, OnceLock};

use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::crypto::{CipherSuiteCommon, CryptoProvider, aws_lc_rs};
use rustls::{CipherSuite, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

use super::trace;

/// The provider of all TLS configurations, built once for the process: rustls wants its suites
/// to live forever.
pub(super) fn recording_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let build = || {
        let mut provider = aws_lc_rs::default_provider();
        // As Go and the browsers rank them: the keys of a handshake are derived with the hash of
        // the suite, and SHA-384 makes it a tenth dearer than SHA-256.
        provider.cipher_suites.sort_by_key(|suite| !name(suite.suite()).contains("_AES_128_"));
        for suite in &mut provider.cipher_suites {
            *suite = recording(*suite);
        }
        Arc::new(provider)
    };
    PROVIDER.get_or_init(build).clone()
}

fn recording(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let common = telling(&suite.common);
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite { common, ..*suite })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            let common = telling(&suite.common);
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite { common, ..*suite })))
        }
    }
}

fn name(suite: CipherSuite) -> &'static str {
    suite.as_str().unwrap_or_default()
}

fn telling(common: &CipherSuiteCommon) -> CipherSuiteCommon {
    let telling = TellingHash {
        inner: common.hash_provider,
        // As IANA and Go spell the suites of TLS 1.3.
        name: Box::leak(name(common.suite).replace("TLS13_", "TLS_").into_boxed_str()),
    };
    CipherSuiteCommon {
        suite: common.suite,
        hash_provider: Box::leak(Box::new(telling)),
        confidentiality_limit: common.confidentiality_limit,
    }
}

/// A hash that notes the suite whose handshake it begins.
struct TellingHash {
    inner: &'static dyn Hash,
    name: &'static str,
}

impl Hash for TellingHash {
    fn start(&self) -> Box<dyn Context> {
        trace::stamp(|stamps| stamps.cipher = Some(self.name));
        self.inner.start()
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.inner.hash(data)
    }

    fn output_len(&self) -> usize {
        self.inner.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.inner.algorithm()
    }

    fn fips(&self) -> bool {
        self.inner.fips()
    }
}
