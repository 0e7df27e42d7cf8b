//! Errors of a configuration and the path to what is wrong.

use serde::de::DeserializeOwned;

/// One part of the path to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A key of a mapping.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// The path to a value of the configuration, as `modules.prod.oauth_cc.client.auth`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The path of a member of this value.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Key(key.to_owned()));
        path
    }

    /// The path of an element of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Index(index));
        path
    }

    /// Its parts, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error { path: self.clone(), message: message.into() }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What is wrong in a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.0.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct Error {
    /// Where.
    pub path: Path,
    /// What, never with the value of a secret.
    pub message: String,
}

/// Reads a block strictly; an error names the path from the top of the file.
///
/// # Errors
/// For a wrong type, an unknown or missing field, or a value that the type refuses.
pub fn parse<T: DeserializeOwned>(value: serde_yaml::Value, at: &Path) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = at.clone();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => {
                    path.0.push(Segment::Index(*index));
                }
                serde_path_to_error::Segment::Map { key } => {
                    path.0.push(Segment::Key(key.clone()));
                }
                serde_path_to_error::Segment::Enum { .. }
                | serde_path_to_error::Segment::Unknown => {}
            }
        }
        path.error(without_value(&error.into_inner().to_string()))
    })
}

/// serde quotes the text that it did not expect, and that text may be a secret in the wrong place.
fn without_value(message: &str) -> String {
    for kind in ["invalid type: string ", "invalid value: string "] {
        if let Some(found) = message.find(kind)
            && let Some(expected) = message.rfind(", expected ")
        {
            let before = message.get(..found + kind.len()).unwrap_or_default();
            let after = message.get(expected..).unwrap_or_default();
            return format!("{}{after}", before.trim_end());
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Block {
        #[allow(dead_code)]
        numbers: Vec<u8>,
    }

    fn message(yaml: &str) -> String {
        let value = serde_yaml::from_str(yaml).expect("test YAML");
        parse::<Block>(value, &Path::default().key("modules").key("m"))
            .expect_err("test input is wrong")
            .to_string()
    }

    #[test]
    fn errors_name_their_path_and_never_the_text_that_was_wrong() {
        assert_eq!(
            message("numbers: [1, hunter22]"),
            "modules.m.numbers[1]: invalid type: string, expected u8"
        );
        assert_eq!(
            message("number: []"),
            "modules.m.number: unknown field `number`, expected `numbers`"
        );
        assert_eq!(message("{}"), "modules.m: missing field `numbers`");
    }
}
