//! The cookies of one probe (RFC 6265): they come and go with its session.

use std::cmp::Reverse;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cookie_store::{Cookie, RawCookie};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::Answer;

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
            if let Some(cookie) = text.and_then(|text| taken(text, url)) {
                put(&mut cookies, cookie);
            }
        }
    }
}

impl Answer {
    /// The names of the cookies that it leaves with a browser which had none: taken by the rules, not
    /// removed again, and with a value.
    #[must_use]
    pub fn begun_cookies(&self) -> Vec<String> {
        let jar = Jar::default();
        jar.learn(&self.url, &self.headers);
        let cookies = jar.cookies();
        let live = cookies.iter().filter(|cookie| !cookie.is_expired());
        let filled = live.filter(|cookie| !cookie.value_trimmed().is_empty());
        filled.map(|cookie| cookie.name().to_owned()).collect()
    }
}

/// A cookie as it is kept. `None` for one that breaks the rules.
fn taken(text: &str, url: &Url) -> Option<Cookie<'static>> {
    let mut cookie = RawCookie::parse(text.to_owned()).ok()?;
    let is_secure = cookie.secure() == Some(true);
    if is_secure && super::in_the_clear(url)
        || cookie.domain().is_some_and(|domain| is_for_everybody(domain, url))
        || !keeps_its_promise(&cookie)
    {
        return None;
    }
    // On loopback over plain http, browsers take a Secure cookie all the same; so do we. What comes
    // over TLS may be the credential of a login, and never travels in the clear.
    cookie.set_secure(url.scheme() == "https");
    Cookie::try_from_raw_cookie(&cookie, url).ok()
}

/// What a name promises by its beginning (RFC 6265bis §4.1.3): `__Secure-` that nobody on the way
/// has set it, `__Host-` that no other host has either.
fn keeps_its_promise(cookie: &RawCookie<'_>) -> bool {
    let begins = |prefix: &str| {
        let beginning = cookie.name().get(..prefix.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(prefix))
    };
    let is_secure = cookie.secure() == Some(true);
    if begins("__Host-") {
        let of_any_host = cookie.domain().is_some_and(|domain| !domain.is_empty());
        is_secure && !of_any_host && cookie.path() == Some("/")
    } else {
        is_secure || !begins("__Secure-")
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

/// Whether the domain of a cookie is a whole top-level domain, and not just the host that sets it
/// (RFC 6265 §5.3, step 5). Longer suffixes under which anybody may register are not known here: a
/// probe visits few hosts.
fn is_for_everybody(domain: &str, url: &Url) -> bool {
    let domain = domain.trim_matches('.');
    let is = |host: &str| domain.eq_ignore_ascii_case(host);
    let is_top = !domain.is_empty() && !domain.contains(['.', ':']);
    is_top && !is("localhost") && !url.host_str().is_some_and(is)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::StatusCode;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("URL")
    }

    fn headers(cookies: &[&str]) -> HeaderMap {
        let value = |cookie: &&str| HeaderValue::from_bytes(cookie.as_bytes()).expect("a value");
        cookies.iter().map(|cookie| (SET_COOKIE, value(cookie))).collect()
    }

    fn jar(from: &str, cookies: &[&str]) -> Jar {
        let jar = Jar::default();
        jar.learn(&url(from), &headers(cookies));
        jar
    }

    fn sent(jar: &Jar, to: &str) -> Vec<String> {
        let header = jar.header(&url(to));
        let text = header.as_ref().map_or("", |value| value.to_str().expect("text"));
        text.split("; ").filter(|pair| !pair.is_empty()).map(str::to_owned).collect()
    }

    /// The names of what an answer leaves with a browser.
    fn begun(from: &str, cookies: &[&str]) -> Vec<String> {
        let answer = Answer {
            status: StatusCode::OK,
            headers: headers(cookies),
            body: Bytes::new(),
            url: url(from),
            duration: Duration::ZERO,
            refused_redirect: None,
        };
        answer.begun_cookies()
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
        for to in [clear, "https://id.example/"] {
            assert_eq!(sent(&jar(clear, &secure), to), [""; 0], "{to}");
        }
    }

    #[test]
    fn a_name_keeps_what_its_beginning_promises() {
        let (tls, local, clear) =
            ("https://id.example/x", "http://127.0.0.1/x", "http://a.example/");
        for (from, cookie, taken) in [
            (tls, "__Secure-a=1", false),
            (tls, "__secure-a=1", false),
            (tls, "__Secure-a=1; Secure", true),
            (tls, "__Secure-a=1; Secure; Domain=id.example", true),
            (local, "__Secure-a=1", false),
            (local, "__Secure-a=1; Secure", true),
            (clear, "__Secure-a=1; Secure", false),
            (tls, "__Host-a=1; Path=/", false),
            (tls, "__Host-a=1; Secure", false),
            (tls, "__Host-a=1; Secure; Path=/x", false),
            (tls, "__Host-a=1; Secure; Path=/; Domain=id.example", false),
            (tls, "__HOST-a=1; Secure; Path=/; Domain=id.example", false),
            (tls, "__Host-a=1; Secure; Path=/; Domain=", true),
            (tls, "__Host-a=1; Secure; Path=/", true),
            (local, "__Host-a=1", false),
            (local, "__Host-a=1; Secure; Path=/", true),
            (tls, "__Hosta=1", true),
        ] {
            assert_eq!(begun(from, &[cookie]).len(), usize::from(taken), "{from} {cookie}");
        }
    }

    #[test]
    fn a_cookie_begins_where_it_is_taken_and_not_removed() {
        for (cookies, names) in [
            (&["sid=abc; Path=/; HttpOnly"][..], &["sid"][..]),
            (&["sid=abc; Max-Age=3600"], &["sid"]),
            (&["sid=abc; Path=/elsewhere"], &["sid"]),
            (&["sid=; Path=/"], &[]),
            (&["sid=\"\"; Path=/"], &[]),
            (&["sid=abc; Max-Age=0"], &[]),
            (&["sid=abc; max-age=-1"], &[]),
            (&["sid=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], &[]),
            (&["sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Path=/"], &[]),
            (&["sid=abc; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], &["sid"]),
            (&["sid=abc; Expires=Wed, 21 Oct 2099 07:28:00 GMT"], &["sid"]),
            (&["sid"], &[]),
            (&["sid=abc; Domain=other.example"], &[]),
            (&["sid=abc; Domain=example"], &[]),
            (&["sid=abc; Domain=sp.example"], &["sid"]),
            (&["a=1", "sid=abc", "sid=deleted; Max-Age=0", "b=1"], &["a", "b"]),
            (&["sid=deleted; Max-Age=0", "sid=abc"], &["sid"]),
            (&["sid=abc", "sid=; Path=/"], &["sid"]),
        ] {
            assert_eq!(begun("https://sp.example/saml/acs", cookies), names, "{cookies:?}");
        }
        assert_eq!(begun("https://intranet/", &["sid=abc; Domain=Intranet"]), ["sid"]);
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
