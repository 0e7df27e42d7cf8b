//! A CA made at start, and the certificates that the TLS sites present.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, SignatureAlgorithm,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

static ONLY_TLS12: &[&rustls::SupportedProtocolVersion] = &[&TLS12];
static ONLY_TLS13: &[&rustls::SupportedProtocolVersion] = &[&TLS13];

macro_rules! certificates {
    ($($(#[$doc:meta])+ $kind:ident,)+) => {
        /// What is right or wrong with a certificate. Each kind has a site of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Certificate { $($(#[$doc])+ $kind,)+ }

        impl Certificate {
            /// Every kind.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),+];
        }
    };
}

certificates! {
    /// For `localhost`, valid now, issued by the CA, with a P-256 key.
    Good,
    /// With an RSA key.
    Rsa,
    /// With a P-384 key.
    P384,
    /// At a site that speaks TLS 1.2 alone.
    Tls12,
    /// At a site that speaks TLS 1.3 alone.
    Tls13,
    /// Issued by an intermediate, which the site presents too.
    WholeChain,
    /// Issued by an intermediate, which the site does not present.
    IncompleteChain,
    /// Issued by an intermediate that expired on New Year 2020.
    ExpiredIntermediate,
    /// Expired on New Year 2020.
    Expired,
    /// Valid from New Year 2090.
    NotYetValid,
    /// For `id.example`.
    WrongName,
    /// For no name: it has a common name alone.
    NoName,
    /// Issued by another CA.
    Untrusted,
    /// Issued by itself.
    SelfSigned,
    /// For clients, not for servers.
    ForClients,
}

impl Certificate {
    fn params(self) -> CertificateParams {
        let names: &[&str] = match self {
            Self::WrongName => &["id.example"],
            Self::NoName => &[],
            _ => &["localhost"],
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        params.distinguished_name.push(DnType::CommonName, "localhost");
        // Far, and the same for all: an expiry tells which certificate was seen.
        params.not_after = date_time_ymd(2090, 1, 1);
        match self {
            Self::Expired => expire(&mut params),
            Self::NotYetValid => {
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2091, 1, 1);
            }
            Self::ForClients => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
            _ => {}
        }
        params
    }

    fn key(self) -> KeyPair {
        let kind: &SignatureAlgorithm = match self {
            Self::Rsa => &PKCS_RSA_SHA256,
            Self::P384 => &PKCS_ECDSA_P384_SHA384,
            _ => &PKCS_ECDSA_P256_SHA256,
        };
        KeyPair::generate_for(kind).expect("a new key")
    }

    const fn versions(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        match self {
            Self::Tls12 => ONLY_TLS12,
            Self::Tls13 => ONLY_TLS13,
            _ => rustls::ALL_VERSIONS,
        }
    }
}

fn expire(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn root(name: &str) -> Issuer {
    let key = KeyPair::generate().expect("a new key");
    Issuer::self_signed(ca(name), key).expect("a CA")
}

pub(super) struct Authority(Issuer);

impl Authority {
    pub(super) fn generate() -> Self {
        Self(root("demo CA"))
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    fn intermediate(&self, params: CertificateParams) -> Issuer {
        let key = KeyPair::generate().expect("a new key");
        Issuer::signed_by(params, key, &self.0).expect("an intermediate")
    }

    /// The TLS side of a site with this kind of certificate.
    pub(super) fn acceptor(&self, kind: Certificate) -> TlsAcceptor {
        let (key, params) = (kind.key(), kind.params());
        let issued = |issuer: &Issuer| params.signed_by(&key, issuer).expect("a certificate");
        let chain = match kind {
            Certificate::SelfSigned => {
                vec![params.self_signed(&key).expect("a certificate").der().clone()]
            }
            Certificate::Untrusted => vec![issued(&root("another CA")).der().clone()],
            Certificate::IncompleteChain => {
                vec![issued(&self.intermediate(ca("intermediate"))).der().clone()]
            }
            Certificate::WholeChain | Certificate::ExpiredIntermediate => {
                let mut params = ca("intermediate");
                if kind == Certificate::ExpiredIntermediate {
                    expire(&mut params);
                }
                let intermediate = self.intermediate(params);
                vec![issued(&intermediate).der().clone(), intermediate.der().clone()]
            }
            _ => vec![issued(&self.0).der().clone()],
        };
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("the new key");
        // rustls and jsonwebtoken share a crypto library, but nobody installs it for the process.
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(kind.versions())
            .expect("versions of this library")
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .expect("a certificate and its key");
        TlsAcceptor::from(Arc::new(config))
    }
}
