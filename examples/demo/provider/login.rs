//! The pages of a login: name and password, on one page or two, and a one-time code. What was
//! done so far belongs to a cookie of these paths; each form is good once.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use http::{Method, StatusCode};

use super::answer::Answer;
use super::authorize::{AuthorizationRequest, Pages};
use super::fault::Service;
use super::page::{self, LoginPage};
use super::received::Received;
use super::{Mark, Shared, Site, USERNAME, client, consent, keys, totp};

/// What the paths begin with, and the cookie with them.
pub(super) const FOLDER: &str = "/login/";
pub(super) const IDENTIFIER_PATH: &str = "/login/identifier";
pub(super) const PASSWORD_PATH: &str = "/login/password";
pub(super) const CODE_PATH: &str = "/login/code";
const COOKIE: &str = "login";

/// A browser on its way from the authorization request to the answer.
pub(super) struct Visit {
    pub(super) request: AuthorizationRequest,
    /// In the hidden field of the form that was shown last.
    pub(super) form_token: String,
    username: Option<String>,
    knows_password: bool,
}

/// The visits that are not over, by their cookie.
pub(super) type Visits = BTreeMap<String, Visit>;

pub(super) fn visits(shared: &Shared) -> MutexGuard<'_, Visits> {
    shared.visits.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends the browser to the first page.
pub(super) fn begin(site: &Site, request: AuthorizationRequest) -> (Service, Answer) {
    let id = Mark::Cookie.random();
    let first = if request.pages == Pages::Two { IDENTIFIER_PATH } else { PASSWORD_PATH };
    let form_token = Mark::Form.random();
    let visit = Visit { request, form_token, username: None, knows_password: false };
    visits(&site.shared).insert(id.clone(), visit);
    // The second one is for other pages: a browser that sends it here keeps to no paths.
    let answer = Answer::redirect(StatusCode::FOUND, first)
        .cookie(&format!("{COOKIE}={id}; Path=/login; HttpOnly; SameSite=None"))
        .cookie(&format!("{COOKIE}={}; Path=/account; HttpOnly", Mark::Cookie.random()));
    (Service::Authorization, answer)
}

/// The visit that a cookie belongs to; `None` as well when there are several of this name.
pub(super) fn id(request: &Received, name: &str) -> Option<String> {
    let mut found = request.cookies().into_iter().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, id)), None) => Some(id),
        _ => None,
    }
}

pub(super) fn answer(site: &Site, request: &Received) -> (Service, Answer) {
    let told = |status, what| (Service::Login, page::plain(status, "Error", what));
    let mut visits = visits(&site.shared);
    let id = id(request, COOKIE).unwrap_or_default();
    let Some(visit) = visits.get_mut(&id) else {
        return told(StatusCode::BAD_REQUEST, "Your visit has expired.");
    };
    if request.method != Method::POST {
        return show(visit, request.path(), None);
    }
    let form = request.form();
    let field = |name| client::one(&form, name);
    if field("form_token") != Some(&visit.form_token) {
        return told(StatusCode::FORBIDDEN, "This form was sent before.");
    }
    visit.form_token = Mark::Form.random();
    match request.path() {
        IDENTIFIER_PATH => {
            visit.username = field("username").map(str::to_owned);
            return see(PASSWORD_PATH);
        }
        PASSWORD_PATH => {
            let username = visit.username.as_deref().or(field("username"));
            let knows_password = username == Some(USERNAME)
                && field("password") == Some(&site.shared.credentials.password);
            let code = field("code");
            let has_code = match visit.request.pages {
                Pages::All => code.is_some_and(|code| totp::spend(&site.shared, code)),
                // Nobody who has no second factor may fill it in.
                Pages::One | Pages::Two => code.is_none(),
            };
            if !knows_password || !has_code {
                return show(visit, PASSWORD_PATH, Some("Wrong name, password or code."));
            }
            visit.knows_password = true;
            if visit.request.one_time_code {
                return see(CODE_PATH);
            }
        }
        _ => {
            let code = field("code").unwrap_or_default();
            if !visit.knows_password || !totp::spend(&site.shared, code) {
                return show(visit, CODE_PATH, Some("Wrong code."));
            }
        }
    }
    let asked = visit.request.clone();
    visits.remove(&id);
    drop(visits);
    consent::begin(site, asked, keys::now())
}

fn show(visit: &Visit, path: &str, wrong: Option<&str>) -> (Service, Answer) {
    let shown = match path {
        IDENTIFIER_PATH => LoginPage::Identifier,
        PASSWORD_PATH => match visit.request.pages {
            Pages::One => LoginPage::NameAndPassword,
            Pages::Two => LoginPage::Password,
            Pages::All => LoginPage::All,
        },
        _ => LoginPage::Code,
    };
    (Service::Login, page::login(shown, &visit.form_token, wrong))
}

fn see(path: &str) -> (Service, Answer) {
    (Service::Login, Answer::redirect(StatusCode::SEE_OTHER, path))
}
