//! TLS configurations, built at load and shared; and the verifier that keeps what
//! the peer presented before it says what it thinks of it.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::chain;
use super::failure;
use super::trace::{SessionHook, Trace};
use crate::report::PeerChain;

/// The root certificates of the system, loaded once for the process.
#[derive(Debug, Clone)]
pub struct SystemRoots(Arc<RootCertStore>);

impl SystemRoots {
    /// Loads them; what does not parse is left out, as OpenSSL does.
    #[must_use]
    pub fn load() -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(Arc::new(store))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// What distinguishes one TLS configuration from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TlsOptions {
    /// PEM certificates to trust instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// Why a TLS configuration cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The CA file holds no certificate.
    #[error("ca_file holds no PEM certificate")]
    NoCertificate,
    /// A certificate of the CA file does not parse.
    #[error("ca_file holds a certificate that cannot be read")]
    BadCertificate,
    /// rustls refused the options.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A TLS configuration, ready for sessions.
#[derive(Debug, Clone)]
pub struct Transport(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: ClientConfig,
    /// `None` when there is no root to trust.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    insecure_skip_verify: bool,
}

impl Transport {
    /// Builds a TLS configuration: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, no resumption.
    ///
    /// # Errors
    /// When the CA certificates cannot be read.
    pub fn new(options: &TlsOptions, roots: &SystemRoots) -> Result<Self, TransportError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = match &options.ca_pem {
            None => roots.0.clone(),
            Some(pem) => Arc::new(ca_store(pem)?),
        };
        let verifier = if roots.is_empty() {
            None
        } else {
            let builder =
                WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone());
            Some(builder.build().map_err(|error| rustls::Error::General(error.to_string()))?)
        };
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(Shared {
            config,
            verifier,
            provider,
            insecure_skip_verify: options.insecure_skip_verify,
        })))
    }

    /// The configuration for one session, which reports to its trace.
    pub(super) fn for_session(&self, trace: &Arc<Trace>) -> ClientConfig {
        let mut config = self.0.config.clone();
        config.resumption =
            rustls::client::Resumption::store(Arc::new(SessionHook(trace.clone())));
        let verifier = RecordingVerifier {
            shared: self.0.clone(),
            trace: trace.clone(),
        };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        config
    }
}

fn ca_store(pem: &[u8]) -> Result<RootCertStore, TransportError> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| TransportError::BadCertificate)?;
        store
            .add(certificate)
            .map_err(|_| TransportError::BadCertificate)?;
    }
    if store.is_empty() {
        return Err(TransportError::NoCertificate);
    }
    Ok(store)
}

/// Keeps the presented chain, then delegates.
#[derive(Debug)]
struct RecordingVerifier {
    shared: Arc<Shared>,
    trace: Arc<Trace>,
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut chain = PeerChain {
            presented: std::iter::once(end_entity)
                .chain(intermediates)
                .filter_map(chain::facts)
                .collect(),
            verified_not_after: None,
        };
        let verdict = match &self.shared.verifier {
            Some(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        if verdict.is_ok() {
            chain.verified_not_after = chain.presented.iter().map(|c| c.not_after).min();
        }
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let refused = match &verdict {
            Err(error) if !self.shared.insecure_skip_verify => {
                Some(failure::of_certificate(error, &chain, now))
            }
            _ => None,
        };
        self.trace.peer(chain, refused);
        if self.shared.insecure_skip_verify {
            return Ok(ServerCertVerified::assertion());
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trace.tls_version("TLS 1.2");
        let algorithms = &self.shared.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trace.tls_version("TLS 1.3");
        let algorithms = &self.shared.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.shared
            .provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
