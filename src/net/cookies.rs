//! The cookies of one probe (RFC 6265): they come and go with its session.

use std::cmp::Reverse;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cookie_store::Cookie;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

/// Cookies that are kept at most. A server that sets more gets the first of them back.
const MOST_COOKIES: usize = 200;
/// Longest `Set-Cookie` that is kept (RFC 6265 §6.1 asks for 4096 bytes).
const LONGEST_COOKIE: usize = 8192;

/// The cookies that servers set during this probe, in the order of their creation.
#[derive(Default)]
pub(super) struct Jar(Mutex<Vec<Cookie<'static>>>);

impl Jar {
    fn cookies(&self) -> MutexGuard<'_, Vec<Cookie<'static>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `Cookie` header for a URL, when there is something to send: the cookies of longer
    /// paths first, of two alike the older one (RFC 6265 §5.4). Some servers take the first.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = self.cookies();
        let mut sent: Vec<_> =
            cookies.iter().filter(|cookie| !cookie.is_expired() && cookie.matches(url)).collect();
        sent.sort_by_key(|cookie| Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            sent.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
        let mut value = HeaderValue::from_str(&pairs.join("; ")).ok().filter(|v| !v.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Takes over what an answer sets. A cookie that breaks the rules is left out, as in browsers.
    pub(super) fn learn(&self, url: &Url, headers: &HeaderMap) {
        let mut cookies = self.cookies();
        for value in headers.get_all(SET_COOKIE) {
            let text = value.to_str().ok().filter(|text| text.len() <= LONGEST_COOKIE);
            if let Some(text) = text.filter(|text| !is_for_everybody(text))
                && let Ok(cookie) = Cookie::parse(guarded(text, url), url)
            {
                put(&mut cookies, cookie);
            }
        }
    }
}

/// A cookie of the same name, domain and path is replaced where it stands, or removed by one
/// that has expired (RFC 6265 §5.3): also when no further one is taken.
fn put(cookies: &mut Vec<Cookie<'static>>, cookie: Cookie<'static>) {
    cookies.retain(|known| !known.is_expired());
    let may_come = cookies.len() < MOST_COOKIES && !cookie.is_expired();
    let known = cookies.iter_mut().find(|known| {
        known.name() == cookie.name()
            && known.domain.as_cow() == cookie.domain.as_cow()
            && *known.path == *cookie.path
    });
    match known {
        // An expired one is not sent, and makes room for the next.
        Some(known) => *known = cookie,
        None if may_come => cookies.push(cookie),
        None => {}
    }
}

/// Whether the cookie is for a whole top-level domain (RFC 6265 §5.3, step 5). Longer suffixes
/// under which anybody may register are not known here: a probe visits few hosts.
fn is_for_everybody(text: &str) -> bool {
    text.split(';').skip(1).filter_map(|attribute| attribute.split_once('=')).any(
        |(name, value)| {
            let domain = value.trim().trim_matches('.');
            name.trim().eq_ignore_ascii_case("domain")
                && !domain.is_empty()
                && !domain.eq_ignore_ascii_case("localhost")
                && !domain.contains(['.', ':'])
        },
    )
}

/// On loopback over plain http, browsers take a Secure cookie all the same; so do we. What comes
/// over TLS may be the credential of a login, and never travels in the clear.
fn guarded(text: &str, url: &Url) -> String {
    if url.scheme() == "https" {
        return format!("{text}; Secure");
    }
    if super::in_the_clear(url) {
        return text.to_owned();
    }
    let kept: Vec<&str> =
        text.split(';').filter(|part| !part.trim().eq_ignore_ascii_case("secure")).collect();
    kept.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("URL")
    }

    fn jar(from: &str, cookies: &[&str]) -> Jar {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().expect("a value"));
        }
        let jar = Jar::default();
        jar.learn(&url(from), &headers);
        jar
    }

    fn sent(jar: &Jar, to: &str) -> Vec<String> {
        let header = jar.header(&url(to));
        let text = header.as_ref().map_or("", |value| value.to_str().expect("text"));
        text.split("; ").filter(|pair| !pair.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn a_cookie_goes_where_it_belongs() {
        let jar = jar(
            "https://id.example.com/login/form",
            &[
                "a=1",
                "b=2; Path=/",
                "c=3; Domain=example.com; Path=/",
                "d=4; Path=/; Secure; HttpOnly",
            ],
        );
        for (to, expected) in [
            ("https://id.example.com/login/next", vec!["a=1", "b=2", "c=3", "d=4"]),
            ("https://id.example.com/", vec!["b=2", "c=3", "d=4"]),
            ("https://id.example.com/loginx", vec!["b=2", "c=3", "d=4"]),
            // What came over TLS stays there, Secure or not.
            ("http://id.example.com/", vec![]),
            ("https://www.example.com/", vec!["c=3"]),
            ("https://example.org/", vec![]),
        ] {
            assert_eq!(sent(&jar, to), expected, "{to}");
        }
    }

    #[test]
    fn a_cookie_is_replaced_and_removed() {
        let jar = jar("https://id.example/", &["a=1", "a=2", "b=1", "b=; Max-Age=0"]);
        assert_eq!(sent(&jar, "https://id.example/"), ["a=2"]);
    }

    #[test]
    fn longer_paths_go_first_and_then_older_cookies() {
        let set = ["z=1; Path=/", "sid=outer; Path=/", "sid=inner; Path=/order/login"];
        let with = |more: &[&'static str]| {
            jar("https://id.example.com/order/", &[&set[..], more].concat())
        };
        let to = "https://id.example.com/order/login/form";
        assert_eq!(sent(&with(&[]), to), ["sid=inner", "z=1", "sid=outer"]);
        let more = ["b=2; Domain=example.com; Path=/", "a=3; Path=/", "z=4; Path=/"];
        assert_eq!(sent(&with(&more), to), ["sid=inner", "z=4", "sid=outer", "b=2", "a=3"]);
        let again = ["z=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "z=5; Path=/"];
        assert_eq!(sent(&with(&again), to), ["sid=inner", "sid=outer", "z=5"]);
    }

    #[test]
    fn a_cookie_for_others_is_left_out() {
        let jar =
            jar("https://id.example/", &["a=1; Domain=other.example", "=x", "b=1; Domain=example"]);
        assert_eq!(sent(&jar, "https://other.example/"), [""; 0]);
    }

    #[test]
    fn loopback_counts_as_secure() {
        let secure = ["a=1; Secure; SameSite=None"];
        let local = "http://127.0.0.1:8080/";
        assert_eq!(sent(&jar(local, &secure), local), ["a=1"]);
        let clear = "http://id.example/";
        assert_eq!(sent(&jar(clear, &secure), clear), [""; 0]);
    }

    #[test]
    fn their_number_is_bounded() {
        for value in ["1", "Max-Age=0", "1; Path=/; max-age=00060", "1; a=Max-Age=0"] {
            let cookies = (0..1000).map(|number| format!("c{number}={value}"));
            let full = (0..10).map(|number| format!("c{number}=2; Path=/"));
            let removed =
                ["c0=; Path=/; Max-Age=0", "c1=; max-age=-1", "c0=3", "c1000=1", "c1001=1"];
            let cookies: Vec<String> =
                cookies.chain(full).chain(removed.map(str::to_owned)).collect();
            let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
            let sent = sent(&jar("https://id.example/", &cookies), "https://id.example/");
            assert_eq!(sent.len(), MOST_COOKIES, "{value}");
            // One that is known is replaced and removed all the same.
            assert_eq!((sent[0].as_str(), sent[199].as_str()), ("c2=2", "c1000=1"), "{value}");
        }
    }
}
