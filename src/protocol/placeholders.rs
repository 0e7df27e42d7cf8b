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
}
