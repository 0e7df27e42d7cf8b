//! Public keys and what they verify.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey as Parsed;

use super::algorithm::Scheme;
use super::shape::base64;
use super::{DSIG, DSIG11, DigestAlgorithm, SignatureAlgorithm};
use crate::protocol::jose::{Curve, SHORTEST_RSA, bit_length, rsa_spki};
use crate::protocol::xml::{Element, trim};

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA; its size in bits.
    Rsa(usize),
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
    /// Anything else: nothing is verified with it.
    Other,
}

impl KeyKind {
    /// Its size in bits, for a key of RSA or on a curve.
    #[must_use]
    pub const fn bits(self) -> Option<usize> {
        match self {
            Self::Rsa(bits) => Some(bits),
            Self::P256 => Some(256),
            Self::P384 => Some(384),
            Self::P521 => Some(521),
            Self::Other => None,
        }
    }

    /// Whether it is RSA of less than [`SHORTEST_RSA`] bits.
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Rsa(..SHORTEST_RSA))
    }

    /// The kind of a key (RFC 3279 §2.3, RFC 5480 §2.1.1.1).
    #[must_use]
    pub fn of(key: &SubjectPublicKeyInfo<'_>) -> Self {
        match key.parsed() {
            Ok(Parsed::RSA(rsa)) => Self::Rsa(bit_length(rsa.modulus)),
            Ok(Parsed::EC(_)) => Curve::of(key).and_then(Self::on).unwrap_or(Self::Other),
            _ => Self::Other,
        }
    }

    /// The kind of the keys on a curve; `None` where nothing is verified with them.
    const fn on(curve: Curve) -> Option<Self> {
        match curve {
            Curve::P256 => Some(Self::P256),
            Curve::P384 => Some(Self::P384),
            Curve::P521 => Some(Self::P521),
            Curve::Secp256k1 => None,
        }
    }
}

/// A key that signatures are verified with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    /// `RSAPublicKey` (RFC 8017 §A.1.1) or the point of the curve (SEC 1 §2.3.3).
    key: Vec<u8>,
}

/// What was given holds no key that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// It does not parse.
    #[error(
        "is no certificate or public key in DER (RFC 5280 §4.1) and no KeyValue (XML-DSig §4.5.2)"
    )]
    Malformed,
    /// Another kind of key.
    #[error("holds no RSA key, and no key on P-256, P-384 or P-521")]
    Kind,
}

impl PublicKey {
    /// The key of a certificate. Nothing else of the certificate counts (SAML metadata §2.4.1.1).
    ///
    /// # Errors
    /// When there is none that can be used.
    pub fn from_certificate(der: &[u8]) -> Result<Self, UnusableKey> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| UnusableKey::Malformed)?;
        Self::from_info(certificate.public_key())
    }

    /// A key as `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn from_spki(der: &[u8]) -> Result<Self, UnusableKey> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| UnusableKey::Malformed)?;
        Self::from_info(&info)
    }

    /// A key as `KeyValue`: its bare numbers (XML-DSig §4.5.2).
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn from_key_value(value: Element<'_>) -> Result<Self, UnusableKey> {
        let bytes = |parent: Element<'_>, namespace, name| {
            let child = parent.child(namespace, name).ok_or(UnusableKey::Malformed)?;
            base64(child, name).map_err(|_| UnusableKey::Malformed)
        };
        if let Some(rsa) = value.child(DSIG, "RSAKeyValue") {
            let der = rsa_spki(&bytes(rsa, DSIG, "Modulus")?, &bytes(rsa, DSIG, "Exponent")?);
            return Self::from_spki(&der.ok_or(UnusableKey::Malformed)?);
        }
        let ec = value.child(DSIG11, "ECKeyValue").ok_or(UnusableKey::Kind)?;
        let curve = ec.child(DSIG11, "NamedCurve").and_then(|curve| curve.attribute("URI"));
        let curve = curve.and_then(|uri| Curve::from_oid(trim(uri).strip_prefix("urn:oid:")?));
        let curve = curve.ok_or(UnusableKey::Kind)?;
        let kind = KeyKind::on(curve).ok_or(UnusableKey::Kind)?;
        let key = bytes(ec, DSIG11, "PublicKey")?;
        // Both numbers of the point (XML-DSig §4.5.2.3.3).
        if key.first() != Some(&4) || key.len() != 1 + 2 * curve.coordinate_length() {
            return Err(UnusableKey::Malformed);
        }
        Ok(Self { kind, key })
    }

    fn from_info(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, UnusableKey> {
        match KeyKind::of(info) {
            KeyKind::Other => Err(UnusableKey::Kind),
            kind => Ok(Self { kind, key: info.subject_public_key.data.to_vec() }),
        }
    }

    /// Its kind and size.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether the signature over the message is of this key. `None`: the algorithm is for
    /// another kind of key.
    pub(super) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        value: &[u8],
    ) -> Option<bool> {
        let verifier = verifier(self.kind, algorithm)?;
        let converted;
        let value = match algorithm.scheme {
            Scheme::Ecdsa => {
                let Some(der) = ecdsa_der(value, self.kind.bits()?.div_ceil(8)) else {
                    return Some(false);
                };
                converted = der;
                converted.as_slice()
            }
            Scheme::Pkcs1 | Scheme::Pss => value,
        };
        Some(UnparsedPublicKey::new(verifier, &self.key).verify(message, value).is_ok())
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.kind)
    }
}

/// Short RSA keys verify as well, for whoever asks may learn that the key is weak; the library
/// has no verifier for 1024 bits with SHA-384 or PSS.
fn verifier(
    kind: KeyKind,
    algorithm: SignatureAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    Some(match (kind, algorithm.scheme, algorithm.digest) {
        (KeyKind::Rsa(_), Scheme::Pkcs1, Sha1) => {
            &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        (KeyKind::Rsa(_), Scheme::Pkcs1, Sha256) => {
            &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        }
        (KeyKind::Rsa(_), Scheme::Pkcs1, Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa(_), Scheme::Pkcs1, Sha512) => {
            &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        }
        (KeyKind::Rsa(_), Scheme::Pss, Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa(_), Scheme::Pss, Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa(_), Scheme::Pss, Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
        (KeyKind::P256, Scheme::Ecdsa, Sha1) => &signature::ECDSA_P256_SHA1_ASN1,
        (KeyKind::P256, Scheme::Ecdsa, Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, Scheme::Ecdsa, Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (KeyKind::P256, Scheme::Ecdsa, Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (KeyKind::P384, Scheme::Ecdsa, Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, Scheme::Ecdsa, Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (KeyKind::P384, Scheme::Ecdsa, Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (KeyKind::P521, Scheme::Ecdsa, Sha1) => &signature::ECDSA_P521_SHA1_ASN1,
        (KeyKind::P521, Scheme::Ecdsa, Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (KeyKind::P521, Scheme::Ecdsa, Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (KeyKind::P521, Scheme::Ecdsa, Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// XML signatures hold the two numbers of ECDSA side by side (XML-DSig §6.4.3); the library
/// takes that form for some pairs of curve and hash, and this one for all (RFC 3279 §2.2.3).
fn ecdsa_der(value: &[u8], length: usize) -> Option<Vec<u8>> {
    if value.len() != 2 * length {
        return None;
    }
    let mut numbers = Vec::new();
    for number in value.chunks(length) {
        let first = number.iter().position(|byte| *byte != 0)?;
        let number = number.get(first..)?;
        let sign = usize::from(number.first().is_some_and(|byte| byte & 0x80 != 0));
        numbers.push(0x02);
        numbers.push(u8::try_from(number.len() + sign).ok()?);
        numbers.extend(std::iter::repeat_n(0, sign));
        numbers.extend_from_slice(number);
    }
    let mut der = vec![0x30];
    match u8::try_from(numbers.len()).ok()? {
        short @ ..0x80 => der.push(short),
        long => der.extend([0x81, long]),
    }
    der.extend(numbers);
    Some(der)
}
