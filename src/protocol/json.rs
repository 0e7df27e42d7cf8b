//! JSON that remembers which members occurred twice.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A parsed JSON text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its value; of a member that occurs twice, the last one.
    pub value: Value,
    /// Whether an object of it has a member twice: RFC 8259 §4 leaves open what that means.
    pub duplicate_member: bool,
    /// Whether it has one twice itself, and not an object within it.
    pub own_duplicate_member: bool,
}

/// Why a text is no JSON: the position, never the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not a JSON text (RFC 8259), or nested deeper than 128 levels.
    #[error("{what} at line {line}, column {column}")]
    Syntax {
        /// Kind of the error.
        what: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A JSON text, but no object.
    #[error("expected an object, found {0}")]
    NotAnObject(&'static str),
}

impl JsonError {
    /// What a parser found, without the text that it quotes.
    pub(in crate::protocol) fn syntax(error: &serde_json::Error) -> Self {
        Self::Syntax {
            what: match error.classify() {
                serde_json::error::Category::Eof => "the text ends too early",
                _ => "not JSON",
            },
            line: error.line(),
            column: error.column(),
        }
    }
}

impl Document {
    /// Parses a JSON text.
    ///
    /// # Errors
    /// When it is none. Depth is bounded at 128.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let mut shallowest = None;
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let seed = Tolerant { depth: 0, duplicate_member: &mut shallowest };
        seed.deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value))
            .map(|value| Self {
                value,
                duplicate_member: shallowest.is_some(),
                own_duplicate_member: shallowest == Some(0),
            })
            .map_err(|error| JsonError::syntax(&error))
    }

    /// Its members.
    ///
    /// # Errors
    /// When it is no object.
    pub fn members(&self) -> Result<&Map<String, Value>, JsonError> {
        self.value.as_object().ok_or(JsonError::NotAnObject(kind(&self.value)))
    }
}

/// The kind of a JSON value, for messages that must not show the value.
#[must_use]
pub const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

struct Tolerant<'a> {
    depth: usize,
    /// How deep the outermost of them is.
    duplicate_member: &'a mut Option<usize>,
}

impl Tolerant<'_> {
    fn inner(&mut self) -> Tolerant<'_> {
        Tolerant { depth: self.depth + 1, duplicate_member: self.duplicate_member }
    }
}

impl<'de> DeserializeSeed<'de> for Tolerant<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tolerant<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.inner())? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.inner())?;
            if map.insert(name, value).is_some() {
                let depth = self.duplicate_member.map_or(self.depth, |known| known.min(self.depth));
                *self.duplicate_member = Some(depth);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_serde_json_parses() {
        let text = r#" {"a": [1, -2, 3.5, "x\u00fc", null, true], "b": {"c": {}}} "#;
        let document = Document::parse(text.as_bytes()).expect("JSON");
        assert_eq!(document.value, serde_json::from_str::<Value>(text).expect("JSON"));
        assert!(!document.duplicate_member);
    }

    #[test]
    fn notices_members_that_occur_twice_at_any_depth() {
        for (text, own) in [
            (r#"{"a": 1, "a": 2}"#, true),
            (r#"{"b": {"a": 1, "a": 1}, "b": 1}"#, true),
            (r#"{"b": {"a": 1, "a": 1}}"#, false),
            (r#"[{"b": {"a": 1, "a": 1}}]"#, false),
        ] {
            let document = Document::parse(text.as_bytes()).expect("JSON");
            assert!(document.duplicate_member, "{text}");
            assert_eq!(document.own_duplicate_member, own, "{text}");
        }
    }

    #[test]
    fn errors_name_the_place_and_not_the_text() {
        let error = |text: &str| Document::parse(text.as_bytes()).expect_err(text).to_string();
        assert_eq!(error(r#"{"token": "hunter2"#), "the text ends too early at line 1, column 18");
        assert_eq!(error("<html>"), "not JSON at line 1, column 1");
        assert_eq!(error(""), "the text ends too early at line 1, column 0");
        assert_eq!(error("{} {}"), "not JSON at line 1, column 4");
        assert!(error(&"[".repeat(100_000)).starts_with("not JSON"));
    }
}
