//! `acs`: the service provider gets the response and must begin a session (SAML profiles
//! §4.1.4.3); and a second time, for step `refuse`, when it must not (§4.1.4.5).

use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method};

use super::answer::{Body, Judgement, status_failure};
use super::assertion::GoodResponse;
use super::sso::{PostedResponse, form};
use crate::net::{Answer, Request, SecretTo};
use crate::probe::Context;
use crate::protocol::login;
use crate::report::{Endpoint, Failure, FailureReason, RefusalCheck};
use crate::settings::{Consumer, Sso};

/// The response is spent.
#[derive(Debug)]
pub struct Spent(());

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
    begins_session(&answer)?;
    judgement.assertions()?;
    Ok(Spent(()))
}

/// Posts it once more.
///
/// # Errors
/// When another session begins.
pub async fn replay(
    context: &Context<'_>,
    sso: &Sso,
    posted: &PostedResponse,
    _spent: &Spent,
) -> Result<(), Failure> {
    let again = context.send(request(sso, posted)).await?;
    // An outage proves nothing.
    if again.status.is_server_error() || again.status.as_u16() == 429 {
        return Err(status_failure(again.status));
    }
    let refused = begins_session(&again).is_err();
    context.refused(RefusalCheck::ReplayedResponse, refused);
    if refused {
        return Ok(());
    }
    Err(Failure::new(
        FailureReason::ReplayAccepted,
        "the same response began a second session (SAML profiles §4.1.4.5)",
    ))
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

/// A session is a cookie of somebody who is not sent to a login.
fn begins_session(answer: &Answer) -> Result<(), Failure> {
    if !answer.status.is_success() && !answer.status.is_redirection() {
        return Err(status_failure(answer.status));
    }
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.and_then(|text| answer.url.join(text).ok());
    let missing = |why: &str| Err(Failure::new(FailureReason::SessionMissing, why));
    if location.is_some_and(|url| login::is_login(&url)) {
        return missing("the answer leads to a login");
    }
    if !answer.headers.contains_key(SET_COOKIE) {
        return missing("the answer sets no cookie");
    }
    Ok(())
}
