//! Errors of a configuration and the path to what is wrong.

use std::sync::Arc;

use serde::de::DeserializeOwned;

/// One part of the path to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A key of a mapping.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// The path to a value of the configuration, as `modules.prod.oauth_cc.client.auth`. Every value
/// has one, and hardly any is wrong: so a path only refers to the one that it goes on from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Option<Arc<Below>>);

#[derive(Debug, PartialEq, Eq)]
struct Below {
    outer: Path,
    segment: Segment,
}

impl Path {
    /// The path of a member of this value.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.below(Segment::Key(key.to_owned()))
    }

    /// The path of an element of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.below(Segment::Index(index))
    }

    /// Of what this value is a part, and the key that it has there.
    #[must_use]
    pub fn outer(&self) -> Option<(Self, &str)> {
        match self.0.as_deref()? {
            Below { outer, segment: Segment::Key(key) } => Some((outer.clone(), key)),
            Below { segment: Segment::Index(_), .. } => None,
        }
    }

    fn below(&self, segment: Segment) -> Self {
        Self(Some(Arc::new(Below { outer: self.clone(), segment })))
    }

    /// Its parts, outermost first.
    #[must_use]
    pub fn segments(&self) -> Vec<&Segment> {
        let mut segments = Vec::new();
        let mut path = self;
        while let Some(below) = &path.0 {
            segments.push(&below.segment);
            path = &below.outer;
        }
        segments.reverse();
        segments
    }

    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error { path: self.clone(), message: message.into() }
    }
}

/// A place on the way down from a path, for who looks at every value: it takes no memory, and
/// becomes a path where something is wrong.
#[derive(Debug)]
pub enum Place<'p> {
    /// Where the way begins.
    Below(&'p Path),
    /// A member of that value.
    Key(&'p Place<'p>, &'p str),
    /// An element of that list.
    Index(&'p Place<'p>, usize),
}

impl Place<'_> {
    /// The same as a path.
    #[must_use]
    pub fn path(&self) -> Path {
        match self {
            Self::Below(path) => (*path).clone(),
            Self::Key(outer, key) => outer.path().key(key),
            Self::Index(outer, index) => outer.path().index(*index),
        }
    }

    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Error {
        self.path().error(message)
    }
}

/// Fields whose value is a secret.
const SECRETS: [&str; 9] = [
    "secret",
    "password",
    "key",
    "code",
    "body",
    "totp_secret",
    "refresh_token",
    "assertion",
    "subject_token",
];

/// Fields whose members are secrets.
const MAPS_OF_SECRETS: [&str; 3] = ["headers", "params", "fields"];

/// How many parts of a path may be shown: a secret that begins with a brace and lost its quotes is
/// a mapping for YAML, and its text a key; and who mixes up the two sides of a user has the hash of
/// a password as the key.
fn shown(segments: &[&Segment]) -> usize {
    let key = |at: usize| match segments.get(at) {
        Some(Segment::Key(key)) => key.as_str(),
        _ => "",
    };
    // The name of a module means nothing.
    let secret = (2..segments.len())
        .find(|at| SECRETS.contains(&key(*at)) || MAPS_OF_SECRETS.contains(&key(at - 1)));
    let is_hash = |at: &usize| key(*at).starts_with("$2");
    let shown = (0..segments.len()).find(is_hash).unwrap_or(segments.len());
    let Some(secret) = secret else { return shown };
    if key(secret + 1) == "file" { segments.len() } else { secret + 1 }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let segments = self.segments();
        let shown = shown(&segments);
        for (position, segment) in segments.into_iter().take(shown).enumerate() {
            match segment {
                Segment::Key(key) => {
                    f.write_str(if position == 0 { "" } else { "." })?;
                    if is_plain(key) { f.write_str(key)? } else { write!(f, "{key:?}")? }
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a key can stand in a path without quotes.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && !key.contains(|c: char| c.is_control() || c.is_whitespace() || ".[]\"".contains(c))
}

/// What is wrong in a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.0.is_none() { String::new() } else { format!("{path}: ") })]
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
pub fn parse<T: DeserializeOwned>(value: &serde_yaml::Value, at: &Path) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = at.clone();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => {
                    path = path.index(*index);
                }
                serde_path_to_error::Segment::Map { key } => {
                    path = path.key(key);
                }
                serde_path_to_error::Segment::Enum { .. }
                | serde_path_to_error::Segment::Unknown => {}
            }
        }
        let message = error.into_inner().to_string();
        if message.starts_with("unknown field ")
            && let Some((outer, name)) = path.outer()
            && !is_name(name)
        {
            return outer.error("has an unknown field, which is not shown: it may be a secret");
        }
        path.error(in_words_of_yaml(&message))
    })
}

/// Whether a key may be meant as the name of a field, none of which has a digit. With a blank or a
/// quote that is missing, a secret is a key for YAML.
fn is_name(key: &str) -> bool {
    const LONGEST: usize = 32;
    key.len() <= LONGEST && key.chars().all(|c| c.is_ascii_alphabetic() || "_-".contains(c))
}

/// serde repeats the value that it did not expect, and that value may be a secret in the wrong
/// place; and it speaks of types of Rust.
fn in_words_of_yaml(message: &str) -> String {
    let Some((before, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let expected = expected_in_words(expected);
    if before.starts_with("unknown variant ") {
        return format!("is none of the known values, expected {expected}");
    }
    let found = before
        .strip_prefix("invalid type: ")
        .or_else(|| before.strip_prefix("invalid value: "))
        .map(found_in_words);
    match found {
        Some(found) => format!("is {found}, expected {expected}"),
        None => message.to_owned(),
    }
}

fn found_in_words(found: &str) -> &'static str {
    [
        ("integer `-", "a negative number"),
        ("integer ", "a number"),
        ("floating point ", "a number that is not whole"),
        ("boolean ", "true or false"),
        ("string ", "text"),
        ("unit value", "empty"),
        ("sequence", "a list"),
        ("map", "a mapping"),
    ]
    .into_iter()
    .find_map(|(serde, words)| found.starts_with(serde).then_some(words))
    .unwrap_or("something else")
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        // A choice among words is an enum of the YAML library's.
        "a string" | "string or map" | "path string" | "a Value::Tagged enum" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "u16" => "a number from 0 to 65535",
        "usize" => "a whole number",
        block if block.starts_with("struct ") => "a mapping",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Block {
        numbers: Vec<u16>,
        text: Option<String>,
        kind: Option<Kind>,
        count: Option<usize>,
        file: Option<std::path::PathBuf>,
        inner: Option<Box<Block>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
        Two,
    }

    fn message(yaml: &str) -> String {
        let value: serde_yaml::Value = serde_yaml::from_str(yaml).expect("test YAML");
        parse::<Block>(&value, &Path::default().key("modules").key("m"))
            .expect_err("test input is wrong")
            .to_string()
    }

    #[test]
    fn a_path_quotes_the_keys_that_would_blur_it() {
        let path = Path::default().key("modules").key("eu.1").key("").index(2).key("X-A\n");
        assert_eq!(path.to_string(), r#"modules."eu.1".""[2]."X-A\n""#);
        assert_eq!(Path::default().key("müller").to_string(), "müller");
    }

    #[test]
    fn errors_name_their_path_and_never_the_text_that_was_wrong() {
        for (yaml, expected) in [
            ("numbers: [1, hunter22]", "numbers[1]: is text, expected a number from 0 to 65535"),
            (
                "numbers: [-22]",
                "numbers[0]: is a negative number, expected a number from 0 to 65535",
            ),
            ("numbers: [2222222]", "numbers[0]: is a number, expected a number from 0 to 65535"),
            ("numbers: {}", "numbers: is a mapping, expected a list"),
            ("text: 22", "text: is a number, expected text"),
            ("text: 2.2", "text: is a number that is not whole, expected text"),
            ("text: true", "text: is true or false, expected text"),
            ("file: [x]", "file: is a list, expected text"),
            ("kind: true", "kind: is true or false, expected text"),
            ("count: hunter22", "count: is text, expected a whole number"),
            ("count: -22", "count: is a negative number, expected a whole number"),
            ("kind: hunter22", "kind: is none of the known values, expected `one` or `two`"),
            ("inner: hunter22", "inner: is text, expected a mapping"),
            (
                "number: []",
                "number: unknown field `number`, expected one of `numbers`, `text`, `kind`, `count`, `file`, `inner`",
            ),
        ] {
            assert_eq!(message(yaml), format!("modules.m.{expected}"));
        }
        assert_eq!(message("{}"), "modules.m: missing field `numbers`");
        assert_eq!(
            message("{secret:hunter22: x}"),
            "modules.m: has an unknown field, which is not shown: it may be a secret"
        );
        let hash = Path::default().key("basic_auth_users").key("$2y$10$abc").error("is wrong");
        assert_eq!(hash.to_string(), "basic_auth_users: is wrong");
    }
}
