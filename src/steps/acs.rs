//! `acs`: the service provider gets the response and must begin a session (SAML profiles
//! §4.1.4.3); and for step `refuse` with another signature and a second time, when it must not
//! (§4.1.4.5).

use http::{Method, StatusCode};
use url::Url;

use super::answer::{self, Body, Judgement, hold_again, status_failure};
use super::assertion::GoodResponse;
use super::sso::{PostedResponse, form};
use crate::net::{Answer, Request, SecretTo};
use crate::probe::Context;
use crate::protocol::saml::response::forged;
use crate::protocol::{html, login};
use crate::report::{Endpoint, Failure, FailureReason, RefusalCheck};
use crate::settings::{Consumer, Sso};

/// The response is spent, and this is how the service provider let the user in.
#[derive(Debug)]
pub struct Spent(Session);

/// The begin of a session.
#[derive(Debug)]
struct Session {
    /// Where it leads by itself; `None` for a page that stays.
    leads_to: Option<Url>,
    /// Names of the cookies that carry it.
    cookies: Vec<String>,
}

impl Session {
    /// Whether another answer is as this one was: who looks at no signature answers a forged response
    /// as the good one.
    fn is_like(&self, other: &Self) -> bool {
        let leads_alike = match (&self.leads_to, &other.leads_to) {
            (None, None) => true,
            (Some(first), Some(other)) => {
                is_same(place(first), place(other)) && !login::leads_to_error(Some(first), other)
            }
            _ => false,
        };
        leads_alike && have_all(&other.cookies, &self.cookies)
    }

    /// Whether a second answer lets somebody in too, unless it is as that to a forged response was.
    /// Places and cookies may have other names in each session, and a request that was saved is spent;
    /// who led on and now shows a page refuses.
    fn begins_again(&self, second: &Self, refusal: Option<&Self>) -> bool {
        if self.is_like(second) {
            return true;
        }
        if refusal.is_some_and(|refusal| refusal.is_like(second)) {
            return false;
        }
        match (&self.leads_to, &second.leads_to) {
            (first, Some(second)) => !login::leads_to_error(first.as_ref(), second),
            (Some(_), None) => false,
            (None, None) => self
                .cookies
                .iter()
                .any(|name| have_all(&second.cookies, std::slice::from_ref(name))),
        }
    }
}

/// The path without what may hold the session itself (`;jsessionid=…`, RFC 3986 §3.3).
fn place(url: &Url) -> &str {
    url.path().split(';').next().unwrap_or_default()
}

/// Whether each of these names is there, as it is or with another one that looks random in its place,
/// which stands for no second one.
fn have_all(cookies: &[String], names: &[String]) -> bool {
    let mut left: Vec<_> = cookies.iter().filter(|cookie| !names.contains(cookie)).collect();
    let mut others = names.iter().filter(|name| !cookies.contains(name));
    others.all(|name| {
        let found = left.iter().position(|cookie| is_same(cookie, name));
        found.map(|found| left.swap_remove(found)).is_some()
    })
}

/// Whether two places or names of cookies are the same but for what looks random: it may be other
/// in each session.
fn is_same(first: &str, second: &str) -> bool {
    let words = |text| str::split(text, |c: char| !is_of_token(c)).map(fixed);
    words(first).eq(words(second))
}

/// What tokens are written with, as UUIDs and base64url.
const fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The beginning of a word up to what looks random, and whether there is such a thing: a piece of
/// six letters and digits where a digit stands before a letter, or no letter is, with all that follows
/// it. Words of people have their digits at the end, as `saml20`.
fn fixed(word: &str) -> (&str, bool) {
    const JOINTS: [char; 2] = ['-', '_'];
    let is_random = |piece: &str| {
        let piece = piece.trim_end_matches(JOINTS);
        let behind = piece.trim_start_matches(|c: char| !c.is_ascii_digit());
        let is_number = behind.len() == piece.len() && behind.bytes().all(|b| b.is_ascii_digit());
        piece.len() >= 6 && (is_number || behind.contains(|c: char| c.is_ascii_alphabetic()))
    };
    let pieces = word.split_inclusive(JOINTS).take_while(|piece| !is_random(piece));
    let fixed = word.get(..pieces.map(str::len).sum()).unwrap_or_default();
    (fixed, fixed.len() < word.len())
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
    let answer = context.send(request(sso, posted, posted.response.expose())).await?;
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

/// Posts what must begin no session: the response as nobody signed it, and once more as it was.
///
/// # Errors
/// When one of them begins another session.
pub async fn refuse(
    context: &Context<'_>,
    sso: &Sso,
    consumer: &Consumer,
    posted: &PostedResponse,
    spent: &Spent,
) -> Result<(), Failure> {
    let first = &spent.0;
    // What looks like another session, if anything does. An error page may set cookies too: what was
    // asserted of the first session holds for another.
    let post = async |response: &str| {
        let answer = context.send(request(sso, posted, response)).await?;
        if proves_nothing(answer.status) {
            return Err(status_failure(answer.status));
        }
        let asserted = hold_again(&answer, &consumer.assertions);
        Ok(begins_session(&answer).ok().filter(|_| asserted))
    };
    let mut refusal = None;
    if consumer.forged {
        let forged = forged(posted.response.expose()).ok_or_else(|| {
            Failure::new(
                FailureReason::Internal,
                "no forged response can be made of this one: leave it out with forged_response",
            )
        })?;
        context.hide(&forged);
        refusal = post(&forged).await?;
        let accepted = refusal.as_ref().is_some_and(|other| first.is_like(other));
        context.refused(RefusalCheck::ForgedResponse, !accepted);
        if accepted {
            return Err(forged_accepted(first));
        }
    }
    if consumer.replay {
        let second = post(posted.response.expose()).await?;
        let accepted = second.is_some_and(|second| first.begins_again(&second, refusal.as_ref()));
        context.refused(RefusalCheck::ReplayedResponse, !accepted);
        if accepted {
            return Err(Failure::new(
                FailureReason::ReplayAccepted,
                "the same response began a second session (SAML profiles §4.1.4.5)",
            ));
        }
    }
    Ok(())
}

/// A forged response was answered as the good one. Where both get a page, it may be that of an error.
fn forged_accepted(first: &Session) -> Failure {
    if first.leads_to.is_some() {
        return Failure::new(
            FailureReason::BadCredentialAccepted,
            "a response with another signature began a session (SAML profiles §4.1.4.3)",
        );
    }
    Failure::new(
        FailureReason::SessionMissing,
        "a response with another signature gets a page and cookies as the good one did, so that \
         nothing shows a session: say in acs.assertions what only a session has",
    )
}

/// Whether this is an answer of something in front, or of nobody who looked at the response. A 500
/// is none of them, a moment after the same was taken: Shibboleth refuses with it.
const fn proves_nothing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 408 | 429 | 501..=599)
}

/// Without the cookies of an earlier answer: each time a browser that nobody knows.
fn request(sso: &Sso, posted: &PostedResponse, response: &str) -> Request {
    let url = sso.acs.clone();
    let mut request = Request::new(Endpoint::Acs, Method::POST, url, SecretTo::Configured);
    request.carry_form(form(("SAMLResponse", response), posted.relay_state.as_deref()));
    request.follow_redirects = false;
    request
}

/// A session is a cookie that a browser keeps, of somebody who is not sent to a login. That an error
/// page sets one too shows when a forged response is answered in the same way.
fn begins_session(answer: &Answer) -> Result<Session, Failure> {
    if !answer.status.is_success() && !answer.status.is_redirection() {
        return Err(status_failure(answer.status));
    }
    let location = answer::redirect(answer);
    // A page in a redirect is not shown.
    let page = if location.is_none() { answer::page(answer).ok() } else { None };
    let missing = |why: &'static str| Err(Failure::new(FailureReason::SessionMissing, why));
    let leads_to_login = location.as_ref().is_some_and(login::asks_for_login)
        || page.as_ref().is_some_and(login::page_leads_to_login);
    if leads_to_login {
        return missing("the answer leads to a login (SAML profiles §4.1.4.3)");
    }
    let cookies = answer.begun_cookies();
    if cookies.is_empty() {
        return missing("the answer sets no cookie that a browser keeps (RFC 6265 §5.3)");
    }
    let refresh = page.as_ref().and_then(html::soon_left_for).map(|refresh| refresh.url.clone());
    Ok(Session { leads_to: location.or(refresh), cookies })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

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
    fn a_second_session_is_told_from_a_refusal() {
        const OTHER: (&str, &str) = ("set-cookie", "sess_b2=def; Path=/");
        const WELCOME: &str = "<h1>Welcome ada</h1>";
        const REFRESH: &str = "<meta http-equiv=refresh content=\"0;url=/app\">";
        type Answered = (u16, &'static [(&'static str, &'static str)], &'static str);
        let home: Answered = (302, &[COOKIE, ("location", "/home")], "");
        let page: Answered = (200, &[COOKIE], WELCOME);
        let begins =
            |(status, headers, body): Answered| begins_session(&answer(status, headers, body)).ok();
        let first = |answered| begins(answered).expect("a session");
        for (before, after, again) in [
            (home, home, true),
            (home, (302, &[COOKIE, ("location", "/")], ""), true),
            (home, (302, &[OTHER, ("location", "/home")], ""), true),
            (home, (200, &[COOKIE, ("refresh", "0;url=/home")], ""), true),
            (home, (200, &[COOKIE], REFRESH), true),
            ((200, &[COOKIE], REFRESH), home, true),
            (page, home, true),
            (
                (302, &[COOKIE, ("location", "/s/abc1")], ""),
                (302, &[OTHER, ("location", "/s/def2")], ""),
                true,
            ),
            (
                (302, &[COOKIE, ("location", "/denied/list")], ""),
                (302, &[COOKIE, ("location", "/denied/list?page=2")], ""),
                true,
            ),
            (home, (302, &[("location", "/home")], ""), false),
            (home, (302, &[COOKIE, ("location", "/saml/error")], ""), false),
            (home, (302, &[COOKIE, ("location", "/sso_failed.html")], ""), false),
            (home, (302, &[COOKIE, ("location", "/home?error=replayed")], ""), false),
            (page, (302, &[COOKIE, ("location", "/replay-detected")], ""), false),
            (home, (302, &[COOKIE, ("location", "/login")], ""), false),
            (home, (403, &[COOKIE], WELCOME), false),
            (home, (500, &[COOKIE], WELCOME), false),
            (home, page, false),
            (page, page, true),
            (page, (200, &[OTHER], WELCOME), false),
            (
                (200, &[("set-cookie", "sess_5f3a9c21=abc")], WELCOME),
                (200, &[("set-cookie", "sess_0be4d772=def")], WELCOME),
                true,
            ),
            (page, (200, &[COOKIE], LOGIN), false),
        ] {
            let begun =
                begins(after).is_some_and(|second| first(before).begins_again(&second, None));
            assert_eq!(begun, again, "{before:?} {after:?}");
        }
    }

    #[test]
    fn what_refused_a_forged_response_refuses_a_replay_too() {
        let balanced = [COOKIE, ("set-cookie", "LB=1; Path=/"), ("location", "/home")];
        let refused = [("set-cookie", "LB=2; Path=/"), ("location", "/Account/AccessDenied")];
        let session = |headers: &[(&'static str, &'static str)]| {
            begins_session(&answer(302, headers, "")).expect("a session")
        };
        let (first, refusal) = (session(&balanced), session(&refused));
        assert!(!first.is_like(&refusal));
        assert!(!first.begins_again(&session(&refused), Some(&refusal)));
        assert!(first.begins_again(&session(&refused), None));
        // Whoever looks at no signature answers the same to all, wherever the session stands.
        assert!(first.is_like(&session(&balanced)));
        let at = |place| session(&[COOKIE, ("location", place)]);
        assert!(at("/home;jsessionid=A").is_like(&at("/home;jsessionid=B")));
        assert!(!at("/home;jsessionid=A").is_like(&at("/homes")));
        assert!(first.begins_again(&session(&balanced), Some(&session(&balanced))));
    }

    #[test]
    fn what_looks_random_is_other_in_each_session() {
        for (first, second, same) in [
            ("/home", "/home", true),
            ("sess_5f3a9c21", "sess_0be4d772", true),
            ("/s/5f3a9c21/home", "/s/0be4d772/home", true),
            ("/s/5f3a9c21/home", "/s/0be4d772/error", false),
            ("/s/5f3a9c21/home", "/t/0be4d772/home", false),
            (
                "/s/0f8fad5b-d9cb-469f-a165-70867728950e/",
                "/s/7c9e6679-7425-40de-944b-e07fc1f90ae7/",
                true,
            ),
            ("/s/Kd93jw_Qe-f8s7Wq", "/s/p2Lx04-dkXb7s_1q", true),
            ("/s/20261127", "/s/71000342", true),
            ("/s/abc1", "/s/def2", false),
            ("/oauth2", "/saml20", false),
            ("/account1", "/problem500", false),
            ("/administrationpanel", "/authenticationunsuccessful", false),
            ("/s/5f3a9c21", "/s/welcome", false),
            ("/account", "/profile", false),
            ("sess_5f3a9c21", "csrf_0be4d772", false),
        ] {
            assert_eq!(is_same(first, second), same, "{first} {second}");
        }
        let cookies =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (those, names, all) in [
            (
                &["SimpleSAMLSessionID"][..],
                &["SimpleSAMLSessionID", "SimpleSAMLAuthToken"][..],
                false,
            ),
            (&["id", "s_5f3a9c21", "s_0be4d772"], &["s_9c215f3a", "s_d7720be4"], true),
            (&["id", "s_5f3a9c21"], &["s_9c215f3a", "s_d7720be4"], false),
            (&["s_5f3a9c21"], &["s_5f3a9c21", "s_d7720be4"], false),
        ] {
            assert_eq!(have_all(&cookies(those), &cookies(names)), all, "{those:?} {names:?}");
        }
        // Who looks at no signature answers a forged response as the good one in all of these ways.
        let welcome = "<h1>Welcome ada</h1>";
        let refresh = "<meta http-equiv=refresh content=\"0;url=/home\">";
        let cookies =
            [("set-cookie", "sess_5f3a9c21=a; Path=/"), ("set-cookie", "sess_0be4d772=b; Path=/")];
        let places = [("location", "/s/5f3a9c21/home"), ("location", "/s/0be4d772/home")];
        let home = ("location", "/home");
        for (status, first, second, body) in [
            (302, [cookies[0], home], [cookies[1], home], ""),
            (302, [COOKIE, places[0]], [COOKIE, places[1]], ""),
            (302, [cookies[0], places[0]], [cookies[1], places[1]], ""),
            (200, [COOKIE, cookies[0]], [COOKIE, cookies[1]], welcome),
            (201, [COOKIE, cookies[0]], [COOKIE, cookies[1]], ""),
            (200, [COOKIE, cookies[0]], [COOKIE, cookies[1]], refresh),
        ] {
            let begins = |headers: &[_]| begins_session(&answer(status, headers, body));
            let (first, second) = (begins(&first).expect("one"), begins(&second).expect("two"));
            assert!(first.is_like(&second), "{status} {body} {first:?} {second:?}");
            assert!(first.begins_again(&second, None), "{status} {body} {first:?} {second:?}");
        }
    }
}
