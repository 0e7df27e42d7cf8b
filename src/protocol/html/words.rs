//! The words in names that programmers give: `userName`, `user[otp_attempt]`, `login-form`.

/// The words of a name, in lower case: parted where a letter becomes a capital and at all that is
/// neither letter nor digit. `SAMLResponse` is `saml` and `response`.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric()).flat_map(camel_words).map(str::to_lowercase)
}

/// The parts of `userName` and `SAMLResponse`: a capital begins one after a small letter, and
/// before a small letter as the last of several capitals.
fn camel_words(part: &str) -> impl Iterator<Item = &str> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let (word, after) = rest.split_at(end_of_first(rest));
        rest = after;
        Some(word).filter(|word| !word.is_empty())
    })
}

fn end_of_first(part: &str) -> usize {
    let mut chars = part.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        let ends_capitals = before.is_some_and(char::is_uppercase)
            && chars.peek().is_some_and(|(_, after)| after.is_lowercase());
        if c.is_uppercase() && (before.is_some_and(char::is_lowercase) || ends_capitals) {
            return at;
        }
        before = Some(c);
    }
    part.len()
}

/// Whether one of the words is a word of the name.
pub(super) fn has_word(name: &str, listed: &[&str]) -> bool {
    words(name).any(|word| listed.contains(&word.as_str()))
}

/// Whether the letters and digits of the name, written together, hold one of these, which are
/// long enough not to stand in other words by chance.
pub(super) fn contains_any(name: &str, parts: &[&str]) -> bool {
    let joined = joined(name);
    parts.iter().any(|part| joined.contains(part))
}

/// The letters and digits of a name, in lower case and written together.
pub(super) fn joined(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_into_their_words() {
        for (name, expected) in [
            ("userName", &["user", "name"][..]),
            ("user[otp_attempt]", &["user", "otp", "attempt"]),
            ("kc-otp-login-form", &["kc", "otp", "login", "form"]),
            ("SAMLResponse", &["saml", "response"]),
            ("j_username", &["j", "username"]),
            ("2fa", &["2fa"]),
            ("Benutzername oder E-Mail", &["benutzername", "oder", "e", "mail"]),
            ("ÄnderungsCode", &["änderungs", "code"]),
            ("ID", &["id"]),
            ("", &[]),
            ("--", &[]),
        ] {
            assert_eq!(words(name).collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn parts_are_found_across_separators_and_words_are_not_found_in_words() {
        assert!(contains_any("one-time code", &["onetime"]));
        assert!(contains_any("g-reCAPTCHA", &["captcha"]));
        assert!(!has_word("hotplug", &["otp"]));
        assert!(has_word("token-otp_token", &["otp"]));
    }
}
