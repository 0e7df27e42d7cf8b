//! `logout`: end the session at the provider, as a browser does (OpenID Connect RP-Initiated
//! Logout 1.0 §2).

use std::pin::pin;
use std::time::Duration;

use url::Url;

use super::authorize::{AuthorizationRequest, is_still_logged_in};
use super::browser::{Arrival, AtRedirectUri, Browser, SecretHosts, Shown};
use super::login::stuck;
use super::provider::Provider;
use crate::net::SecretTo;
use crate::probe::Context;
use crate::protocol::authorization::request_url;
use crate::protocol::html::{Filling, Found, LogoutForm, Overrides, Page, logout_form};
use crate::protocol::metadata::EndpointName;
use crate::report::{Failure, FailureReason};
use crate::settings::Client;

type LogoutBrowser<'a, 'm> = Browser<'a, 'm, AtRedirectUri<'a>>;

/// Logs out. Where cookies alone keep the user logged in, the session must be over
/// afterwards: the next request leads to a login again.
///
/// # Errors
/// When the provider answers with an error, asks for something that cannot be given, or keeps the
/// session.
pub async fn run(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    login: &AuthorizationRequest,
    by_cookies: bool,
) -> Result<(), Failure> {
    let endpoint = provider.endpoint(context, EndpointName::EndSession).url;
    let overrides = Overrides::default();
    let goal = AtRedirectUri { redirect_uri: &login.redirect_url, state: "" };
    let nowhere = SecretHosts { named: None, hosts: &[] };
    let browser = Browser::new(context, goal, &overrides, nowhere, 2);
    let url = request_url(&endpoint, &[("client_id", &client.id)]);
    // Where the session can be looked at afterwards, others may not be there to say goodbye.
    let is_proved = || by_cookies && browser.is_away_from(&endpoint);
    let verdict = until(context.time_left() / 2, is_proved, leave(&browser, url)).await;
    let script_required = match verdict {
        // Nothing to look at, as with status 204.
        Err(failure) if failure.reason == FailureReason::ContentType => None,
        Err(failure) if is_proved() => {
            let (reason, detail) = (failure.reason, context.told(&failure));
            context
                .note(&format!("not held against the logout, since elsewhere: {reason}: {detail}"));
            None
        }
        verdict => verdict?,
    };
    if by_cookies && is_still_logged_in(context, provider, client, login).await? {
        return Err(script_required.unwrap_or_else(|| {
            Failure::new(
                FailureReason::SessionNotEnded,
                "after the logout, the session still brings a code (OpenID Connect RP-Initiated Logout 1.0 §2)",
            )
        }));
    }
    // Where nothing proves that the session is over, the page may ask whether to end it.
    script_required.filter(|_| !by_cookies).map_or(Ok(()), Err)
}

/// Waits for work, and no longer than this where it can be done without by then.
async fn until<T>(
    patience: Duration,
    can_do_without: impl Fn() -> bool,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = pin!(work);
    match tokio::time::timeout(patience, &mut work).await {
        Ok(done) => done,
        Err(_) if can_do_without() => {
            Err(Failure::new(FailureReason::Timeout, "no answer in half of the time that was left"))
        }
        Err(_) => work.await,
    }
}

/// Opens the endpoint with the cookies of the session, and confirms where it asks. Without a hint
/// it has to ask; the hint would be the ID token, which does not belong into a URL. What comes
/// back is the failure of an answer that only scripts would show.
async fn leave(browser: &LogoutBrowser<'_, '_>, url: Url) -> Result<Option<Failure>, Failure> {
    let Arrival::Page(shown) = browser.open(url, SecretTo::Nobody).await? else { return Ok(None) };
    let Some(form) = question(&shown) else { return ended(&shown) };
    let Some(confirm) = form.confirm else {
        return Err(Failure::new(
            FailureReason::ConsentRequired,
            "the button that confirms the logout cannot be told",
        ));
    };
    let filling = Filling::new().submitter(Some(confirm));
    let asked = action(&shown.page, &form);
    match browser.send(&shown.page, form.form, &filling, false).await? {
        Arrival::Page(shown) => {
            let again = question(&shown);
            if again.is_some_and(|form| action(&shown.page, &form) == asked) {
                return Err(Failure::new(
                    FailureReason::ConsentRequired,
                    "the provider asks again whether to log out",
                ));
            }
            ended(&shown)
        }
        Arrival::Callback(_) => Ok(None),
    }
}

/// The form that asks whether to log out, in words of a logout or with a plain yes and no.
fn question(shown: &Shown) -> Option<LogoutForm> {
    let plain = match &shown.found {
        Found::Consent(form) => Some(LogoutForm { form: form.form, confirm: form.accept }),
        _ => None,
    };
    logout_form(&shown.page).or(plain)
}

/// Where the form of a page goes, without the query.
fn action(page: &Page, form: &LogoutForm) -> Option<String> {
    let action = page.forms.get(form.form)?.action.as_ref()?;
    Some(format!("{}{}", action.origin().ascii_serialization(), action.path()))
}

/// A page that says goodbye, or a login page of the session that has ended. One that only scripts
/// would show may be either, or a question: its failure comes back, to hold against the session.
fn ended(shown: &Shown) -> Result<Option<Failure>, Failure> {
    match shown.found {
        Found::LoginFormNotFound | Found::Login(_) if shown.status.is_success() => Ok(None),
        Found::ScriptRequired if shown.status.is_success() => Ok(Some(stuck(shown))),
        _ => Err(stuck(shown)),
    }
}
