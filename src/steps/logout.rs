//! `logout`: end the session at the provider, as a browser does (OpenID Connect RP-Initiated
//! Logout 1.0 §2).

use super::authorize::AuthorizationRequest;
use super::browser::{Arrival, Browser, SecretHosts, Shown};
use super::login::stuck;
use super::provider::CalledEndpoint;
use crate::probe::Context;
use crate::protocol::authorization::request_url;
use crate::protocol::html::{self, Filling, Found, Overrides};
use crate::report::{Failure, FailureReason};
use crate::settings::Client;

/// Opens the endpoint with the cookies of the session, and confirms where it asks. Without a hint
/// it has to ask; the hint would be the ID token, which does not belong into a URL.
///
/// # Errors
/// When the provider answers with an error, or asks for something that cannot be given.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    client: &Client,
    login: &AuthorizationRequest,
) -> Result<(), Failure> {
    let overrides = Overrides::default();
    let nowhere = SecretHosts { named: None, hosts: &[] };
    let browser = Browser::new(context, &login.redirect_url, "", &overrides, nowhere, 2);
    let url = request_url(&endpoint.url, &[("client_id", &client.id)]);
    let Arrival::Page(shown) = browser.open(url, false).await? else { return Ok(()) };
    let asks = matches!(shown.found, Found::Consent(_) | Found::LoginFormNotFound);
    let Some(form) = html::logout(&shown.page).filter(|_| asks) else { return ended(&shown) };
    let Some(accept) = form.accept else {
        return Err(Failure::new(
            FailureReason::ConsentRequired,
            "the button that confirms the logout cannot be told",
        ));
    };
    let filling = Filling::new().submitter(Some(accept));
    match browser.send(&shown.page, form.form, &filling, false).await? {
        Arrival::Page(shown) => ended(&shown),
        Arrival::Callback(_) => Ok(()),
    }
}

/// A page that says goodbye, or a login page of the session that has ended.
fn ended(shown: &Shown) -> Result<(), Failure> {
    match shown.found {
        Found::LoginFormNotFound | Found::Login(_) if shown.status.is_success() => Ok(()),
        _ => Err(stuck(shown)),
    }
}
