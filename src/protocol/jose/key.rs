//! Keys to verify with: from a JWK (RFC 7517), from PEM, or a shared secret.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, ECDSA_P384_SHA384_FIXED,
    ECDSA_P521_SHA512_FIXED, ED25519, EcdsaVerificationAlgorithm, ParsedPublicKey,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use jsonwebtoken::DecodingKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::Algorithm;

/// Shortest RSA modulus in bits (RFC 7518 §3.3).
pub const SHORTEST_RSA: usize = 2048;

/// What kind of key an algorithm takes, to the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A secret that both sides hold.
    Secret,
    /// RSA.
    Rsa,
    /// An elliptic curve for ECDSA.
    Ec(Curve),
    /// Ed25519.
    Ed25519,
}

/// Curves of ECDSA (RFC 7518 §6.2.1.1, RFC 8812 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// secp256k1.
    Secp256k1,
}

impl Curve {
    /// The curve of this name in a JWK.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "P-256" => Self::P256,
            "P-384" => Self::P384,
            "P-521" => Self::P521,
            "secp256k1" => Self::Secp256k1,
            _ => return None,
        })
    }

    /// Bytes of a coordinate (RFC 7518 §6.2.1.2).
    #[must_use]
    pub const fn coordinate_length(self) -> usize {
        match self {
            Self::P256 | Self::Secp256k1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// ECDSA as JWA has it on this curve (RFC 7518 §3.4, RFC 8812 §3.2).
    const fn ecdsa(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
            Self::Secp256k1 => &ECDSA_P256K1_SHA256_FIXED,
        }
    }

    /// The point with these coordinates (SEC 1 §2.3.3), which must have the length of the curve.
    pub(super) fn point(self, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
        let length = self.coordinate_length();
        (x.len() == length && y.len() == length).then(|| [&[4], x, y].concat())
    }

    /// The curve of a key, where it has one.
    pub(crate) fn of(key: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        let oid = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
        Self::from_oid(&oid.to_id_string())
    }

    /// The curve of this object identifier (RFC 5480 §2.1.1.1).
    pub(crate) fn from_oid(oid: &str) -> Option<Self> {
        Some(match oid {
            "1.2.840.10045.3.1.7" => Self::P256,
            "1.3.132.0.34" => Self::P384,
            "1.3.132.0.35" => Self::P521,
            "1.3.132.0.10" => Self::Secp256k1,
            _ => return None,
        })
    }
}

/// Object identifier of keys of Ed25519 (RFC 8410 §3).
const ED25519_OID: &str = "1.3.101.112";

/// A key that signatures are verified with.
#[derive(Clone)]
pub struct VerifyingKey {
    kind: KeyKind,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Secret {
        length: usize,
        key: DecodingKey,
    },
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
        key: DecodingKey,
    },
    /// A point or an Ed25519 key, for the library.
    Public {
        bytes: Vec<u8>,
        key: DecodingKey,
    },
    /// A point on a curve that the library does not know.
    Point {
        bytes: Vec<u8>,
        algorithm: &'static EcdsaVerificationAlgorithm,
    },
}

/// Why a text holds no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// No public key in it.
    #[error("holds no public key or certificate in PEM (PUBLIC KEY or CERTIFICATE)")]
    NotPem,
    /// A key for no algorithm that there is here.
    #[error("holds no RSA, EC (P-256, P-384, P-521, secp256k1) or Ed25519 key")]
    Unknown,
    /// RSA below [`SHORTEST_RSA`].
    #[error("holds an RSA key of {0} bits; RFC 7518 §3.3 wants 2048")]
    Weak(usize),
}

impl VerifyingKey {
    /// A shared secret, for HMAC alone.
    #[must_use]
    pub fn secret(secret: &[u8]) -> Self {
        let (length, key) = (secret.len(), DecodingKey::from_secret(secret));
        Self { kind: KeyKind::Secret, material: Material::Secret { length, key } }
    }

    /// A modulus and an exponent. Some write the zero that keeps a number positive elsewhere.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        let [modulus, exponent] =
            [modulus, exponent].map(|number| without_leading_zeros(number).to_vec());
        let key = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
        Self { kind: KeyKind::Rsa, material: Material::Rsa { modulus, exponent, key } }
    }

    /// A point as x and y, which must have the length of the curve and lie on it.
    pub(super) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let point = curve.point(x, y)?;
        ParsedPublicKey::new(curve.ecdsa(), &point).ok()?;
        Some(Self::point(curve, point))
    }

    fn point(curve: Curve, bytes: Vec<u8>) -> Self {
        let material = match curve {
            Curve::P256 | Curve::P384 => {
                let key = DecodingKey::from_ec_der(&bytes);
                Material::Public { bytes, key }
            }
            Curve::P521 | Curve::Secp256k1 => Material::Point { bytes, algorithm: curve.ecdsa() },
        };
        Self { kind: KeyKind::Ec(curve), material }
    }

    pub(super) fn ed25519(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == 32).then(|| {
            let key = DecodingKey::from_ed_der(&bytes);
            Self { kind: KeyKind::Ed25519, material: Material::Public { bytes, key } }
        })
    }

    /// The first public key or certificate of a PEM text.
    ///
    /// # Errors
    /// When there is none, or it is for no algorithm that there is here, or too short.
    pub fn from_pem(pem: &str) -> Result<Self, PublicKeyError> {
        if let Ok(der) = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()) {
            let (_, spki) =
                SubjectPublicKeyInfo::from_der(&der).map_err(|_| PublicKeyError::NotPem)?;
            return Self::from_spki(&spki);
        }
        let der =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| PublicKeyError::NotPem)?;
        let (_, certificate) =
            X509Certificate::from_der(&der).map_err(|_| PublicKeyError::NotPem)?;
        Self::from_spki(certificate.public_key())
    }

    fn from_spki(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, PublicKeyError> {
        let known = match spki.parsed() {
            Ok(PublicKey::RSA(key)) => match bit_length(key.modulus) {
                bits @ ..SHORTEST_RSA => return Err(PublicKeyError::Weak(bits)),
                _ => Some(Self::rsa(key.modulus, key.exponent)),
            },
            Ok(PublicKey::EC(point)) => {
                Curve::of(spki).map(|curve| Self::point(curve, point.data().to_vec()))
            }
            Ok(PublicKey::Unknown(key))
                if spki.algorithm.algorithm.to_id_string() == ED25519_OID =>
            {
                Self::ed25519(key.to_vec())
            }
            // One of RSASSA-PSS too: its parameters restrict the algorithms, and what JWA takes is
            // a key of RSA itself.
            _ => None,
        };
        known.ok_or(PublicKeyError::Unknown)
    }

    /// Whether the algorithm takes a key of this kind.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.kind == algorithm.key_kind()
    }

    /// Whether it is a secret that is shorter than this algorithm asks for (RFC 7518 §3.2).
    #[must_use]
    pub fn is_short_for(&self, algorithm: Algorithm) -> bool {
        let least = algorithm.shortest_secret();
        matches!(self.material, Material::Secret { length, .. } if length < least)
    }

    /// Whether the signature, in base64url, is that of the input under this key.
    pub(super) fn verifies(&self, algorithm: Algorithm, input: &str, signature: &str) -> bool {
        match (&self.material, algorithm.of_library()) {
            _ if !self.fits(algorithm) => false,
            (Material::Point { bytes, algorithm }, _) => {
                super::jws::decode(signature).is_some_and(|signature| {
                    UnparsedPublicKey::new(*algorithm, bytes)
                        .verify(input.as_bytes(), &signature)
                        .is_ok()
                })
            }
            (
                Material::Secret { key, .. }
                | Material::Rsa { key, .. }
                | Material::Public { key, .. },
                Some(algorithm),
            ) => jsonwebtoken::crypto::verify(signature, input.as_bytes(), key, algorithm)
                .unwrap_or(false),
            (_, None) => false,
        }
    }

    /// The key as `SubjectPublicKeyInfo` in DER; `None` for a secret.
    #[must_use]
    pub fn spki(&self) -> Option<Vec<u8>> {
        let bytes = match &self.material {
            Material::Secret { .. } => return None,
            Material::Rsa { modulus, exponent, .. } => return rsa_spki(modulus, exponent),
            Material::Public { bytes, .. } | Material::Point { bytes, .. } => bytes,
        };
        let key = match self.kind {
            KeyKind::Ec(curve) => ParsedPublicKey::new(curve.ecdsa(), bytes),
            _ => ParsedPublicKey::new(&ED25519, bytes),
        };
        let der: PublicKeyX509Der<'_> = key.ok()?.as_der().ok()?;
        Some(der.as_ref().to_vec())
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({:?})", self.kind)
    }
}

/// A key of RSA as `SubjectPublicKeyInfo` in DER; `None` of numbers that make none.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let [n, e] = [modulus, exponent].map(without_leading_zeros);
    let der: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }.as_der().ok()?;
    Some(der.as_ref().to_vec())
}

pub(super) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Of a number, whose leading zeros do not count.
pub(crate) fn bit_length(bytes: &[u8]) -> usize {
    let bytes = without_leading_zeros(bytes);
    let first = bytes.first().map_or(0, |byte| byte.leading_zeros() as usize);
    bytes.len() * 8 - first
}
