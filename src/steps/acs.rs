//! `acs`: the service provider gets the response and must begin a session (SAML profiles
//! §4.1.4.3); and a second time, for step `refuse`, when it must not (§4.1.4.5).

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};

use super::answer::{self, Body, Judgement, hold_again, status_failure};
use super::assertion::GoodResponse;
use super::sso::{PostedResponse, form};
use crate::net::{Answer, Request, SecretTo};
use crate::probe::Context;
use crate::protocol::login;
use crate::report::{Endpoint, Failure, FailureReason, RefusalCheck};
use crate::settings::{Consumer, Sso};

/// The response is spent, and this is how the service provider let the user in.
#[derive(Debug)]
pub struct Spent(Session);

/// The begin of a session.
#[derive(Debug)]
struct Session {
    /// Where it leads; `None` for a page.
    path: Option<String>,
    /// Names of the cookies that carry it.
    cookies: Vec<String>,
}

impl Session {
    /// Whether a second answer lets somebody in as this one did.
    fn is_like(&self, other: &Self) -> bool {
        self.path == other.path && self.cookies.iter().any(|name| other.cookies.contains(name))
    }
}

/// Posts the response to the `AssertionConsumerService`.
///
/// # Errors
/// When no session begins.
pub async fn run(
    context: &Context<'_>,
    sso: &Sso,
    consumer: &Consumer,
    posted: &PostedResponse,
    _good: &GoodResponse,
) -> Result<Spent, Failure> {
    let answer = context.send(request(sso, posted)).await?;
    let judgement = Judgement::new(context, &answer, &consumer.assertions, Body::Any);
    judgement.format()?;
    judgement.rate_limit()?;
    if answer::redirect(&answer).is_none() {
        judgement.status()?;
    }
    let session = begins_session(&answer)?;
    judgement.assertions()?;
    Ok(Spent(session))
}

/// Posts it once more.
///
/// # Errors
/// When another session begins.
pub async fn replay(
    context: &Context<'_>,
    sso: &Sso,
    consumer: &Consumer,
    posted: &PostedResponse,
    spent: &Spent,
) -> Result<(), Failure> {
    let again = context.send(request(sso, posted)).await?;
    if proves_nothing(again.status) {
        return Err(status_failure(again.status));
    }
    // An error page may set cookies too: a second session begins as the first one did, and what was
    // asserted of that holds for it.
    let begins = begins_session(&again).is_ok_and(|second| spent.0.is_like(&second));
    let refused = !begins || !hold_again(&again, &consumer.assertions);
    context.refused(RefusalCheck::ReplayedResponse, refused);
    if refused {
        return Ok(());
    }
    Err(Failure::new(
        FailureReason::ReplayAccepted,
        "the same response began a second session (SAML profiles §4.1.4.5)",
    ))
}

/// Whether this is an answer of something in front, or of nobody who looked at the response. A 500
/// is none of them, a moment after the same was taken: Shibboleth refuses with it.
const fn proves_nothing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 408 | 429 | 501..=599)
}

/// Without the cookies of an earlier answer: each time a browser that nobody knows.
fn request(sso: &Sso, posted: &PostedResponse) -> Request {
    let url = sso.acs.clone();
    let mut request = Request::new(Endpoint::Acs, Method::POST, url, SecretTo::Configured);
    let form = form(("SAMLResponse", posted.response.expose()), posted.relay_state.as_deref());
    request.body = Some(form.into());
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers.insert(CONTENT_TYPE, form);
    request.follow_redirects = false;
    request
}

/// A session is a cookie that a browser keeps, of somebody who is not sent to a login. That an error
/// page sets one too cannot be told here: `acs.assertions` can.
fn begins_session(answer: &Answer) -> Result<Session, Failure> {
    if !answer.status.is_success() && !answer.status.is_redirection() {
        return Err(status_failure(answer.status));
    }
    let location = answer::redirect(answer);
    let missing = |why: &'static str| Err(Failure::new(FailureReason::SessionMissing, why));
    let leads_to_login = match &location {
        Some(location) => login::asks_for_login(location),
        None => answer::page(answer).is_ok_and(|page| login::page_leads_to_login(&page)),
    };
    if leads_to_login {
        return missing("the answer leads to a login (SAML profiles §4.1.4.3)");
    }
    let cookies = answer.begun_cookies();
    if cookies.is_empty() {
        return missing("the answer sets no cookie that a browser keeps (RFC 6265 §5.3)");
    }
    // A path may hold the session itself (`;jsessionid=…`).
    let place = |url: url::Url| url.path().split(';').next().unwrap_or_default().to_owned();
    Ok(Session { path: location.map(place), cookies })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use http::header::{HeaderName, HeaderValue};
    use url::Url;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let html = (CONTENT_TYPE, HeaderValue::from_static("text/html"));
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: headers.chain([html]).collect::<HeaderMap>(),
            body: body.into(),
            url: Url::parse("http://127.0.0.1:8080/saml/acs").expect("URL"),
            duration: Duration::ZERO,
            refused_redirect: None,
        }
    }

    const COOKIE: (&str, &str) = ("set-cookie", "JSESSIONID=abc; Path=/; HttpOnly");
    const LOGIN: &str = "<p>SAML login failed</p><form method=post action=/login>\
        <input name=username><input type=password name=password><button>Log in</button></form>";

    #[test]
    fn a_session_begins_with_a_cookie_and_leads_to_no_login() {
        let set = |cookie| ("set-cookie", cookie);
        let to = |place| ("location", place);
        let request = "<body onload=\"document.forms[0].submit()\"><form method=post \
            action=https://idp.example/sso><input type=hidden name=SAMLRequest value=x></form>";
        for (status, headers, body, begins) in [
            (200, &[COOKIE][..], "<h1>Welcome ada</h1>", true),
            (302, &[COOKIE, to("/home")], "", true),
            // A page in a redirect is not shown, and a Location without one is not followed.
            (302, &[COOKIE, to("/home")], LOGIN, true),
            (200, &[COOKIE, to("/login")], "<h1>Welcome ada</h1>", true),
            (200, &[], "<h1>Welcome ada</h1>", false),
            (302, &[COOKIE, to("/login?error=1")], "", false),
            (302, &[COOKIE, to("https://idp.example/sso?SAMLRequest=x")], "", false),
            (200, &[COOKIE], LOGIN, false),
            (200, &[COOKIE], request, false),
            (200, &[COOKIE], "<meta http-equiv=refresh content=\"0;url=/login?error=1\">", false),
            (200, &[COOKIE, ("refresh", "0;url=/login?error=1")], "", false),
            (200, &[COOKIE, ("refresh", "0;url=/home")], "", true),
            (302, &[set("sid=abc; Domain=other.example"), to("/home")], "", false),
            (302, &[set("__Host-sid=abc"), to("/home")], "", false),
            (302, &[set("__Host-sid=abc; Secure; Path=/"), to("/home")], "", true),
            (
                302,
                &[set("JSESSIONID=abc"), set("JSESSIONID=deleted; Max-Age=0"), to("/home")],
                "",
                false,
            ),
            (
                302,
                &[set("JSESSIONID=old; Max-Age=0"), set("JSESSIONID=abc"), to("/home")],
                "",
                true,
            ),
        ] {
            let session = begins_session(&answer(status, headers, body));
            let reason = session.map(|_| ()).map_err(|failure| failure.reason);
            let expected = if begins { Ok(()) } else { Err(FailureReason::SessionMissing) };
            assert_eq!(reason, expected, "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn a_login_that_answers_a_replay_lets_nobody_in() {
        let welcome = begins_session(&answer(200, &[COOKIE], "<h1>Welcome ada</h1>"));
        let welcome = welcome.expect("a session");
        for (body, again) in [("<h1>Welcome ada</h1>", true), (LOGIN, false)] {
            let second = begins_session(&answer(200, &[COOKIE], body));
            assert_eq!(second.is_ok_and(|second| welcome.is_like(&second)), again, "{body}");
        }
    }

    #[test]
    fn an_outage_proves_nothing_and_an_error_page_refuses() {
        for (status, nothing) in [
            (200, false),
            (302, false),
            (403, false),
            (404, true),
            (429, true),
            (500, false),
            (502, true),
            (503, true),
            (504, true),
        ] {
            let found = proves_nothing(StatusCode::from_u16(status).expect("a status"));
            assert_eq!(found, nothing, "{status}");
        }
    }

    #[test]
    fn a_second_session_begins_as_the_first_one_did() {
        let session = |path: Option<&str>, cookies: &[&str]| Session {
            path: path.map(str::to_owned),
            cookies: cookies.iter().map(|name| (*name).to_owned()).collect(),
        };
        let first = session(Some("/home"), &["sid", "lb"]);
        assert!(first.is_like(&session(Some("/home"), &["sid"])));
        assert!(!first.is_like(&session(Some("/error"), &["lb"])));
        assert!(!first.is_like(&session(None, &["lb"])));
        assert!(!first.is_like(&session(Some("/home"), &["flash"])));
    }
}
