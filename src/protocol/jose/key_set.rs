//! A JWK set (RFC 7517 §5): read once, tolerant of keys that nobody here understands.
//!
//! Sets of a thousand keys are real. What is kept of a key points into the body; the
//! key itself is built only when a token names it.

mod reading;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc32fast::Hasher;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::key::{Curve, KeyKind, SHORTEST_RSA, VerifyingKey, bit_length, without_leading_zeros};
use super::{Algorithm, jws};
use crate::protocol::certificate::Certificate;
use crate::protocol::json::JsonError;

/// The keys of an issuer.
#[derive(Debug, Clone)]
pub struct KeySet {
    body: Bytes,
    keys: Vec<Jwk>,
    /// Whether a member occurs twice in the set or in a key (RFC 7517 §4, §5).
    pub duplicate_member: bool,
    /// Whether two keys of one type share an id (RFC 7517 §4.5).
    pub duplicate_key_id: bool,
    /// How many keys can verify signatures.
    pub usable: usize,
    /// A hash of the keys, to notice that they change; their order does not matter.
    pub hash: u32,
}

/// Why a text is no key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not a JSON object.
    #[error("the key set is no JSON object: {0} (RFC 7517 §5)")]
    NotJson(#[from] JsonError),
    /// No list of keys.
    #[error("the key set has no array keys (RFC 7517 §5)")]
    NoKeys,
}

/// One key of a set, as its issuer describes it.
#[derive(Clone, Default)]
pub struct Jwk {
    /// The set in which it stands.
    body: Bytes,
    key_id: Text,
    key_type: Text,
    curve: Text,
    algorithm: Text,
    usage: Text,
    /// `key_ops` is there and does not hold `verify`.
    other_operations: bool,
    /// `n` and `e` of RSA.
    modulus: Text,
    exponent: Text,
    /// `x` and `y` of the curves.
    x: Text,
    y: Text,
    /// `pub` of keys of algorithms (AKP).
    public: Text,
    /// The leaf of `x5c`.
    certificate: Text,
    /// `x5t` and `x5t#S256`.
    thumbprint: Text,
    thumbprint_sha256: Text,
    private: bool,
    /// A member that matters has another type than RFC 7517 gives it.
    malformed: bool,
    /// What it is good for, judged once it was read; an element that was no object never is.
    usability: Option<Result<KeyKind, Unusable>>,
}

/// Text of a member; none when it is not there.
#[derive(Debug, Clone)]
enum Text {
    /// Where it stands in the body.
    At(Range<u32>),
    /// Text with escapes, which does not stand there as it is.
    Unescaped(Box<str>),
}

impl Default for Text {
    fn default() -> Self {
        Self::At(0..0)
    }
}

impl Text {
    fn bytes<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        match self {
            Self::At(range) => {
                body.get(range.start as usize..range.end as usize).unwrap_or_default()
            }
            Self::Unescaped(text) => text.as_bytes(),
        }
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwk({:?}, {:?})", self.key_id(), self.usability)
    }
}

/// Why a key cannot verify signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Its type or curve is none that is known here: to be ignored (RFC 7517 §5).
    #[error("is of a type or curve that is not known here")]
    Unknown,
    /// `use` or `key_ops` says so (RFC 7517 §4.2, §4.3).
    #[error("is not for verifying, by its use or key_ops (RFC 7517 §4.2, §4.3)")]
    OtherUse,
    /// `alg` names none that verifies signatures with such a key (RFC 7517 §4.4).
    #[error("is not for verifying, by its alg (RFC 7517 §4.4)")]
    OtherAlgorithm,
    /// A secret in a set that everybody reads.
    #[error("is a secret (kty oct), which is none in a public key set")]
    Secret,
    /// A member is missing or malformed.
    #[error("is malformed (RFC 7518 §6)")]
    Malformed,
    /// RSA below 2048 bits.
    #[error("is shorter than the 2048 bits that RSA needs (RFC 7518 §3.3)")]
    Weak,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// When it is no JSON object with an array of keys. A key that cannot be used is none.
    pub fn parse(body: &Bytes) -> Result<Self, KeySetError> {
        let (keys, duplicate_member) = reading::read(body)?;
        Ok(Self {
            body: body.clone(),
            duplicate_member,
            duplicate_key_id: have_duplicate_key_id(&keys),
            usable: keys.iter().filter(|key| key.usability().is_ok()).count(),
            hash: hash(&keys),
            keys,
        })
    }

    /// The text that it was read from.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Every key, usable or not.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Whether a key has this id.
    #[must_use]
    pub fn has(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.is_named(key_id))
    }
}

/// Bytes of a public key of Ed25519 (RFC 8032 §5.1.5).
const ED25519_LENGTH: usize = 32;

fn have_duplicate_key_id(keys: &[Jwk]) -> bool {
    let mut seen = HashSet::with_capacity(keys.len());
    let mut ids = keys.iter().map(|key| (key.bytes(&key.key_id), key.bytes(&key.key_type)));
    ids.any(|(id, key_type)| !id.is_empty() && !seen.insert((id, key_type)))
}

fn hash(keys: &[Jwk]) -> u32 {
    keys.iter().fold(0, |sum: u32, key| {
        let mut crc = Hasher::new();
        let described = [&key.key_id, &key.key_type, &key.curve, &key.algorithm, &key.usage];
        let material = [&key.modulus, &key.exponent, &key.x, &key.y, &key.public];
        for text in described.into_iter().chain(material) {
            crc.update(key.bytes(text));
            crc.update(&[0]);
        }
        // What its operations are is known by whether it is usable.
        crc.update(&[u8::from(key.usability().is_ok())]);
        sum.wrapping_add(crc.finalize())
    })
}

impl Jwk {
    fn bytes<'a>(&'a self, text: &'a Text) -> &'a [u8] {
        text.bytes(&self.body)
    }

    fn str<'a>(&'a self, text: &'a Text) -> &'a str {
        // It was a JSON string, so it is UTF-8.
        std::str::from_utf8(self.bytes(text)).unwrap_or_default()
    }

    fn is_named(&self, key_id: &str) -> bool {
        !key_id.is_empty() && self.bytes(&self.key_id) == key_id.as_bytes()
    }

    /// `kid`
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        Some(self.str(&self.key_id)).filter(|id| !id.is_empty())
    }

    /// `kty`
    #[must_use]
    pub fn key_type(&self) -> &str {
        self.str(&self.key_type)
    }

    /// `alg`, empty when it has none.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.str(&self.algorithm)
    }

    /// `use`, empty when it has none.
    #[must_use]
    pub fn usage(&self) -> &str {
        self.str(&self.usage)
    }

    /// Whether it holds what only its owner may know (RFC 7517 §4, RFC 7518 §6).
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.private
    }

    /// Whether it has a member `x5c` (RFC 7517 §4.7).
    #[must_use]
    pub fn has_x5c(&self) -> bool {
        !self.bytes(&self.certificate).is_empty()
    }

    /// The certificate of the key, the first of `x5c`; `None` when what stands there is none, or
    /// one of another key (RFC 7517 §4.7).
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        let der = STANDARD.decode(self.bytes(&self.certificate)).ok()?;
        let (_, parsed) = X509Certificate::from_der(&der).ok()?;
        self.is_in(parsed.public_key()).unwrap_or(true).then(|| Certificate::of(&parsed, &der))
    }

    /// Whether this is the key of a certificate; `None` when they cannot be compared, as those of
    /// a type that is not known here.
    fn is_in(&self, key: &SubjectPublicKeyInfo<'_>) -> Option<bool> {
        let key: &[u8] = &key.subject_public_key.data;
        let decoded = |text| self.decoded(text).ok();
        match self.key_type() {
            "RSA" => {
                let (modulus, exponent) = (decoded(&self.modulus)?, decoded(&self.exponent)?);
                let same = |a, b| without_leading_zeros(a) == without_leading_zeros(b);
                let certified = RSAPublicKey::from_der(key).ok();
                Some(certified.is_some_and(|(_, certified)| {
                    same(certified.modulus, &modulus) && same(certified.exponent, &exponent)
                }))
            }
            "EC" => {
                let (x, y) = (decoded(&self.x)?, decoded(&self.y)?);
                // Compressed, a point is x and whether y is odd (SEC 1 §2.3.3).
                let sign = 2 + (y.last().copied().unwrap_or_default() & 1);
                Some(key == [&[4], &*x, &*y].concat() || key == [&[sign], &*x].concat())
            }
            "OKP" => Some(key == decoded(&self.x)?),
            _ => None,
        }
    }

    /// Whether `x5t` and `x5t#S256`, as far as they are there, are those of this certificate
    /// (RFC 7517 §4.8, §4.9).
    #[must_use]
    pub fn has_thumbprints_of(&self, der: &[u8]) -> bool {
        [(&self.thumbprint, &SHA1_FOR_LEGACY_USE_ONLY), (&self.thumbprint_sha256, &SHA256)]
            .into_iter()
            .all(|(text, algorithm)| {
                let text = self.bytes(text);
                text.is_empty()
                    || jws::decode(text).as_deref() == Some(digest(algorithm, der).as_ref())
            })
    }

    /// Whether it can verify signatures, and what kind of key it is.
    ///
    /// # Errors
    /// With the reason why not.
    pub fn usability(&self) -> Result<KeyKind, Unusable> {
        self.usability.unwrap_or(Err(Unusable::Malformed))
    }

    fn judge(&self) -> Result<KeyKind, Unusable> {
        if self.malformed {
            return Err(Unusable::Malformed);
        }
        if self.other_operations || !matches!(self.bytes(&self.usage), b"" | b"sig") {
            return Err(Unusable::OtherUse);
        }
        let kind = match (self.bytes(&self.key_type), self.str(&self.curve)) {
            (b"RSA", _) => KeyKind::Rsa,
            (b"EC", curve) => KeyKind::Ec(Curve::from_name(curve).ok_or(Unusable::Unknown)?),
            (b"OKP", "Ed25519") => KeyKind::Ed25519,
            (b"oct", _) => return Err(Unusable::Secret),
            _ => return Err(Unusable::Unknown),
        };
        let named = self.algorithm();
        let is_of_kind = |algorithm: Algorithm| algorithm.key_kind() == kind;
        if !named.is_empty() && !Algorithm::from_name(named).is_some_and(is_of_kind) {
            return Err(Unusable::OtherAlgorithm);
        }
        match kind {
            KeyKind::Rsa => self.judge_rsa()?,
            KeyKind::Ec(curve) => {
                self.judge_length(&self.x, curve.coordinate_length())?;
                self.judge_length(&self.y, curve.coordinate_length())?;
            }
            KeyKind::Ed25519 => self.judge_length(&self.x, ED25519_LENGTH)?,
            KeyKind::Secret => {}
        }
        Ok(kind)
    }

    /// Coordinates have the length of their curve (RFC 7518 §6.2.1.2, RFC 8037 §2).
    fn judge_length(&self, text: &Text, length: usize) -> Result<(), Unusable> {
        (self.decoded(text)?.len() == length).then_some(()).ok_or(Unusable::Malformed)
    }

    /// An odd exponent from 3 on (RFC 8017 §3.1), and a modulus that is long enough.
    fn judge_rsa(&self) -> Result<(), Unusable> {
        let (modulus, exponent) = (self.decoded(&self.modulus)?, self.decoded(&self.exponent)?);
        let exponent = without_leading_zeros(&exponent);
        let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
        if !is_odd || exponent == [1] {
            return Err(Unusable::Malformed);
        }
        if bit_length(&modulus) < SHORTEST_RSA {
            return Err(Unusable::Weak);
        }
        Ok(())
    }

    /// The bytes of a member in base64url without padding (RFC 7515 §2).
    fn decoded(&self, text: &Text) -> Result<Vec<u8>, Unusable> {
        let bytes = jws::decode(self.bytes(text)).filter(|bytes| !bytes.is_empty());
        bytes.ok_or(Unusable::Malformed)
    }

    /// Whether signatures of this algorithm may be verified with it (RFC 7517 §4.4).
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let named = self.algorithm();
        let kind = algorithm.key_kind();
        // EdDSA has two names for one thing (RFC 9864 §2.2).
        let same = named == algorithm.as_str()
            || (kind == KeyKind::Ed25519 && matches!(named, "EdDSA" | "Ed25519"));
        self.usability() == Ok(kind) && (named.is_empty() || same)
    }

    /// The key itself.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn verifying_key(&self) -> Result<VerifyingKey, Unusable> {
        match self.usability()? {
            KeyKind::Rsa => {
                Ok(VerifyingKey::rsa(&self.decoded(&self.modulus)?, &self.decoded(&self.exponent)?))
            }
            KeyKind::Ec(curve) => {
                let (x, y) = (self.decoded(&self.x)?, self.decoded(&self.y)?);
                VerifyingKey::ec(curve, &x, &y).ok_or(Unusable::Malformed)
            }
            KeyKind::Ed25519 => {
                VerifyingKey::ed25519(self.decoded(&self.x)?).ok_or(Unusable::Malformed)
            }
            KeyKind::Secret => Err(Unusable::Secret),
        }
    }
}

#[cfg(test)]
mod tests;
