//! A JWK set (RFC 7517 §5): read once, tolerant of keys that nobody here understands.
//!
//! Sets of a thousand keys are real. What is kept of a key points into the body; the
//! key itself is built only when a token names it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Crc;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::key::{Curve, KeyKind, SHORTEST_RSA, VerifyingKey, without_leading_zeros};
use super::{Algorithm, jws};
use crate::protocol::json::JsonError;

/// The keys of an issuer.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<Jwk>,
    /// Whether a member occurs twice in the set or in a key (RFC 7517 §4, §5).
    pub duplicate_member: bool,
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
#[derive(Debug, Clone, Default)]
pub struct Jwk {
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
    /// The leaf of `x5c`.
    certificate: Text,
    private: bool,
    /// A member that matters has another type than RFC 7517 gives it.
    malformed: bool,
    /// What it is good for, judged once it was read; an element that was no object never is.
    usability: Option<Result<KeyKind, Unusable>>,
}

/// Text of the body, empty when the member is not there.
#[derive(Clone, Default, PartialEq, Eq)]
struct Text(Bytes);

impl Text {
    fn as_str(&self) -> &str {
        // It was a JSON string, so it is UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn decode(&self) -> Option<Vec<u8>> {
        jws::decode(self.as_str()).filter(|bytes| !bytes.is_empty())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
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
        let mut reading = Reading::default();
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let top = Reader { body, reading: &mut reading, place: Place::Set }
            .deserialize(&mut deserializer)
            .and_then(|found| deserializer.end().map(|()| found))
            .map_err(|error| JsonError::syntax(&error))?;
        let Reading { keys, duplicate_member } = reading;
        match (keys, top) {
            (Some(keys), _) => Ok(Self { keys, duplicate_member }),
            (None, Read::Other(kind)) if kind != OBJECT => Err(JsonError::NotAnObject(kind).into()),
            (None, _) => Err(KeySetError::NoKeys),
        }
    }

    /// Every key, usable or not.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// How many can verify signatures.
    #[must_use]
    pub fn usable(&self) -> usize {
        self.keys.iter().filter(|key| key.usability().is_ok()).count()
    }

    /// Whether a key has this id.
    #[must_use]
    pub fn has(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id() == Some(key_id))
    }

    /// Whether a key may be the one with this id: it has it, or has none and can verify.
    #[must_use]
    pub fn may_have(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| match key.key_id() {
            Some(known) => known == key_id,
            None => key.usability().is_ok(),
        })
    }

    /// Whether two keys of one type share an id (RFC 7517 §4.5).
    #[must_use]
    pub fn has_duplicate_key_id(&self) -> bool {
        let mut ids: Vec<(&str, &str)> = self
            .keys
            .iter()
            .filter_map(|key| Some((key.key_id()?, key.key_type.as_str())))
            .collect();
        ids.sort_unstable();
        ids.windows(2).any(|pair| pair.first() == pair.last())
    }

    /// A hash of the keys, to notice that they change; their order does not matter.
    #[must_use]
    pub fn hash(&self) -> u32 {
        self.keys.iter().fold(0, |sum: u32, key| {
            let mut crc = Crc::new();
            let material = [&key.modulus, &key.exponent, &key.x, &key.y];
            for text in [&key.key_id, &key.key_type, &key.algorithm].into_iter().chain(material) {
                crc.update(&text.0);
                crc.update(&[0]);
            }
            sum.wrapping_add(crc.sum())
        })
    }
}

impl Jwk {
    /// `kid`
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        Some(self.key_id.as_str()).filter(|id| !id.is_empty())
    }

    /// `kty`
    #[must_use]
    pub fn key_type(&self) -> &str {
        self.key_type.as_str()
    }

    /// `alg`, empty when it has none.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.algorithm.as_str()
    }

    /// `use`, empty when it has none.
    #[must_use]
    pub fn usage(&self) -> &str {
        self.usage.as_str()
    }

    /// Whether it holds what only its owner may know (RFC 7517 §4, RFC 7518 §6).
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.private
    }

    /// The certificate of the key, the first of `x5c`, in DER (RFC 7517 §4.7).
    #[must_use]
    pub fn certificate(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.certificate.as_str()).ok().filter(|der| !der.is_empty())
    }

    /// Whether it can verify signatures, and what kind of key it is.
    ///
    /// # Errors
    /// With the reason why not.
    pub fn usability(&self) -> Result<KeyKind, Unusable> {
        self.usability.unwrap_or(Err(Unusable::Malformed))
    }

    fn text(&mut self, member: TextMember) -> &mut Text {
        match member {
            TextMember::KeyId => &mut self.key_id,
            TextMember::KeyType => &mut self.key_type,
            TextMember::Curve => &mut self.curve,
            TextMember::Algorithm => &mut self.algorithm,
            TextMember::Usage => &mut self.usage,
            TextMember::Modulus => &mut self.modulus,
            TextMember::Exponent => &mut self.exponent,
            TextMember::X => &mut self.x,
            TextMember::Y => &mut self.y,
        }
    }

    fn judge(&self) -> Result<KeyKind, Unusable> {
        if self.malformed {
            return Err(Unusable::Malformed);
        }
        if self.other_operations || !matches!(self.usage(), "" | "sig") {
            return Err(Unusable::OtherUse);
        }
        let kind = match (self.key_type(), self.curve.as_str()) {
            ("RSA", _) => KeyKind::Rsa,
            ("EC", curve) => KeyKind::Ec(Curve::from_name(curve).ok_or(Unusable::Unknown)?),
            ("OKP", "Ed25519") => KeyKind::Ed25519,
            ("oct", _) => return Err(Unusable::Secret),
            _ => return Err(Unusable::Unknown),
        };
        let needed: &[&Text] = match kind {
            KeyKind::Rsa => &[&self.modulus, &self.exponent],
            KeyKind::Ec(_) => &[&self.x, &self.y],
            KeyKind::Ed25519 => &[&self.x],
            KeyKind::Secret => &[],
        };
        if needed.iter().any(|text| text.0.is_empty()) {
            return Err(Unusable::Malformed);
        }
        if kind == KeyKind::Rsa && modulus_bits(self.modulus.as_str()) < SHORTEST_RSA {
            return Err(Unusable::Weak);
        }
        Ok(kind)
    }

    /// Whether signatures of this algorithm may be verified with it (RFC 7517 §4.4).
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let named = self.algorithm.as_str();
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
        let decoded = |text: &Text| text.decode().ok_or(Unusable::Malformed);
        match self.usability()? {
            KeyKind::Rsa => {
                // Some issuers write the sign byte of their number.
                let (modulus, exponent) = (decoded(&self.modulus)?, decoded(&self.exponent)?);
                Ok(VerifyingKey::rsa(
                    without_leading_zeros(&modulus).to_vec(),
                    without_leading_zeros(&exponent).to_vec(),
                ))
            }
            KeyKind::Ec(curve) => {
                let (x, y) = (decoded(&self.x)?, decoded(&self.y)?);
                VerifyingKey::ec(curve, &x, &y).ok_or(Unusable::Malformed)
            }
            KeyKind::Ed25519 => VerifyingKey::ed25519(decoded(&self.x)?).ok_or(Unusable::Malformed),
            KeyKind::Secret => Err(Unusable::Secret),
        }
    }
}

/// Length of a number in base64url, without decoding more of it than its beginning.
fn modulus_bits(text: &str) -> usize {
    let zeros = jws::decode(text.get(..8).unwrap_or_default()).map_or(0, |start| {
        start.iter().position(|byte| *byte != 0).map_or(start.len() * 8, |at| {
            at * 8 + start.get(at).map_or(0, |byte| byte.leading_zeros() as usize)
        })
    });
    (text.len() * 6 / 8 * 8).saturating_sub(zeros)
}

const OBJECT: &str = "an object";

/// A set while it is read.
#[derive(Default)]
struct Reading {
    /// The value of `keys`, when it is an array.
    keys: Option<Vec<Jwk>>,
    duplicate_member: bool,
}

/// Where in the text a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Set,
    Keys,
    Key,
    Member,
}

/// A value as far as it matters.
enum Read {
    Text(Text),
    /// An array of texts alone: the first of them, and whether `verify` is one.
    Texts {
        first: Text,
        verify: bool,
    },
    /// Any other value, by its kind. Sets and keys are in [`Reading`] by then.
    Other(&'static str),
}

/// Reads one value of the text.
struct Reader<'a> {
    body: &'a Bytes,
    reading: &'a mut Reading,
    place: Place,
}

impl Reader<'_> {
    fn at(&mut self, place: Place) -> Reader<'_> {
        Reader { body: self.body, reading: self.reading, place }
    }

    /// The members of the set.
    fn set<'de, A: MapAccess<'de>>(&mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            if name == "keys" {
                self.reading.duplicate_member |= self.reading.keys.take().is_some();
                members.next_value_seed(self.at(Place::Keys))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    /// The members of a key.
    fn key<'de, A: MapAccess<'de>>(&mut self, mut members: A) -> Result<Jwk, A::Error> {
        let mut key = Jwk::default();
        // A bit for each member that was seen, to notice one that comes twice.
        let mut seen = 0_u32;
        let mut shared_secret = false;
        while let Some(member) = members.next_key_seed(MemberName)? {
            let Some(member) = member else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = 1 << member.bit();
            self.reading.duplicate_member |= seen & bit != 0;
            seen |= bit;
            let value = members.next_value_seed(self.at(Place::Member))?;
            let place = match (member, value) {
                (Member::Text(text), Read::Text(value)) => {
                    *key.text(text) = value;
                    continue;
                }
                (Member::KeyOperations, Read::Texts { verify, .. }) => {
                    key.other_operations = !verify;
                    continue;
                }
                // What is needed is missed later; a key of another type ignores it (RFC 7517 §4).
                (Member::Text(text), _) if text.is_material() => continue,
                (Member::Text(_) | Member::KeyOperations, _) => &mut key.malformed,
                // The certificate is watched, and chooses nothing.
                (Member::Certificates, Read::Texts { first, .. }) => {
                    key.certificate = first;
                    continue;
                }
                (Member::Certificates, _) => continue,
                (Member::SharedSecret, _) => &mut shared_secret,
                (Member::Private(_), _) => &mut key.private,
            };
            *place = true;
        }
        key.private |= shared_secret && key.key_type() == "oct";
        key.usability = Some(key.judge());
        Ok(key)
    }

    /// A value of which only the kind matters. As an element of the array it is no key.
    fn other(self, kind: &'static str) -> Read {
        if self.place == Place::Key {
            self.reading.push(Jwk { malformed: true, ..Jwk::default() });
        }
        Read::Other(kind)
    }
}

impl Reading {
    fn push(&mut self, key: Jwk) {
        self.keys.get_or_insert_default().push(key);
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Read, A::Error> {
        match self.place {
            Place::Set => self.set(members)?,
            Place::Key => {
                let key = self.key(members)?;
                self.reading.push(key);
            }
            Place::Keys | Place::Member => {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
        }
        Ok(Read::Other(OBJECT))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Read, A::Error> {
        match self.place {
            Place::Keys => {
                self.reading.keys.get_or_insert_default();
                while items.next_element_seed(self.at(Place::Key))?.is_some() {}
                Ok(Read::Other("an array"))
            }
            Place::Member => {
                let (mut first, mut verify, mut only_texts) = (None, false, true);
                while let Some(item) = items.next_element_seed(self.at(Place::Member))? {
                    match item {
                        Read::Text(text) => {
                            verify |= text.as_str() == "verify";
                            first.get_or_insert(text);
                        }
                        Read::Texts { .. } | Read::Other(_) => only_texts = false,
                    }
                }
                let texts = Read::Texts { first: first.unwrap_or_default(), verify };
                Ok(if only_texts { texts } else { Read::Other("an array") })
            }
            Place::Set | Place::Key => {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(self.other("an array"))
            }
        }
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Read, E> {
        match self.place {
            Place::Member => Ok(Read::Text(Text(self.body.slice_ref(text.as_bytes())))),
            _ => Ok(self.other("a string")),
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<Read, E> {
        match self.place {
            // Text with escapes does not lie in the body as it is.
            Place::Member => Ok(Read::Text(Text(Bytes::copy_from_slice(text.as_bytes())))),
            _ => Ok(self.other("a string")),
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<Read, E> {
        Ok(self.other("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Read, E> {
        Ok(self.other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Read, E> {
        Ok(self.other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Read, E> {
        Ok(self.other("a number"))
    }

    fn visit_unit<E>(self) -> Result<Read, E> {
        Ok(self.other("null"))
    }
}

/// A member of a key that is read (RFC 7517 §4, RFC 7518 §6).
#[derive(Clone, Copy)]
enum Member {
    Text(TextMember),
    KeyOperations,
    Certificates,
    SharedSecret,
    /// Private ones, numbered.
    Private(u8),
}

/// A member whose value is a text.
#[derive(Clone, Copy)]
enum TextMember {
    KeyId,
    KeyType,
    Curve,
    Algorithm,
    Usage,
    Modulus,
    X,
    Exponent,
    Y,
}

impl TextMember {
    /// Whether it is a part of the key itself, of which each type has others.
    const fn is_material(self) -> bool {
        matches!(self, Self::Curve | Self::Modulus | Self::X | Self::Exponent | Self::Y)
    }
}

impl Member {
    /// A number of its own.
    const fn bit(self) -> u8 {
        match self {
            Self::Text(text) => text as u8,
            Self::KeyOperations => 16,
            Self::Certificates => 17,
            Self::SharedSecret => 18,
            Self::Private(number) => 20 + number,
        }
    }
}

/// Reads the name of a member, without a copy of it.
struct MemberName;

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Some(match name {
            "kid" => Member::Text(TextMember::KeyId),
            "kty" => Member::Text(TextMember::KeyType),
            "crv" => Member::Text(TextMember::Curve),
            "alg" => Member::Text(TextMember::Algorithm),
            "use" => Member::Text(TextMember::Usage),
            "n" => Member::Text(TextMember::Modulus),
            "x" => Member::Text(TextMember::X),
            "e" => Member::Text(TextMember::Exponent),
            "y" => Member::Text(TextMember::Y),
            "key_ops" => Member::KeyOperations,
            "x5c" => Member::Certificates,
            "k" => Member::SharedSecret,
            "d" => Member::Private(0),
            "p" => Member::Private(1),
            "q" => Member::Private(2),
            "dp" => Member::Private(3),
            "dq" => Member::Private(4),
            "qi" => Member::Private(5),
            "oth" => Member::Private(6),
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-256 (RFC 7517 appendix A.1).
    const EC: &str = r#""kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
    /// Ed25519 (RFC 8037 appendix A.2).
    const ED: &str = r#""kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn rsa(bits: usize) -> String {
        let modulus = "_".repeat(bits / 6) + if bits.is_multiple_of(6) { "" } else { "w" };
        format!(r#""kty": "RSA", "n": "{modulus}", "e": "AQAB""#)
    }

    fn set(keys: &[&str]) -> KeySet {
        let keys: Vec<_> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        KeySet::parse(&format!(r#"{{"keys": [{}], "x": [1]}}"#, keys.join(",")).into())
            .expect("a set")
    }

    #[test]
    fn usable_and_unusable_keys() {
        for (key, expected) in [
            (EC.to_owned(), Ok(KeyKind::Ec(Curve::P256))),
            (format!(r#"{EC}, "use": "sig", "key_ops": ["verify"]"#), Ok(KeyKind::Ec(Curve::P256))),
            (ED.to_owned(), Ok(KeyKind::Ed25519)),
            (rsa(2048), Ok(KeyKind::Rsa)),
            (format!(r#"{}, "future": {{"a": [1, null]}}"#, rsa(2048)), Ok(KeyKind::Rsa)),
            (rsa(1024), Err(Unusable::Weak)),
            (format!(r#"{EC}, "use": "enc""#), Err(Unusable::OtherUse)),
            (format!(r#"{EC}, "key_ops": ["deriveKey"]"#), Err(Unusable::OtherUse)),
            (format!(r#"{EC}, "key_ops": "verify""#), Err(Unusable::Malformed)),
            (r#""kty": "oct", "k": "c2VjcmV0""#.to_owned(), Err(Unusable::Secret)),
            (r#""kty": "OKP", "crv": "Ed448", "x": "AA""#.to_owned(), Err(Unusable::Unknown)),
            (r#""kty": "AKP", "alg": "ML-DSA-44", "pub": "AA""#.to_owned(), Err(Unusable::Unknown)),
            (r#""kty": "RSA", "e": "AQAB""#.to_owned(), Err(Unusable::Malformed)),
            // Members of other types are none of this one's business (RFC 7517 §4).
            (format!(r#"{}, "x": "AA", "y": 1, "crv": null"#, rsa(2048)), Ok(KeyKind::Rsa)),
            (format!(r#"{EC}, "n": "AA", "e": []"#), Ok(KeyKind::Ec(Curve::P256))),
            (EC.replace("\"MK", "[],\"z\": \"MK"), Err(Unusable::Malformed)),
            (format!(r#"{EC}, "kid": 7"#), Err(Unusable::Malformed)),
            (String::new(), Err(Unusable::Unknown)),
        ] {
            let set = set(&[&key]);
            assert_eq!(set.keys().first().expect("a key").usability(), expected, "{key}");
            assert_eq!(set.usable(), usize::from(expected.is_ok()), "{key}");
        }
    }

    #[test]
    fn the_length_of_a_modulus_forgets_leading_zeros() {
        for (text, bits) in [("gAAAAAAAAAAA", 72), ("AIAAAAAAAAAA", 64), ("AAAAAAAAAAAA", 24)] {
            assert_eq!(modulus_bits(text), bits, "{text}");
        }
    }

    #[test]
    fn one_bad_key_does_not_spoil_the_set() {
        let text = format!(
            r#"{{"keys": [1, null, "x", [{{}}], {{"kid": 7}}, {{"x5c": "MII"}}, {{{EC}, "kid": "good"}}]}}"#
        );
        let set = KeySet::parse(&text.into()).expect("a set");
        assert_eq!(set.keys().len(), 7);
        assert_eq!(set.usable(), 1);
        assert!(set.has("good"));
    }

    #[test]
    fn what_is_no_key_set() {
        let error =
            |text: &str| KeySet::parse(&Bytes::from(text.to_owned())).expect_err(text).to_string();
        let no_keys = "the key set has no array keys (RFC 7517 §5)";
        assert_eq!(error("{}"), no_keys);
        assert_eq!(error(r#"{"keys": {}}"#), no_keys);
        assert_eq!(error(r#"{"keys": null}"#), no_keys);
        assert_eq!(
            error("[]"),
            "the key set is no JSON object: expected an object, found an array (RFC 7517 §5)"
        );
        assert_eq!(
            error("<html>"),
            "the key set is no JSON object: not JSON at line 1, column 1 (RFC 7517 §5)"
        );
        assert_eq!(
            error(r#"{"keys": ["#),
            "the key set is no JSON object: the text ends too early at line 1, column 10 (RFC 7517 §5)"
        );
        let deep = format!(r#"{{"keys": [{{"a": {}"#, "[".repeat(100_000));
        assert!(error(&deep).contains("ends too early"));
    }

    #[test]
    fn private_members_are_noticed() {
        for (key, private) in [
            (format!(r#"{EC}, "d": "AA""#), true),
            (format!(r#"{}, "p": "AA""#, rsa(2048)), true),
            (r#""kty": "oct", "k": "c2VjcmV0""#.to_owned(), true),
            (format!(r#"{EC}, "k": "v""#), false),
            (EC.to_owned(), false),
        ] {
            assert_eq!(set(&[&key]).keys().first().expect("a key").is_private(), private, "{key}");
        }
    }

    #[test]
    fn duplicates_are_noticed() {
        let with_id = |key: &str| format!(r#"{key}, "kid": "a""#);
        assert!(set(&[&with_id(EC), &with_id(EC)]).has_duplicate_key_id());
        // RFC 7517 §4.5: the same id for equivalent keys of another type.
        assert!(!set(&[&with_id(EC), &with_id(ED)]).has_duplicate_key_id());
        assert!(!set(&[EC, EC]).has_duplicate_key_id());
        assert!(set(&[&format!(r#"{EC}, "kty": "EC""#)]).duplicate_member);
        assert!(!set(&[EC, ED]).duplicate_member);
    }

    #[test]
    fn the_hash_follows_the_keys_and_not_their_order() {
        let with_id = format!(r#"{ED}, "kid": "a""#);
        assert_eq!(set(&[EC, ED]).hash(), set(&[ED, EC]).hash());
        assert_ne!(set(&[EC, ED]).hash(), set(&[EC]).hash());
        assert_ne!(set(&[ED]).hash(), set(&[&with_id]).hash());
        assert_ne!(set(&[EC]).hash(), set(&[]).hash());
    }

    #[test]
    fn keys_with_escapes_are_read() {
        let set = set(&[&format!(r#"{EC}, "k\u0069d": "\u00fc\u006b""#)]);
        assert_eq!(set.keys().first().and_then(Jwk::key_id), Some("ük"));
    }
}
