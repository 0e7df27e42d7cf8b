//! From text to a tree that means one thing: no key twice, every key text, no tags,
//! and merge keys resolved.
//!
//! The tree of the YAML library says less when a key occurs twice: neither which of the
//! two lines is the second one, nor the path in the form that our other errors have.

use std::cell::{Cell, RefCell};

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess};
use serde_yaml::{Mapping, Value};

use super::{Problem, locate};
use crate::settings::{Error, Path, Place};

/// The parser's time grows with the square of the brackets that are open.
const MOST_OPEN_BRACKETS: usize = 1000;

/// The key whose value is merged into its mapping (YAML 1.1 merge keys).
const MERGE: &str = "<<";

/// What an assertion compares with, which may be null.
const ANY_VALUE: &str = "value";

/// Reads the text.
///
/// # Errors
/// When it is not YAML of one document, or leaves a doubt about what it means.
pub(super) fn read(text: &str) -> Result<Value, Problem> {
    if let Some(line) = line_of_too_many_brackets(text) {
        let message = format!("bad YAML: more than {MOST_OPEN_BRACKETS} brackets are open here");
        return Err(Problem { line: Some(line), message });
    }
    let noticed = Noticed::default();
    let top = Path::default();
    let root = Node { place: &Place::Below(&top), noticed: &noticed };
    let tree = root.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
        let line = error.location().map(|location| location.line());
        match noticed.failed.take() {
            Some(ours) => Problem { line, message: without_bare_key(text, ours).to_string() },
            None => Problem { line, message: format!("bad YAML: {error}") },
        }
    })?;
    if !noticed.merges.get() {
        return Ok(tree);
    }
    merged(tree, &Path::default()).map_err(|error| Problem {
        line: locate::line(text, &error.path.segments()),
        message: error.to_string(),
    })
}

/// Without the key at the end of its path, unless a colon is behind it: without a blank behind a
/// colon (`{secret:abc}`) or with a comma (`{secret: a,bc}`), a secret is a key for YAML. It may have
/// a colon itself: no field below a module has a digit in its name.
fn without_bare_key(text: &str, error: Error) -> Error {
    let Some((outer, key)) = error.path.outer() else { return error };
    let has_colon = text.match_indices(key).any(|(at, _)| {
        let behind = text.get(at + key.len()..).unwrap_or_default();
        behind.trim_start_matches(['"', '\'', ' ', '\t']).starts_with(':')
    });
    let is_named = error.path.segments().len() <= 2 || !key.contains(|c: char| c.is_ascii_digit());
    if has_colon && is_named {
        error
    } else {
        outer.error(format!(
            "a key that is not shown {}; a secret needs a blank before it, and quotes around a comma or brace",
            error.message
        ))
    }
}

/// Brackets in texts and comments count too: nobody writes so many of them.
fn line_of_too_many_brackets(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (number, line) in text.split('\n').enumerate() {
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MOST_OPEN_BRACKETS {
                return Some(number + 1);
            }
        }
    }
    None
}

/// Whether the place is the value of this key, or within it.
fn is_in(place: &Place<'_>, wanted: &str) -> bool {
    match place {
        Place::Below(_) => false,
        Place::Key(outer, key) => *key == wanted || is_in(outer, wanted),
        Place::Index(outer, _) => is_in(outer, wanted),
    }
}

/// What was noticed while the tree was built.
#[derive(Default)]
struct Noticed {
    /// What was refused: the library's error has no room for it.
    failed: RefCell<Option<Error>>,
    /// Whether there is a merge key.
    merges: Cell<bool>,
}

/// Builds the value that stands here.
#[derive(Clone, Copy)]
struct Node<'p> {
    place: &'p Place<'p>,
    noticed: &'p Noticed,
}

impl Node<'_> {
    fn refuse<E: serde::de::Error>(self, error: Error) -> E {
        self.noticed.failed.replace(Some(error));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<Value, E> {
        Err(self.refuse(self.place.error(TOO_LARGE)))
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<Value, E> {
        Err(self.refuse(self.place.error(TOO_LARGE)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    /// Whoever writes a key and no value may mean that all is as by default, or nothing at all.
    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        match self.place {
            Place::Key(..) if !is_in(self.place, ANY_VALUE) => {
                let message = "has no value: give it one, or leave it out";
                Err(self.refuse(self.place.error(message)))
            }
            _ => Ok(Value::Null),
        }
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut sequence = Vec::new();
        loop {
            let place = Place::Index(self.place, sequence.len());
            match elements.next_element_seed(Node { place: &place, ..self })? {
                Some(element) => sequence.push(element),
                None => return Ok(Value::Sequence(sequence)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut mapping = Mapping::new();
        while let Some(key) = members.next_key_seed(Key { node: self, known: &mapping })? {
            let place = Place::Key(self.place, &key);
            let value = members.next_value_seed(Node { place: &place, ..self })?;
            mapping.insert(key.into(), value);
        }
        Ok(Value::Mapping(mapping))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(self.refuse(self.place.error("tags are not understood here")))
    }
}

const TOO_LARGE: &str = "is a number with too many digits: put it in quotes if it is text";

/// Reads a key. It is refused while it is read, so that the error has its line.
struct Key<'p> {
    node: Node<'p>,
    known: &'p Mapping,
}

impl Key<'_> {
    fn not_text<E: serde::de::Error>(self) -> E {
        self.node.refuse(self.node.place.error("a key is not text: put it in quotes"))
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! not_text {
    ($($visit:ident $type:ty,)+) => {
        $(fn $visit<E: serde::de::Error>(self, _: $type) -> Result<String, E> {
            Err(self.not_text())
        })+
    };
}

impl<'de> serde::de::Visitor<'de> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        if self.known.contains_key(key) {
            return Err(self.node.refuse(self.node.place.path().key(key).error("is given twice")));
        }
        if key == MERGE {
            self.node.noticed.merges.set(true);
        }
        Ok(key.to_owned())
    }

    not_text!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_i128 i128, visit_u128 u128, visit_f64 f64,);

    fn visit_unit<E: serde::de::Error>(self) -> Result<String, E> {
        Err(self.not_text())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.not_text())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.not_text())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.not_text())
    }
}

/// The value with all of its merge keys resolved, the innermost first: what is merged may
/// have been merged itself. A key of the mapping wins over a merged one, and of several
/// merged mappings the earlier one wins.
fn merged(value: Value, at: &Path) -> Result<Value, Error> {
    match value {
        Value::Sequence(elements) => elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| merged(element, &at.index(index)))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Sequence),
        Value::Mapping(members) => {
            let mut mapping = Mapping::with_capacity(members.len());
            for (key, member) in members {
                let at = at.key(key.as_str().unwrap_or_default());
                mapping.insert(key, merged(member, &at)?);
            }
            let additions = match mapping.shift_remove(MERGE) {
                None => Vec::new(),
                Some(Value::Sequence(additions)) => additions,
                Some(addition) => vec![addition],
            };
            for addition in additions {
                let Value::Mapping(addition) = addition else {
                    return Err(at.key(MERGE).error("must be a mapping or a list of mappings"));
                };
                for (key, member) in addition {
                    mapping.entry(key).or_insert(member);
                }
            }
            Ok(Value::Mapping(mapping))
        }
        scalar => Ok(scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        read(text)
            .map(|value| serde_json::to_string(&value).expect("JSON"))
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn scalars_keep_their_types() {
        assert_eq!(
            shown("{a: 1, b: -1, c: 1.5, d: true, value: ~, f: x, g: '1', h: [1, [2]]}").as_deref(),
            Ok(r#"{"a":1,"b":-1,"c":1.5,"d":true,"value":null,"f":"x","g":"1","h":[1,[2]]}"#)
        );
        assert_eq!(shown("").as_deref(), Ok("null"));
    }

    #[test]
    fn a_key_without_a_value_is_refused() {
        assert_eq!(shown("value: {a: ~}").as_deref(), Ok(r#"{"value":{"a":null}}"#));
        assert_eq!(
            shown("a:\n  - b: 1\n  - validate:\n").unwrap_err(),
            "line 3: a[1].validate: has no value: give it one, or leave it out"
        );
    }

    #[test]
    fn a_secret_that_became_a_key_is_not_shown() {
        for text in [
            "c: {id: app, secret:hunter2-hunter2}",
            "c: {id: app, secret: abc,hunter2-hunter2}",
            "c: {\"Authorization: Bearer hunter2\"}",
            "c: {secret: abc,hunter2-hunter2, hunter2-hunter2}",
        ] {
            let message = shown(text).expect_err("is refused");
            assert!(message.starts_with("line 1: c: a key that is not shown "), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        let own_colon = shown("m: {c: {id: app, secret: abc,\n hunter2: }}").unwrap_err();
        assert!(own_colon.starts_with("line 2: m.c: a key that is not shown "), "{own_colon}");
        assert!(shown("m:\n  prod2:").unwrap_err().starts_with("line 2: m.prod2: has no value"));
        assert!(shown("c: {'id' : ~}").unwrap_err().starts_with("line 1: c.id: has no value"));
    }

    #[test]
    fn merges_chains_and_lists_and_the_nearer_key_wins() {
        assert_eq!(
            shown(
                "a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2, z: 2}\nc: {<<: *b, z: 3}\nd: [{<<: [{q: 1}, {q: 2, r: 2}]}]"
            )
            .as_deref(),
            Ok(
                r#"{"a":{"x":1,"y":1},"b":{"y":2,"z":2,"x":1},"c":{"z":3,"y":2,"x":1},"d":[{"q":1,"r":2}]}"#
            )
        );
    }

    #[test]
    fn refuses_what_leaves_a_doubt_with_path_and_line() {
        for (text, message) in [
            ("a:\n  b: 1\n  c: 2\n  b: 3", "line 4: a.b: is given twice"),
            ("a: [1, {b: 1,\n b: 1}]", "line 2: a[1].b: is given twice"),
            ("a:\n  <<: {}\n  <<: {}", "line 3: a.<<: is given twice"),
            ("a:\n  1: x", "line 2: a: a key is not text: put it in quotes"),
            ("a: 1\n~: x", "line 2: a key is not text: put it in quotes"),
            ("a: 1\n? [b]\n: x", "line 2: a key is not text: put it in quotes"),
            ("a:\n- !secret x", "line 2: a[0]: tags are not understood here"),
            (
                "a: 99999999999999999999",
                "line 1: a: is a number with too many digits: put it in quotes if it is text",
            ),
            ("a:\n  <<: 1", "line 2: a.<<: must be a mapping or a list of mappings"),
            ("a:\n  <<: [{}, x]", "line 2: a.<<: must be a mapping or a list of mappings"),
        ] {
            assert_eq!(shown(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn deep_and_multiplying_texts_end_in_an_error() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (outer, inner) in
            ["b", "c", "d", "e", "f", "g", "h"].into_iter().zip(["a", "b", "c", "d", "e", "f", "g"])
        {
            let nine = vec![format!("*{inner}"); 9].join(", ");
            bomb = format!("{bomb}{outer}: &{outer} [{nine}]\n");
        }
        for (text, message) in [
            ("{a: ".repeat(100_000), "line 1: bad YAML: more than 1000 brackets are open here"),
            ("\n[".repeat(100_000), "line 1002: bad YAML: more than 1000 brackets are open here"),
            ("[".repeat(500), "line 1: bad YAML: recursion limit exceeded at line 1 column 129"),
            (
                "- ".repeat(10_000),
                "line 1: bad YAML: recursion limit exceeded at line 1 column 257",
            ),
            (bomb, "bad YAML: repetition limit exceeded"),
            ("&a [*a]".to_owned(), "line 1: bad YAML: recursion limit exceeded"),
        ] {
            let beginning: String = text.chars().take(40).collect();
            assert_eq!(shown(&text), Err(message.to_owned()), "{beginning}");
        }
    }
}
