//! `match()` and `search()` (RFC 9535 §2.4.6, §2.4.7). Those of the library compile their expression
//! anew for every value that a filter looks at, which takes a hundred thousand times as long as to
//! match: a large document would stop all probes for minutes. These find it compiled.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;
use serde_json_path::functions::{LogicalType, ValueType};

use super::Plain;
use crate::settings::pattern::pattern;

/// How much of a text the expression describes.
#[derive(Clone, Copy)]
enum Extent {
    /// All of it.
    Whole,
    /// A part.
    Part,
}

/// The expressions of all calls in a path, compiled.
///
/// # Errors
/// For one that is none, and for one that is no text: a document does not choose what is compiled.
pub(super) fn compiled(plain: &Plain) -> Result<Vec<Arc<Regex>>, String> {
    let mut patterns = Vec::new();
    for (name, extent) in [("match", Extent::Whole), ("search", Extent::Part)] {
        for (at, _) in plain.code.match_indices(name) {
            let behind = plain.code.get(at + name.len()..).unwrap_or_default();
            let Some(arguments) = behind.strip_prefix('(').map(arguments) else { continue };
            let begin = at + name.len() + 1;
            let expression = arguments.get(1).filter(|(_, text)| text.trim() == Plain::TEXT);
            let (offset, _) = expression.ok_or_else(|| {
                format!("the expression of {name}() can only be a text in quotes")
            })?;
            let text = plain.text_at(begin + offset).unwrap_or_default();
            // By itself first: what is open in it must end in it.
            let expression = Regex::new(&text)
                .and_then(|_| regular(&text, extent))
                .map_err(|error| format!("the expression of {name}(): {error}"))?;
            patterns.push(expression);
        }
    }
    Ok(patterns)
}

/// The arguments of a call, whose opening bracket stands before the text, with where they begin.
fn arguments(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut open, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        let ends = match c {
            '(' | '[' => {
                open += 1;
                false
            }
            ')' | ']' if open > 0 => {
                open -= 1;
                false
            }
            ')' | ',' => open == 0,
            _ => false,
        };
        if ends {
            found.push((begin, text.get(begin..at).unwrap_or_default()));
            begin = at + 1;
        }
        if ends && c == ')' {
            break;
        }
    }
    found
}

fn regular(expression: &str, extent: Extent) -> Result<Arc<Regex>, regex::Error> {
    // A dot is no end of a line (RFC 9485 §4, §5.3).
    match extent {
        Extent::Whole => pattern(&format!("(?R)^(?:{expression})$")),
        Extent::Part => pattern(&format!("(?R)(?:{expression})")),
    }
}

fn holds(value: &ValueType<'_>, expression: &ValueType<'_>, extent: Extent) -> LogicalType {
    let (Some(Value::String(text)), Some(Value::String(expression))) =
        (value.as_value(), expression.as_value())
    else {
        return LogicalType::False;
    };
    regular(expression, extent).is_ok_and(|pattern| pattern.is_match(text)).into()
}

#[serde_json_path::function(name = "match")]
fn matches(value: ValueType<'_>, expression: ValueType<'_>) -> LogicalType {
    holds(&value, &expression, Extent::Whole)
}

#[serde_json_path::function(name = "search")]
fn searches(value: ValueType<'_>, expression: ValueType<'_>) -> LogicalType {
    holds(&value, &expression, Extent::Part)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use crate::settings::Path;
    use crate::settings::json_path::json_path;

    #[test]
    fn expressions_describe_all_or_a_part_of_a_text() {
        let document = json!(["active", "inactive", "act'ive\"", "a\nb", 5]);
        for (path, found) in [
            (r"$[?match(@, 'active')]", 1),
            (r"$[?search(@, 'active')]", 2),
            (r"$[?match(@, '(in)?active')]", 2),
            // Each alternative is all of the text.
            (r"$[?match(@, 'act|active|x')]", 1),
            (r"$[?match(@, 'act\'ive\u0022')]", 1),
            (r#"$[?match(@, "act'ive\"")]"#, 1),
            (r"$[?match(@, 'a.b')]", 0),
            (r"$[?match(@, 'a[^x]b')]", 1),
            (r"$[?match(@, '\\p{L}+') && !search(@, 'in')]", 1),
            (r"$[?match(value(@), 'active')]", 1),
        ] {
            let compiled = json_path(path, &Path::default()).map_err(|error| error.to_string());
            let nodes = compiled.as_ref().map(|path| path.query(&document).len());
            assert_eq!(nodes, Ok(found), "{path}");
        }
    }

    #[test]
    fn an_expression_is_checked_at_load_and_stands_in_the_path() {
        for (path, message) in [
            (r"$[?match(@.a, '(')]", "the expression of match(): regex parse error"),
            (r"$[?match(@.a, 'a)|(b')]", "the expression of match(): regex parse error"),
            (r"$[?search(@.a, @.b)]", "the expression of search() can only be a text in quotes"),
            (r"$[?match(@['x,y'], $.z)]", "the expression of match() can only be a text in quotes"),
        ] {
            let error = json_path(path, &Path::default()).err().map(|error| error.to_string());
            let expected = format!("is not a JSONPath (RFC 9535): {message}");
            assert!(error.as_ref().is_some_and(|error| error.starts_with(&expected)), "{error:?}");
        }
    }

    #[test]
    fn a_large_document_takes_no_longer_than_others() {
        let path = json_path(r"$[?match(@.k, '[\\p{L}\\p{N}]{1,20}')]", &Path::default());
        let document = json!(vec![json!({"k": "z"}); 20_000]);
        let begun = Instant::now();
        assert_eq!(path.expect("a path").query(&document).len(), 20_000);
        // Compiled for each of them, it takes minutes.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}
