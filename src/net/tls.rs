//! TLS configurations, built at load and shared; and the verifier that keeps what
//! the peer presented before it says what it thinks of it.

use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ResolvesClientCert, Resumption, Tls12Resumption, WebPkiServerVerifier, verify_server_name,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::chain::KnownFacts;
use super::hooks::SessionHook;
use super::{chain, failure, signatures, suites, trace};
use crate::report::{Certificate, Failure, PeerChain, TlsFacts};

/// The root certificates of the system, for all configurations that trust them. They are
/// loaded once, when they are asked for or needed first: to read hundreds of files takes
/// longer than all else that is done at a start.
#[derive(Debug, Clone)]
pub struct SystemRoots(Arc<LazyLock<Option<Arc<WebPkiServerVerifier>>>>);

impl Default for SystemRoots {
    /// They are not loaded yet.
    fn default() -> Self {
        Self(Arc::new(LazyLock::new(|| {
            let mut store = RootCertStore::empty();
            // What does not parse is left out, as OpenSSL does.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            verifier(store).ok()
        })))
    }
}

impl SystemRoots {
    /// Loads them now, so that no handshake waits for them. It blocks.
    pub fn load(&self) {
        LazyLock::force(&self.0);
    }

    /// Those of a system that has none.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(Arc::new(LazyLock::new(|| None)))
    }
}

/// What distinguishes one TLS configuration from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TlsOptions {
    /// PEM certificates to trust instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// Do not offer HTTP/2.
    pub http1_only: bool,
    /// Do not offer TLS 1.2.
    pub tls13_only: bool,
}

/// Why a TLS configuration cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The CA file holds no certificate.
    #[error("the file holds no PEM certificate")]
    NoCertificate,
    /// A certificate of the CA file does not parse.
    #[error("the file holds a certificate that cannot be read")]
    BadCertificate,
    /// rustls refused the options.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A TLS configuration, ready for sessions.
#[derive(Debug, Clone)]
pub struct Transport(Arc<ClientConfig>);

impl Transport {
    /// Builds a TLS configuration: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, no resumption.
    ///
    /// # Errors
    /// When the CA certificates cannot be read.
    pub fn new(options: &TlsOptions, roots: &SystemRoots) -> Result<Self, TransportError> {
        let provider = suites::recording_provider();
        let trusted = match &options.ca_pem {
            None => Trusted::System(roots.clone()),
            Some(pem) => {
                let certificates = ca_certificates(pem)?;
                Trusted::Configured(verifier(ca_store(&certificates)?)?, certificates)
            }
        };
        let verifier = RecordingVerifier {
            trusted,
            known: KnownFacts::default(),
            provider: provider.clone(),
            insecure_skip_verify: options.insecure_skip_verify,
        };
        let versions = if options.tls13_only { &[&TLS13][..] } else { rustls::ALL_VERSIONS };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if !options.http1_only {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        config.resumption =
            Resumption::store(Arc::new(SessionHook)).tls12_resumption(Tls12Resumption::Disabled);
        Ok(Self(Arc::new(config)))
    }

    /// The configuration for one client. Its parts are shared.
    pub(super) fn config(
        &self,
        identity: Option<&ClientIdentity>,
        http1_only: bool,
    ) -> ClientConfig {
        let mut config = self.0.as_ref().clone();
        if let Some(identity) = identity {
            config.client_auth_cert_resolver = Arc::new(TellingIdentity(identity.key.clone()));
        }
        if http1_only {
            config.alpn_protocols.retain(|protocol| protocol != b"h2");
        }
        config
    }
}

/// The certificate with which the exporter proves itself, and its key.
#[derive(Debug)]
pub struct ClientIdentity {
    key: Arc<CertifiedKey>,
    certificate: Certificate,
}

/// Why two texts are no client certificate and key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No certificate.
    #[error("cert_file holds no PEM certificate that can be read")]
    Certificate,
    /// No key.
    #[error("key_file holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted)")]
    Key,
    /// Not a pair.
    #[error("the key in key_file is not the key of the certificate in cert_file")]
    NoPair,
    /// A key that TLS does not use.
    #[error(
        "TLS cannot sign with the key in key_file: RSA, P-256, P-384, P-521 and Ed25519 can be used"
    )]
    KeyKind,
}

impl ClientIdentity {
    /// Reads a chain, leaf first, and the leaf's key from PEM.
    ///
    /// # Errors
    /// When one is missing, or the key is not the certificate's.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, IdentityError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| IdentityError::Certificate)?;
        let certificate =
            chain.first().and_then(|der| chain::facts(der)).ok_or(IdentityError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| IdentityError::Key)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(
            |error| match error {
                rustls::Error::InconsistentKeys(_) => IdentityError::NoPair,
                _ => IdentityError::KeyKind,
            },
        )?;
        Ok(Self { key: Arc::new(key), certificate })
    }

    /// Facts of the leaf.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// Proves who we are where the server asks for it, and tells that it did.
#[derive(Debug)]
struct TellingIdentity(Arc<CertifiedKey>);

impl ResolvesClientCert for TellingIdentity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // With a key that fits none of the server's schemes rustls sends no certificate.
        let presented = self.0.key.choose_scheme(schemes).is_some();
        trace::stamp(|stamps| stamps.client_certificate = presented);
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn ca_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|_| TransportError::BadCertificate)?;
    if certificates.is_empty() { Err(TransportError::NoCertificate) } else { Ok(certificates) }
}

fn ca_store(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TransportError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate.clone()).map_err(|_| TransportError::BadCertificate)?;
    }
    Ok(store)
}

/// A verifier that trusts these roots; there must be one.
fn verifier(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, rustls::Error> {
    let mut provider = (*suites::recording_provider()).clone();
    provider.signature_verification_algorithms = signatures::remembering_algorithms();
    WebPkiServerVerifier::builder_with_provider(roots.into(), provider.into())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))
}

/// The verdict on a server's certificate that the configuration names itself: the path to it is
/// empty (RFC 5280 §6.1), so that its dates and its names are left.
fn verify_trusted(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    facts: Option<&Arc<Certificate>>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let facts = facts.ok_or(CertificateError::BadEncoding)?;
    if seconds(now) < facts.not_before {
        return Err(CertificateError::NotValidYet.into());
    }
    if seconds(now) > facts.not_after {
        return Err(CertificateError::Expired.into());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)?;
    Ok(ServerCertVerified::assertion())
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// Whom a configuration trusts.
#[derive(Debug)]
enum Trusted {
    System(SystemRoots),
    Configured(Arc<WebPkiServerVerifier>, Vec<CertificateDer<'static>>),
}

impl Trusted {
    /// `None` when there is no root to trust.
    fn verifier(&self) -> Option<&WebPkiServerVerifier> {
        match self {
            Self::System(roots) => roots.0.as_deref(),
            Self::Configured(verifier, _) => Some(verifier),
        }
    }

    /// Whether the configuration names just this certificate.
    fn names(&self, certificate: &CertificateDer<'_>) -> bool {
        matches!(self, Self::Configured(_, known) if known.contains(certificate))
    }
}

/// Keeps the presented chain, then delegates.
#[derive(Debug)]
struct RecordingVerifier {
    trusted: Trusted,
    known: KnownFacts,
    provider: Arc<CryptoProvider>,
    insecure_skip_verify: bool,
}

impl RecordingVerifier {
    /// Without verification a certificate may be one that the library cannot read, as one of
    /// X.509 version 1. Whether the peer holds its key is then not checked either.
    fn judge_signature(
        &self,
        version: &'static str,
        verdict: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        trace::stamp(|stamps| {
            stamps.tls = Some(TlsFacts {
                version: Some(version),
                cipher: stamps.cipher.take(),
                client_certificate: stamps.client_certificate,
            });
        });
        match verdict {
            Err(rustls::Error::InvalidCertificate(error))
                if self.insecure_skip_verify && error != CertificateError::BadSignature =>
            {
                Ok(HandshakeSignatureValid::assertion())
            }
            Err(error @ rustls::Error::InvalidCertificate(_)) => {
                trace::stamp(|stamps| stamps.failure = Some(failure::of_signature(&error)));
                Err(error)
            }
            verdict => verdict,
        }
    }
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
                .filter_map(|certificate| self.known.of(certificate))
                .collect(),
            verified_not_after: None,
        };
        // Who skips the verification waits for no roots.
        let trusted = (!self.insecure_skip_verify).then(|| self.trusted.verifier());
        let verdict = match trusted {
            None => Ok(ServerCertVerified::assertion()),
            Some(Some(trusted)) => trusted
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .or_else(|error| match error {
                    // The library takes no CA for a server, not even one that is trusted.
                    rustls::Error::InvalidCertificate(CertificateError::Other(_))
                        if self.trusted.names(end_entity) =>
                    {
                        verify_trusted(end_entity, server_name, chain.presented.first(), now)
                    }
                    error => Err(error),
                })
                .inspect(|_| {
                    let ends = chain::verified_not_after(&chain.presented, seconds(now));
                    chain.verified_not_after = ends;
                }),
            Some(None) => Err(CertificateError::UnknownIssuer.into()),
        };
        let now = seconds(now);
        let refused = verdict.as_ref().err().map(|error| {
            let failure = failure::of_certificate(error, &chain, now);
            if matches!(trusted, Some(None)) {
                Failure::new(failure.reason, "this system has no root certificates to trust")
            } else {
                failure
            }
        });
        trace::stamp(|stamps| {
            stamps.chain = Some(Arc::new(chain));
            stamps.failure = refused;
        });
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verdict = rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms);
        self.judge_signature("TLS 1.2", verdict)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verdict = rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms);
        self.judge_signature("TLS 1.3", verdict)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
