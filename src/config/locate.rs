//! Finds the line of a path in YAML text.
//!
//! The parsed tree has no positions, but the parser's errors do: so the text is
//! parsed once more along the path, and the visit of its end is made to fail.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::settings::Segment;

/// The line, from 1, of the key or element that the path leads to, or of its
/// nearest ancestor that the text has.
pub(super) fn line(text: &str, path: &[&Segment]) -> Option<usize> {
    (1..=path.len()).rev().find_map(|length| {
        let seek = Seek(path.get(..length)?);
        match seek.deserialize(serde_yaml::Deserializer::from_str(text)) {
            Err(error) if error.to_string().contains(HERE) => {
                error.location().map(|location| location.line())
            }
            _ => None,
        }
    })
}

/// The message of the error that marks the place.
const HERE: &str = "the place that is sought";

/// Walks along the path.
struct Seek<'p>(&'p [&'p Segment]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.first() {
            Some(_) => deserializer.deserialize_any(self),
            None => deserializer.deserialize_any(Here),
        }
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Some((Segment::Key(wanted), below)) = self.0.split_first() else {
            return Err(A::Error::custom("the path leads elsewhere"));
        };
        while let Some(found) = members.next_key_seed(Key { wanted, is_end: below.is_empty() })? {
            if found {
                members.next_value_seed(Seek(below))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Segment::Index(wanted), below)) = self.0.split_first() else {
            return Err(A::Error::custom("the path leads elsewhere"));
        };
        for _ in 0..*wanted {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Seek(below))?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Compares a key, and fails on the one at the end of the path.
struct Key<'p> {
    wanted: &'p str,
    is_end: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        match (key == self.wanted, self.is_end) {
            (true, true) => Err(E::custom(HERE)),
            (found, _) => Ok(found),
        }
    }
}

/// Fails on whatever value it meets.
struct Here;

macro_rules! here {
    ($($visit:ident $type:ty,)+) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<(), E> { Err(E::custom(HERE)) })+
    };
}

impl<'de> Visitor<'de> for Here {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    here!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str,);

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(E::custom(HERE))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(HERE))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(HERE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Path;

    const TEXT: &str = "# a comment\nmodules:\n  one:\n    prober: x\n    list:\n      - a\n      - {b: 1,\n         c: 2}\n  two: {}\n";

    fn of(path: &Path) -> Option<usize> {
        line(TEXT, &path.segments())
    }

    #[test]
    fn finds_keys_elements_and_the_nearest_ancestor() {
        let one = Path::default().key("modules").key("one");
        assert_eq!(of(&Path::default().key("modules")), Some(2));
        assert_eq!(of(&one), Some(3));
        assert_eq!(of(&one.key("prober")), Some(4));
        assert_eq!(of(&one.key("list").index(0)), Some(6));
        assert_eq!(of(&one.key("list").index(1).key("c")), Some(8));
        assert_eq!(of(&Path::default().key("modules").key("two").key("prober")), Some(9));
        assert_eq!(of(&one.key("list").index(7)), Some(5));
        assert_eq!(of(&Path::default().key("other")), None);
        assert_eq!(of(&Path::default()), None);
    }
}
