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
    let path = url
        .path()
        .to_ascii_lowercase()
        .replace("sign-in", "signin")
        .replace("sign_in", "signin")
        .replace("log-in", "login")
        .replace("log_in", "login");
    asks_for_login
        || path.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| LOGIN_WORDS.contains(&word))
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
