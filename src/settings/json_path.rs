//! `JSONPath`s of the configuration (RFC 9535).

mod patterns;

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;
use serde_json_path::NodeList;

use super::{Error, Path};

/// The parser calls itself for each bracket, and the stack is finite.
const MOST_OPEN_BRACKETS: usize = 50;

/// A compiled `JSONPath`.
#[derive(Debug, Clone)]
pub struct JsonPath {
    path: serde_json_path::JsonPath,
    /// The expressions of its filters, which stay compiled while they are kept here.
    _patterns: Vec<Arc<Regex>>,
}

impl JsonPath {
    /// The nodes of a document to which it leads.
    #[must_use]
    pub fn query<'d>(&self, document: &'d Value) -> NodeList<'d> {
        self.path.query(document)
    }
}

/// Compiles a `JSONPath`.
///
/// # Errors
/// For text that is none.
pub(super) fn json_path(text: &str, at: &Path) -> Result<JsonPath, Error> {
    parse(text).map_err(|why| at.error(format!("is not a JSONPath (RFC 9535): {why}")))
}

fn parse(text: &str) -> Result<JsonPath, String> {
    // The parser's own message names no cause for this most common mistake.
    if !text.starts_with('$') {
        return Err("it begins with $".into());
    }
    let mut open = 0_usize;
    for c in text.chars() {
        match c {
            '(' | '[' => open += 1,
            ')' | ']' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MOST_OPEN_BRACKETS {
            return Err(format!("more than {MOST_OPEN_BRACKETS} brackets are open"));
        }
    }
    let path = serde_json_path::JsonPath::parse(text)
        .map_err(|error| error.to_string().replace("parser error", "it cannot be read"))?;
    // Servers decide how long it takes to follow one: a second `..` looks at each value once for
    // every value around it, and a query from the top within a filter at all of them for each.
    let plain = Plain::of(text);
    if plain.code.matches("..").count() > 1 {
        return Err("more than one `..` takes too long in a large document".into());
    }
    if plain.code.split('$').skip(2).any(|query| !is_singular(query)) {
        return Err("a query from `$` within a filter may only lead to one value".into());
    }
    Ok(JsonPath { path, _patterns: patterns::compiled(&plain)? })
}

/// A path without what stands in quotes.
struct Plain {
    /// With [`Plain::TEXT`] in place of each text.
    code: String,
    /// What stood in quotes, in order.
    texts: Vec<String>,
}

impl Plain {
    const TEXT: &str = "'";

    fn of(path: &str) -> Self {
        let mut plain = Self { code: String::with_capacity(path.len()), texts: Vec::new() };
        let mut chars = path.chars();
        while let Some(quote) = chars.next() {
            if !matches!(quote, '\'' | '"') {
                plain.code.push(quote);
                continue;
            }
            // As JSON has it, where a text stands in double quotes.
            let mut text = String::from('"');
            while let Some(c) = chars.next().filter(|c| *c != quote) {
                match c {
                    '\\' => match chars.next() {
                        Some('\'') => text.push('\''),
                        escaped => text.extend([c].into_iter().chain(escaped)),
                    },
                    '"' => text.push_str("\\\""),
                    c => text.push(c),
                }
            }
            text.push('"');
            plain.code.push_str(Self::TEXT);
            plain.texts.push(text);
        }
        plain
    }

    /// The first text that stands at this place of the code, or behind it.
    fn text_at(&self, place: usize) -> Option<String> {
        let before = self.code.get(..place)?.matches(Self::TEXT).count();
        serde_json::from_str(self.texts.get(before)?).ok()
    }
}

/// Whether the query with which a text begins, behind its `$`, names members and indices alone
/// (RFC 9535 §2.3.5.1).
fn is_singular(query: &str) -> bool {
    let (mut open, mut before) = (0_usize, ' ');
    for c in query.chars() {
        let twice = c == '.' && before == '.';
        before = c;
        match c {
            _ if twice => return false,
            '[' => open += 1,
            ']' if open == 0 => return true,
            ']' => open -= 1,
            '*' | ':' | '?' => return false,
            '.' | '_' | '-' => {}
            c if c.is_alphanumeric() || !c.is_ascii() || open > 0 => {}
            _ => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_open_brackets_as_the_stack_bears() {
        let nested = format!("$[?{}@.a == 1{}]", "(".repeat(49), ")".repeat(49));
        assert_eq!(parse(&nested).map(|_| ()), Ok(()));
    }

    #[test]
    fn a_path_is_followed_in_a_time_that_grows_with_the_document() {
        for path in [
            "$..a",
            "$..[?@.a == 'b..c..d']",
            r#"$..["a\"..b"]..."#.strip_suffix("...").expect("it ends so"),
            "$.a[?@.b == $.c.d]",
            "$.a[?@.b == $['c'][0] && @.d > 1 || @.e[?@.f]]",
            "$[?count(@.a[*]) > 2]",
            "$[?@.b == $]",
        ] {
            assert_eq!(parse(path).map(|_| ()), Ok(()), "{path}");
        }
        for path in ["$..a..b", "$..a[?@..b]", "$[?@..a || @..b]"] {
            let error = parse(path).map(|_| ()).expect_err(path);
            assert!(error.starts_with("more than one `..`"), "{path}: {error}");
        }
        for path in [
            "$.a[?count($.a[*]) > 2]",
            "$.a[?count($..b) > 2]",
            "$.a[?@.b == 1 && count($.c.*) == 1]",
            "$.a[?count($['c'][0:9]) == 1]",
            "$.a[?$.b[?@.c]]",
        ] {
            let error = parse(path).map(|_| ()).expect_err(path);
            assert!(error.starts_with("a query from `$`"), "{path}: {error}");
        }
    }
}
