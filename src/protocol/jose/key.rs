//! Keys to verify with: from a JWK (RFC 7517), from PEM, or a shared secret.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, ECDSA_P384_SHA384_FIXED,
    ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaPublicKeyComponents,
    UnparsedPublicKey,
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

    /// `SubjectPublicKeyInfo` up to the point of a key on this curve (RFC 5480 §2).
    const fn spki_prefix(self) -> &'static [u8] {
        match self {
            Self::P256 => {
                b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
            }
            Self::P384 => {
                b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00"
            }
            Self::P521 => {
                b"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00"
            }
            Self::Secp256k1 => {
                b"\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x42\x00"
            }
        }
    }

    /// The curve of the named-curve OID in an EC `SubjectPublicKeyInfo`.
    fn from_oid(oid: &str) -> Option<Self> {
        Some(match oid {
            "1.2.840.10045.3.1.7" => Self::P256,
            "1.3.132.0.34" => Self::P384,
            "1.3.132.0.35" => Self::P521,
            "1.3.132.0.10" => Self::Secp256k1,
            _ => return None,
        })
    }
}

/// `SubjectPublicKeyInfo` up to the key of Ed25519 (RFC 8410 §4).
const ED25519_SPKI_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// Object identifiers of `SubjectPublicKeyInfo`.
const ED25519_OID: &str = "1.3.101.112";
const RSA_PSS_OID: &str = "1.2.840.113549.1.1.10";

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

    pub(super) fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Self {
        let key = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
        Self { kind: KeyKind::Rsa, material: Material::Rsa { modulus, exponent, key } }
    }

    /// A point as x and y, which must have the length of the curve and lie on it.
    pub(super) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let length = curve.coordinate_length();
        let point = [&[4], x, y].concat();
        let lies_on_it = || ParsedPublicKey::new(curve.ecdsa(), &point).is_ok();
        (x.len() == length && y.len() == length && lies_on_it()).then(|| Self::point(curve, point))
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
        let algorithm = spki.algorithm.algorithm.to_id_string();
        if algorithm == ED25519_OID {
            return Self::ed25519(spki.subject_public_key.data.to_vec())
                .ok_or(PublicKeyError::Unknown);
        }
        if algorithm == RSA_PSS_OID {
            // Its parameters restrict the algorithms; a key of RSA itself is what JWA takes.
            return Err(PublicKeyError::Unknown);
        }
        match spki.parsed() {
            Ok(PublicKey::RSA(key)) => {
                let modulus = without_leading_zeros(key.modulus);
                let bits = bit_length(modulus);
                if bits < SHORTEST_RSA {
                    return Err(PublicKeyError::Weak(bits));
                }
                Ok(Self::rsa(modulus.to_vec(), without_leading_zeros(key.exponent).to_vec()))
            }
            Ok(PublicKey::EC(point)) => {
                let oid = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
                let curve = oid.and_then(|oid| Curve::from_oid(&oid.to_id_string()));
                let curve = curve.ok_or(PublicKeyError::Unknown)?;
                Ok(Self::point(curve, point.data().to_vec()))
            }
            _ => Err(PublicKeyError::Unknown),
        }
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
        let with_prefix = |prefix: &[u8], bytes: &[u8]| [prefix, bytes].concat();
        match (self.kind, &self.material) {
            (_, Material::Rsa { modulus, exponent, .. }) => {
                let components = RsaPublicKeyComponents { n: modulus, e: exponent };
                let der: PublicKeyX509Der<'_> = components.as_der().ok()?;
                Some(der.as_ref().to_vec())
            }
            (
                KeyKind::Ec(curve),
                Material::Public { bytes, .. } | Material::Point { bytes, .. },
            ) => Some(with_prefix(curve.spki_prefix(), bytes)),
            (KeyKind::Ed25519, Material::Public { bytes, .. }) => {
                Some(with_prefix(ED25519_SPKI_PREFIX, bytes))
            }
            _ => None,
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({:?})", self.kind)
    }
}

pub(super) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Of a number without leading zeros.
pub(super) fn bit_length(bytes: &[u8]) -> usize {
    let first = bytes.first().map_or(0, |byte| byte.leading_zeros() as usize);
    bytes.len() * 8 - first
}
