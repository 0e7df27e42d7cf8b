//! Whether the client may have what it asks for. Who said so once is not asked again, unless the
//! client wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use http::{Method, StatusCode};

use super::answer::Answer;
use super::authorize::AuthorizationRequest;
use super::fault::{Fault, Service};
use super::received::Received;
use super::{Mark, Shared, Site, client, login, logout, page};

pub(super) const PATH: &str = "/consent";
const COOKIE: &str = "consent";

/// A client that waits for consent.
pub(super) struct Asked {
    request: AuthorizationRequest,
    form_token: String,
    auth_time: u64,
}

/// What was asked and given.
#[derive(Default)]
pub(super) struct Consents {
    asked: BTreeMap<String, Asked>,
    /// Client and scope.
    given: BTreeSet<(&'static str, String)>,
}

fn consents(shared: &Shared) -> MutexGuard<'_, Consents> {
    shared.consents.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The user has logged in: asks for consent, or goes back to the client.
pub(super) fn begin(
    site: &Site,
    request: AuthorizationRequest,
    auth_time: u64,
) -> (Service, Answer) {
    let session = logout::begin_session(site);
    let mut consents = consents(&site.shared);
    let given = consents.given.contains(&(request.client, request.scope.clone()));
    if given && !request.asks_consent {
        drop(consents);
        let (service, answer) = request.grant(site, auth_time);
        return (service, answer.cookie(&session));
    }
    let id = Mark::Cookie.random();
    let asked = Asked { request, form_token: Mark::Form.random(), auth_time };
    consents.asked.insert(id.clone(), asked);
    let answer = Answer::redirect(StatusCode::SEE_OTHER, PATH)
        .cookie(&session)
        .cookie(&format!("{COOKIE}={id}; Path={PATH}; HttpOnly; SameSite=Lax"));
    (Service::Login, answer)
}

pub(super) fn answer(site: &Site, request: &Received) -> (Service, Answer) {
    let told = |status, what| (Service::Consent, page::plain(status, "Error", what));
    let mut consents = consents(&site.shared);
    let id = login::id(request, COOKIE).unwrap_or_default();
    let Some(asked) = consents.asked.get(&id) else {
        return told(StatusCode::BAD_REQUEST, "There is nothing to consent to.");
    };
    if request.method != Method::POST {
        let page = page::consent(asked.request.client, &asked.request.scope, &asked.form_token);
        return (Service::Consent, page);
    }
    let form = request.form();
    if client::one(&form, "form_token") != Some(&asked.form_token) {
        return told(StatusCode::FORBIDDEN, "This form was sent before.");
    }
    if site.shared.faults.is_on(Fault::ConsentAgain) {
        return (Service::Consent, Answer::redirect(StatusCode::SEE_OTHER, PATH));
    }
    let Some(Asked { request, auth_time, .. }) = consents.asked.remove(&id) else {
        return told(StatusCode::BAD_REQUEST, "There is nothing to consent to.");
    };
    // What is not ticked is not granted; openid is what it is all about.
    let ticked = |word: &&str| {
        *word == "openid" || form.iter().any(|(name, value)| name == "grant" && value == word)
    };
    let scope: Vec<&str> = request.scope.split(' ').filter(ticked).collect();
    if client::one(&form, "decision") != Some("accept") || scope.is_empty() {
        drop(consents);
        return request.deny(site);
    }
    consents.given.insert((request.client, request.scope.clone()));
    drop(consents);
    let scope = scope.join(" ");
    let mut granted = request;
    granted.scope = scope;
    granted.grant(site, auth_time)
}
