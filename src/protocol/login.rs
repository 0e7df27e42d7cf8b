//! What tells a login from the thing that was asked for: the URL that a redirect leads to.

use url::Url;

/// Words that a login's path has as a whole segment, or as a word of one.
const LOGIN_WORDS: [&str; 12] = [
    "auth",
    "authenticate",
    "authorize",
    "login",
    "logon",
    "oauth",
    "oauth2",
    "oidc",
    "saml",
    "signin",
    "sso",
    "session",
];

/// Whether a URL looks like a login page or an authorization endpoint (RFC 6749 §3.1, SAML 2.0
/// Bindings §3.4). No specification says how a site sends people to its login; this is how they do.
#[must_use]
pub fn is_login(url: &Url) -> bool {
    asks(url) || words(url).any(|word| LOGIN_WORDS.contains(&word.as_str()))
}

/// Whether a redirect from one URL to another leads to a login, and not on within a place whose
/// own path has such a word, as that of an API below `/auth`.
#[must_use]
pub fn leads_to_login(from: &Url, to: &Url) -> bool {
    let known: Vec<String> = words(from).collect();
    asks(to) && !asks(from)
        || words(to).any(|word| LOGIN_WORDS.contains(&word.as_str()) && !known.contains(&word))
}

/// The same for where somebody is sent who may have been let in: there, `saml`, `auth` and
/// `session` are ordinary words of a path.
#[must_use]
pub fn asks_for_login(url: &Url) -> bool {
    const WORDS: [&str; 3] = ["login", "logon", "signin"];
    asks(url) || words(url).any(|word| WORDS.contains(&word.as_str()))
}

/// Whether the query is that of an authorization or authentication request.
fn asks(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| matches!(&*name, "response_type" | "SAMLRequest"))
}

/// The words of a path, with the spellings of `sign in` and `log in` made one.
fn words(url: &Url) -> impl Iterator<Item = String> {
    let path = url
        .path()
        .to_ascii_lowercase()
        .replace("sign-in", "signin")
        .replace("sign_in", "signin")
        .replace("log-in", "login")
        .replace("log_in", "login");
    let words: Vec<String> =
        path.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_told_from_what_lies_below_a_path_with_its_word() {
        for (from, to, login) in [
            ("https://a.example/me", "https://a.example/login", true),
            ("https://a.example/auth/me", "https://a.example/auth/login", true),
            ("https://a.example/auth/me", "https://a.example/auth/me/", false),
            ("https://a.example/session", "https://b.example/session/1", false),
            ("https://a.example/oauth2/me", "https://a.example/oauth2/?response_type=code", true),
        ] {
            let url = |text: &str| Url::parse(text).expect("URL");
            assert_eq!(leads_to_login(&url(from), &url(to)), login, "{from} {to}");
        }
    }

    #[test]
    fn logins_are_told_from_other_pages() {
        for (url, login) in [
            ("https://a.example/login?next=/me", true),
            ("https://a.example/users/sign_in", true),
            ("https://a.example/users/log-in", true),
            ("https://a.example/oauth2/authorize", true),
            ("https://a.example/?response_type=code", true),
            ("https://a.example/idp?SAMLRequest=x", true),
            ("https://a.example/welcome", false),
            ("https://a.example/author/list", false),
            ("https://a.example/blogin", false),
            ("https://a.example/?next=/login", false),
        ] {
            assert_eq!(is_login(&Url::parse(url).expect("URL")), login, "{url}");
        }
    }
}
