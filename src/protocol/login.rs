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
    let asks_for_login =
        url.query_pairs().any(|(name, _)| matches!(&*name, "response_type" | "SAMLRequest"));
    asks_for_login || words(url).any(|word| LOGIN_WORDS.contains(&word.as_str()))
}

/// The same for where somebody is sent who may have been let in: there, `saml`, `auth` and
/// `session` are ordinary words of a path.
#[must_use]
pub fn asks_for_login(url: &Url) -> bool {
    const WORDS: [&str; 3] = ["login", "logon", "signin"];
    let by_query =
        url.query_pairs().any(|(name, _)| matches!(&*name, "response_type" | "SAMLRequest"));
    by_query || words(url).any(|word| WORDS.contains(&word.as_str()))
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
