//! `WWW-Authenticate` challenges (RFC 9110 §11.6.1) and the error codes in them (RFC 6750 §3).

/// The `error` parameter of a challenge in these header values, of whatever scheme.
#[must_use]
pub fn error_code<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<String> {
    values.into_iter().find_map(|value| {
        parameters(value)
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("error"))
            .map(|(_, code)| code)
            .filter(|code| !code.is_empty())
    })
}

/// Every `name=value` of the header. A scheme stands before its first parameter and has no `=`.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(equals) = rest.find('=') {
        let (before, after) = rest.split_at(equals);
        let name = before
            .rsplit(|c: char| c == ',' || c.is_whitespace())
            .find(|word| !word.is_empty())
            .unwrap_or_default();
        let (text, next) = parameter_value(after.get(1..).unwrap_or_default().trim_start());
        found.push((name.to_owned(), text));
        rest = next;
    }
    found
}

/// A token or quoted-string (RFC 9110 §5.6.4), and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        let (value, next) = text.split_at(end);
        return (value.to_owned(), next);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_error_code_in_every_form() {
        for (header, code) in [
            // RFC 6750 §3
            (
                r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#,
                Some("invalid_token"),
            ),
            (r#"Bearer realm="example""#, None),
            ("Bearer error=insufficient_scope", Some("insufficient_scope")),
            (
                r#"Basic realm="a, error=\"x\"", Bearer error="invalid_request""#,
                Some("invalid_request"),
            ),
            (r#"Negotiate, Bearer ERROR = "invalid_token""#, Some("invalid_token")),
            (r#"Bearer error="""#, None),
            (r#"Bearer error="unfinished"#, Some("unfinished")),
            ("Negotiate YII=", None),
            ("", None),
        ] {
            assert_eq!(error_code([header]).as_deref(), code, "{header}");
        }
    }
}
