//! Which redirects are followed. A secret must not travel where nobody meant it to go.

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::{Origin, Request, SecretTo};
use crate::report::{Failure, FailureReason};

/// Redirects that are followed at most.
const MAX_REDIRECTS: usize = 10;

/// Where a redirect leads (RFC 9110 §15.4); `None` when the answer is none, or its
/// Location is no URL: then the answer stands, and its status fails the step.
pub(super) fn location(from: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = std::str::from_utf8(headers.get(LOCATION)?.as_bytes()).ok()?;
    let mut next = from.join(location).ok()?;
    next.set_fragment(None);
    Some(next)
}

/// Whether the redirect number `followed + 1` of a request may be followed.
///
/// # Errors
/// `redirect_refused` or `too_many_redirects`. The detail names origin and path alone:
/// codes and tokens travel in queries, fragments and userinfo.
pub(super) fn check(
    request: &Request,
    from: &Url,
    next: &Url,
    followed: usize,
) -> Result<(), Failure> {
    let refuse = |to: &str, why: &str| {
        Err(Failure::new(
            FailureReason::RedirectRefused,
            format!("the redirect to {to} is not followed: {why}"),
        ))
    };
    if !matches!(next.scheme(), "http" | "https") {
        return refuse(&format!("a {}: URL", next.scheme()), "it is not http or https");
    }
    let origin = Origin::of(next);
    let to = format!("{origin}{}", next.path());
    if request.method != Method::GET {
        return refuse(&to, "only a GET follows redirects");
    }
    if from.scheme() == "https" && next.scheme() == "http" {
        return refuse(&to, "it leads from https to http");
    }
    if !next.username().is_empty() || next.password().is_some() {
        return refuse(&to, "it holds userinfo");
    }
    if request.secret_to != SecretTo::Nobody && origin != Origin::of(from) {
        return refuse(&to, "the request holds a credential, and the redirect leaves its origin");
    }
    if followed >= MAX_REDIRECTS {
        return Err(Failure::new(
            FailureReason::TooManyRedirects,
            format!("more than {MAX_REDIRECTS} redirects, the next to {to}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Endpoint;

    const FROM: &str = "https://id.example/a/b?x=1";

    fn leads_to(status: u16, to: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(to) = to {
            headers.insert(LOCATION, to.parse().expect("header"));
        }
        let status = StatusCode::from_u16(status).expect("status");
        let from = Url::parse(FROM).expect("URL");
        location(&from, status, &headers).map(String::from)
    }

    fn refusal(method: Method, secret_to: SecretTo, from: &str, next: &str) -> Option<Failure> {
        let from = Url::parse(from).expect("URL");
        let next = Url::parse(next).expect("URL");
        let request = Request::new(Endpoint::Discovery, method, from.clone(), secret_to);
        check(&request, &from, &next, 0).err()
    }

    #[test]
    fn a_redirect_is_a_status_of_five_with_a_location() {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(
                leads_to(status, Some("c#top")).as_deref(),
                Some("https://id.example/a/c"),
                "{status}"
            );
        }
        for (status, to) in [
            (200, Some("/")),
            (300, Some("/")),
            (304, Some("/")),
            (302, None),
            (302, Some("https://")),
        ] {
            assert_eq!(leads_to(status, to), None, "{status} {to:?}");
        }
    }

    #[test]
    fn a_get_without_a_credential_may_go_to_any_https() {
        for next in ["https://id.example/c", "https://other.example:8443/"] {
            assert_eq!(refusal(Method::GET, SecretTo::Nobody, FROM, next), None, "{next}");
        }
        assert_eq!(
            refusal(Method::GET, SecretTo::Nobody, "http://a.example/", "http://b.example/"),
            None
        );
    }

    #[test]
    fn refused_redirects_say_why_and_keep_the_query_to_themselves() {
        use SecretTo::{Configured, Discovered, Nobody};
        for (method, secret_to, next, detail) in [
            (
                Method::GET,
                Nobody,
                "http://id.example/c?code=1",
                "the redirect to http://id.example/c is not followed: it leads from https to http",
            ),
            (
                Method::GET,
                Nobody,
                "ftp://id.example/c?code=1",
                "the redirect to a ftp: URL is not followed: it is not http or https",
            ),
            (
                Method::GET,
                Nobody,
                "https://user:pw@id.example/c?code=1",
                "the redirect to https://id.example/c is not followed: it holds userinfo",
            ),
            (
                Method::GET,
                Configured,
                "https://id.example:8443/c?code=1",
                "the redirect to https://id.example:8443/c is not followed: \
                 the request holds a credential, and the redirect leaves its origin",
            ),
            (
                Method::GET,
                Discovered,
                "https://other.example/",
                "the redirect to https://other.example/ is not followed: \
                 the request holds a credential, and the redirect leaves its origin",
            ),
            (
                Method::POST,
                Nobody,
                "https://id.example/c?code=1",
                "the redirect to https://id.example/c is not followed: only a GET follows redirects",
            ),
            (
                Method::HEAD,
                Nobody,
                "https://id.example/c",
                "the redirect to https://id.example/c is not followed: only a GET follows redirects",
            ),
        ] {
            let refusal = refusal(method, secret_to, FROM, next).expect(next);
            let found = (refusal.reason, refusal.detail.as_str(), refusal.quotes);
            assert_eq!(found, (FailureReason::RedirectRefused, detail, true));
        }
        assert_eq!(refusal(Method::GET, Configured, FROM, "https://id.example/c"), None);
    }
}
