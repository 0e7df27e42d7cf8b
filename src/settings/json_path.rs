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
    JsonPath::parse(text)
        .map_err(|error| error.to_string().replace("parser error", "it cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_open_brackets_as_the_stack_bears() {
        let nested = format!("$[?{}@.a == 1{}]", "(".repeat(49), ")".repeat(49));
        assert_eq!(parse(&nested).map(|_| ()), Ok(()));
    }
}
