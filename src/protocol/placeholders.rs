//! Placeholders in texts of the configuration: `{name}` stands for a value that is known later.

/// Puts the values where their names stand in braces. What stands for nothing stays as it is.
#[must_use]
pub fn fill<'a>(text: &str, value: impl Fn(&str) -> Option<std::borrow::Cow<'a, str>>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let found = after.split_once('}').and_then(|(name, after)| Some((value(name)?, after)));
        if let Some((value, after)) = found {
            filled.push_str(&value);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled + rest
}

/// The names that stand in braces, and could be those of values.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    let in_braces = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    in_braces.map(|(name, _)| name).filter(|name| is_name(name))
}

/// Whether a value may have this name: letters, digits, `_` and `-`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !text.is_empty() && text.chars().all(belongs)
}

/// A value as it stands inside of the quotes of a JSON string.
#[must_use]
pub fn in_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_other_braces_stay() {
        let value = |name: &str| match name {
            "username" => Some("ada".into()),
            "password" => Some(in_json("p\"w\\\n").into()),
            _ => None,
        };
        assert_eq!(
            fill(r#"{"u": "{username}", "p": "{password}", "o": {"x": "{other}"}}"#, value),
            r#"{"u": "ada", "p": "p\"w\\\n", "o": {"x": "{other}"}}"#
        );
        assert_eq!(fill("{username}{", value), "ada{");
        assert_eq!(fill("", value), "");
    }

    #[test]
    fn names_are_told_from_the_braces_of_json() {
        let text = r#"{"u": "{username}", "o": {"x": "{session-token}{b_2}"}, "e": {}, "n": {1 }{"#;
        assert_eq!(names(text).collect::<Vec<_>>(), ["username", "session-token", "b_2"]);
    }
}
