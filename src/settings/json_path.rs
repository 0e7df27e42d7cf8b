//! `JSONPath`s of the configuration (RFC 9535).

use serde_json_path::JsonPath;

use super::{Error, Path};

/// The parser calls itself for each bracket, and the stack is finite.
const MOST_OPEN_BRACKETS: usize = 50;

/// A compiled `JSONPath`.
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
    let path = JsonPath::parse(text)
        .map_err(|error| error.to_string().replace("parser error", "it cannot be read"))?;
    // Servers decide how long it takes to follow one: a second `..` looks at each value once for
    // every value around it, and a query from the top within a filter at all of them for each.
    let plain = without_texts(text);
    if plain.matches("..").count() > 1 {
        return Err("more than one `..` takes too long in a large document".into());
    }
    if plain.split('$').skip(2).any(|query| !is_singular(query)) {
        return Err("a query from `$` within a filter may only lead to one value".into());
    }
    Ok(path)
}

/// The path without what stands in quotes.
fn without_texts(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut quote = None;
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match quote {
            // What is escaped ends no text.
            Some(_) if c == '\\' => drop(chars.next()),
            Some(end) => {
                if c == end {
                    quote = None;
                }
            }
            None if matches!(c, '\'' | '"') => {
                quote = Some(c);
            }
            None => plain.push(c),
        }
    }
    plain
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
