//! `acs`: the service provider gets the response and must begin a session (SAML profiles
//! §4.1.4.3); and a second time, for step `refuse`, when it must not (§4.1.4.5).

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};

use super::answer::{Body, Judgement, hold_again, status_failure};
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
    let leads_on = answer.status.is_redirection() && answer.headers.contains_key(LOCATION);
    if !leads_on {
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
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.and_then(|text| answer.url.join(text).ok());
    let missing = |why: &str| Err(Failure::new(FailureReason::SessionMissing, why));
    if location.as_ref().is_some_and(login::asks_for_login) {
        return missing("the answer leads to a login");
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
    use super::*;

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
