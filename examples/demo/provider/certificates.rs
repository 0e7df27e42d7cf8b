//! A CA made at start, and the certificates that the TLS sites present.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// What is right or wrong with a certificate. Each kind has a site of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certificate {
    /// For `localhost`, valid now, issued by the CA.
    Good,
    /// The same, but expired on New Year 2020.
    Expired,
}

impl Certificate {
    /// Every kind.
    pub(crate) const ALL: &[Self] = &[Self::Good, Self::Expired];

    fn params(self) -> CertificateParams {
        let mut params =
            CertificateParams::new(["localhost".to_owned()]).expect("a name of a host");
        params.distinguished_name.push(DnType::CommonName, "demo provider");
        match self {
            Self::Good => {}
            Self::Expired => {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            }
        }
        params
    }
}

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn generate() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "demo CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a new key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a CA"))
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// The TLS side of a site with this kind of certificate.
    pub(super) fn acceptor(&self, kind: Certificate) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a new key");
        let certificate = kind.params().signed_by(&key, &self.0).expect("a certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("the new key");
        // rustls and jsonwebtoken share a crypto library, but nobody installs it for the process.
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the versions of this library")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a certificate and its key");
        TlsAcceptor::from(Arc::new(config))
    }
}
