//! Reads a set in one pass: what matters of a key is a slice of the body, the rest is looked over.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Jwk, KeySetError, Text};
use crate::protocol::json::JsonError;

const OBJECT: &str = "an object";

/// Reads the keys of a set, and whether a member occurs twice.
///
/// # Errors
/// When it is no JSON object with an array of keys.
pub(super) fn read(body: &Bytes) -> Result<(Vec<Jwk>, bool), KeySetError> {
    let mut reading = Reading::default();
    // Looked over once, and not again for each text in it.
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(body, error.valid_up_to()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let top = Reader { body, reading: &mut reading, place: Place::Set }
        .deserialize(&mut deserializer)
        .and_then(|found| deserializer.end().map(|()| found))
        .map_err(|error| JsonError::syntax(&error))?;
    let Reading { keys, duplicate_member } = reading;
    match (keys, top) {
        (Some(keys), _) => Ok((keys, duplicate_member)),
        (None, Read::Other(kind)) if kind != OBJECT => Err(JsonError::NotAnObject(kind).into()),
        (None, _) => Err(KeySetError::NoKeys),
    }
}

/// Text that stands in the body.
fn text_at(body: &Bytes, text: &str) -> Text {
    let start = text.as_ptr().addr().checked_sub(body.as_ptr().addr());
    let range = start.and_then(|start| {
        Some(u32::try_from(start).ok()?..u32::try_from(start + text.len()).ok()?)
    });
    // Beyond four gigabytes, which no body has.
    range.map_or_else(|| Text::Unescaped(text.into()), Text::At)
}

fn not_utf8(body: &[u8], valid: usize) -> JsonError {
    let before = body.get(..valid).and_then(|valid| std::str::from_utf8(valid).ok());
    let before = before.unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
    JsonError::Syntax { what: "not UTF-8", line, column }
}

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
    Null,
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
        let mut key = Jwk { body: self.body.clone(), ..Jwk::default() };
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
                // As writers put it that leave no member out.
                (_, Read::Null) => continue,
                // What is needed is missed later; a key of another type ignores it (RFC 7517 §4).
                (Member::Text(text), _) if text.is_material() => continue,
                // The certificate is watched, and chooses nothing.
                (Member::Text(TextMember::Thumbprint | TextMember::ThumbprintSha256), _) => {
                    continue;
                }
                (Member::Text(_) | Member::KeyOperations, _) => &mut key.malformed,
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
                            verify |= text.bytes(self.body) == b"verify";
                            first.get_or_insert(text);
                        }
                        Read::Texts { .. } | Read::Null | Read::Other(_) => only_texts = false,
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
            Place::Member => Ok(Read::Text(text_at(self.body, text))),
            _ => Ok(self.other("a string")),
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<Read, E> {
        match self.place {
            Place::Member => Ok(Read::Text(Text::Unescaped(text.into()))),
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
        Ok(match self.place {
            Place::Member => Read::Null,
            _ => self.other("null"),
        })
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
    Public,
    Thumbprint,
    ThumbprintSha256,
}

impl Jwk {
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
            TextMember::Public => &mut self.public,
            TextMember::Thumbprint => &mut self.thumbprint,
            TextMember::ThumbprintSha256 => &mut self.thumbprint_sha256,
        }
    }
}

impl TextMember {
    /// Whether it is a part of the key itself, of which each type has others.
    const fn is_material(self) -> bool {
        matches!(
            self,
            Self::Curve | Self::Modulus | Self::X | Self::Exponent | Self::Y | Self::Public
        )
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
            "pub" => Member::Text(TextMember::Public),
            "x5t" => Member::Text(TextMember::Thumbprint),
            "x5t#S256" => Member::Text(TextMember::ThumbprintSha256),
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
