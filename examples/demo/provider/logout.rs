//! Sessions of browsers, and how they end (OpenID Connect RP-Initiated Logout §2).

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use http::{Method, StatusCode};

use super::answer::Answer;
use super::fault::Fault;
use super::received::Received;
use super::{Mark, Shared, Site, client, login, page};

pub(super) const PATH: &str = "/logout";
const COOKIE: &str = "session";

fn sessions(shared: &Shared) -> MutexGuard<'_, BTreeSet<String>> {
    shared.sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new session, as its cookie.
pub(super) fn begin_session(site: &Site) -> String {
    let id = Mark::Cookie.random();
    sessions(&site.shared).insert(id.clone());
    format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax")
}

/// Whether a request comes from somebody who is logged in.
pub(super) fn is_in_session(site: &Site, request: &Received) -> bool {
    login::id(request, COOKIE).is_some_and(|id| sessions(&site.shared).contains(&id))
}

/// How many sessions there are.
pub(super) fn count(shared: &Shared) -> usize {
    sessions(shared).len()
}

/// Without the hint of an ID token the user is asked.
pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    let mut sessions = sessions(&site.shared);
    let id = login::id(request, COOKIE).filter(|id| sessions.contains(id));
    let Some(id) = id else {
        return page::plain(StatusCode::OK, "Signed out", "You are not signed in.");
    };
    let faults = &site.shared.faults;
    if faults.is_on(Fault::LogoutAtOnce) {
        sessions.remove(&id);
        return page::plain(StatusCode::OK, "Signed out", "Goodbye.");
    }
    if request.method != Method::POST {
        return page::logout(&id);
    }
    let form = request.form();
    // The session itself vouches for its form.
    if client::one(&form, "form_token") != Some(&page::of_session(&id)) {
        return page::plain(StatusCode::FORBIDDEN, "Error", "This form is not yours.");
    }
    if client::one(&form, "answer") != Some("yes") {
        return page::plain(StatusCode::OK, "Signed in", "You are still signed in.");
    }
    if faults.is_on(Fault::LogoutKeepsSession) {
        return page::plain(StatusCode::OK, "Signed out", "Goodbye.");
    }
    sessions.remove(&id);
    page::plain(StatusCode::OK, "Signed out", "Goodbye.")
        .cookie(&format!("{COOKIE}=; Path=/; Max-Age=0"))
}
