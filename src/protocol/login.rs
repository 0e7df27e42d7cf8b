//! What tells a login from the thing that was asked for: the URL that a redirect leads to, and the
//! page that is there.

use url::Url;

use super::html::{self, Filling, Form, Found, Overrides, Page};

/// Words that a login's path has as a whole segment, or as a word of one.
const LOGIN_WORDS: [&str; 13] = [
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
    "signon",
    "sso",
    "session",
];

/// Whether a URL looks like a login page or an authorization endpoint (RFC 6749 §3.1, SAML 2.0
/// Bindings §3.4, WS-Federation 1.2 §13.2.1). No specification says how a site sends people to its login; this is how they do.
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
    const WORDS: [&str; 4] = ["login", "logon", "signin", "signon"];
    asks(url) || words(url).any(|word| WORDS.contains(&word.as_str()))
}

/// Whether a place says of itself that something went wrong, in its path or in the name of a
/// parameter, as the first one did not. Here too no specification has the words.
#[must_use]
pub fn leads_to_error(first: Option<&Url>, second: &Url) -> bool {
    const WORDS: [&str; 13] = [
        "denied",
        "error",
        "errors",
        "expired",
        "fail",
        "failed",
        "failure",
        "forbidden",
        "invalid",
        "rejected",
        "replay",
        "replayed",
        "unauthorized",
    ];
    let known: Vec<String> = first.into_iter().flat_map(all_words).collect();
    all_words(second).any(|word| WORDS.contains(&word.as_str()) && !known.contains(&word))
}

/// The words of a path and of the names of parameters.
fn all_words(url: &Url) -> impl Iterator<Item = String> {
    let names = url.query_pairs().map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>();
    words(url).chain(names)
}

/// Whether the query is that of an authorization or authentication request.
fn asks(url: &Url) -> bool {
    url.query_pairs().any(|(name, value)| is_of_request(&name, &value))
}

/// Whether this is a parameter that only an authorization or authentication request has.
fn is_of_request(name: &str, value: &str) -> bool {
    matches!(name, "response_type" | "SAMLRequest") || name == "wa" && value == "wsignin1.0"
}

/// Whether a page asks somebody to log in, or leads by itself to where one is asked: by a refresh,
/// or by a request in a form that a script sends (SAML bindings §3.5).
#[must_use]
pub fn page_leads_to_login(page: &Page) -> bool {
    html::asks_to_log_in(page)
        || html::soon_left_for(page).is_some_and(|refresh| asks_for_login(&refresh.url))
        || match html::classify(page, &Overrides::default()) {
            Found::AutoPost { form } => page.forms.get(form).is_some_and(sends_request),
            _ => false,
        }
}

fn sends_request(form: &Form) -> bool {
    form.entries(&Filling::new()).iter().any(|entry| is_of_request(&entry.name, &entry.value))
}

/// The words of a path, with the spellings of `sign in`, `sign on` and `log in` made one.
fn words(url: &Url) -> impl Iterator<Item = String> {
    let path = url
        .path()
        .to_ascii_lowercase()
        .replace("sign-in", "signin")
        .replace("sign_in", "signin")
        .replace("sign-on", "signon")
        .replace("sign_on", "signon")
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
    fn a_page_that_asks_for_a_login_or_leads_to_one_is_told_from_others() {
        let url = Url::parse("https://a.example/saml/acs").expect("URL");
        let sent = |field: &str| {
            format!(
                "<body onload='document.forms[0].submit()'><form method=post action=/sso>\
                 <input type=hidden {field}></form>"
            )
        };
        let refresh = |content: &str| format!("<meta http-equiv=refresh content=\"{content}\">");
        let login = "<form method=post action=/login><input name=u><input type=password name=p>";
        for (body, leads) in [
            ("<form><input name=u><input type=password name=p></form>", true),
            ("<form method=post><input type=password name=p><button>Go</button></form>", true),
            // A person could send these.
            (&format!("{login}<div class=g-recaptcha></div></form>"), true),
            (&format!("<script src=x></script>{}", login.replace("method=post", "")), true),
            (
                "<form method=post action=/login><input name=email><button>Next</button></form>",
                true,
            ),
            (
                "<form method=post action=/invite><input name=email autocomplete=email></form>",
                false,
            ),
            (
                "<form method=post><input type=password name=old><input type=password name=new \
                 autocomplete=new-password><button>Change password</button></form>",
                false,
            ),
            ("<form><input name=q></form>", false),
            ("type=password", false),
            ("", false),
            (&sent("name=SAMLRequest value=x"), true),
            (&sent("name=wa value=wsignin1.0"), true),
            (&sent("name=SAMLResponse value=x"), false),
            (&refresh("0;url=/login?error=1"), true),
            (&refresh("5;url=https://idp.example/sso?SAMLRequest=x"), true),
            (&format!("{}<form><input name=q></form>", refresh("0;url=/login")), true),
            (&refresh("0;url=/home"), false),
            // The end of a session that is not used.
            (&refresh("1800;url=/login?timeout"), false),
        ] {
            let page = html::parse(body.as_bytes(), &url).expect("a page");
            assert_eq!(page_leads_to_login(&page), leads, "{body}");
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
            ("https://a.example/adfs/ls/?wa=wsignin1.0&wtrealm=x", true),
            ("https://a.example/?wa=wsignout1.0", false),
            ("https://a.example/sign-on?next=/me", true),
            ("https://a.example/welcome", false),
            ("https://a.example/author/list", false),
            ("https://a.example/blogin", false),
            ("https://a.example/?next=/login", false),
        ] {
            assert_eq!(is_login(&Url::parse(url).expect("URL")), login, "{url}");
        }
    }
}
