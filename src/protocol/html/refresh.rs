//! The value of a declarative refresh (WHATWG HTML §4.2.5.3, shared declarative refresh steps),
//! of `<meta http-equiv=refresh content=…>` and of the `Refresh` header alike.

use url::Url;

/// Delay in seconds and URL. `None` when it is malformed, leads to no `http` URL, or says only
/// that the same page is to be read again.
#[must_use]
pub fn parse_refresh(content: &str, base: &Url) -> Option<(u64, Url)> {
    let rest = content.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let (digits, rest) = leading(rest, |c| c.is_ascii_digit());
    if digits.is_empty() && !rest.starts_with('.') {
        return None;
    }
    // A number too large to hold is a refresh that nobody waits for.
    let delay = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
    let (_, rest) = leading(rest, |c| c.is_ascii_digit() || c == '.');
    let after_space = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let rest = match after_space.strip_prefix([';', ',']) {
        Some(rest) => rest,
        // Without a separator there must be white space.
        None if after_space.len() < rest.len() => after_space,
        None => return None,
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    if rest.is_empty() {
        return None;
    }
    let url = unquoted(without_url(rest));
    let url = base.join(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some((delay, url))
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// What follows `url =`, where it is written so.
fn without_url(text: &str) -> &str {
    let space = |c: char| c.is_ascii_whitespace();
    text.split_at_checked(3)
        .filter(|(start, _)| start.eq_ignore_ascii_case("url"))
        .and_then(|(_, rest)| rest.trim_start_matches(space).strip_prefix('='))
        .map_or(text, |rest| rest.trim_start_matches(space))
}

fn unquoted(text: &str) -> &str {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text.split(quote).nth(1).unwrap_or_default(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_value() {
        for (content, expected) in [
            ("0; url=next", Some((0, "https://a.example/b/next"))),
            ("0;URL='next?x=1'", Some((0, "https://a.example/b/next?x=1"))),
            ("5;url=\"/next\" trailing", Some((5, "https://a.example/next"))),
            (" 3 , https://c.example/ ", Some((3, "https://c.example/"))),
            ("1.9;next", Some((1, "https://a.example/b/next"))),
            (".5;next", Some((0, "https://a.example/b/next"))),
            ("1 next", Some((1, "https://a.example/b/next"))),
            ("0; url = next", Some((0, "https://a.example/b/next"))),
            ("0; urlish", Some((0, "https://a.example/b/urlish"))),
            ("0; url='unfinished", Some((0, "https://a.example/b/unfinished"))),
            ("99999999999999999999;next", Some((u64::MAX, "https://a.example/b/next"))),
            ("0", None),
            ("0;", None),
            ("", None),
            ("url=next", None),
            ("-1;url=next", None),
            ("0x;url=next", None),
            ("0;url=javascript:alert(1)", None),
            ("0;url=https://[", None),
        ] {
            let base = Url::parse("https://a.example/b/c?d").expect("URL");
            let found = parse_refresh(content, &base);
            assert_eq!(
                found.as_ref().map(|(delay, url)| (*delay, url.as_str())),
                expected,
                "{content}"
            );
        }
    }
}
