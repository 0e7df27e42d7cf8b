//! Whether a login can be sent, and why a page is none.

use super::buttons::{choose_submit, said};
use super::fields::{Sight, typed};
use super::purpose::{Role, role};
use super::{Found, LoginForm, Overrides};
use crate::protocol::html::words::{contains_any, has_word};
use crate::protocol::html::{Control, Kind, Method, Page};

/// What keeps a page from being a login that works here.
pub(super) fn why_not(page: &Page) -> Found {
    let stray_password = page.strays.iter().any(|c| c.kind == Kind::Password && c.is_open());
    if stray_password {
        return Found::ScriptRequired;
    }
    if page.has_captcha || page.forms.iter().any(|form| form.has_captcha) {
        return Found::CaptchaRequired;
    }
    let mut controls = page.forms.iter().flat_map(|form| &form.controls);
    if page.hints_at_second_factor || controls.any(is_of_second_factor) {
        return Found::MfaRequired;
    }
    let shows_form = page.forms.iter().any(|form| !typed(form, Sight::Seen).is_empty());
    let says_so = contains_any(&page.text, &["javascript"]);
    let is_shell = page.scripts.present
        && !shows_form
        && (page.scripts.empty_container && page.text.len() < 400 || page.text.len() < 40);
    if page.scripts.demanded && page.scripts.present || says_so && !shows_form || is_shell {
        Found::ScriptRequired
    } else {
        Found::LoginFormNotFound
    }
}

/// A field for a backup code, or a button that chooses a second factor.
fn is_of_second_factor(control: &Control) -> bool {
    let names = control.names();
    if control.kind.submits() {
        let factors = ["authenticator", "totp", "webauthn", "securitykey"];
        contains_any(&said(control), &factors)
    } else {
        control.kind.is_typed()
            && has_word(&names, &["backup", "recovery"])
            && has_word(&names, &["code", "token"])
    }
}

pub(super) fn with_submit(page: &Page, found: Found, overrides: &Overrides) -> Found {
    let choose = |mut login: LoginForm| {
        let form = page.forms.get(login.form);
        login.submit = form.and_then(|form| choose_submit(form, overrides.submit.as_ref()));
        login
    };
    match found {
        Found::Login(login) => Found::Login(choose(login)),
        Found::OneTimeCode(login) => Found::OneTimeCode(choose(login)),
        found => found,
    }
}

/// What was found, unless it cannot be sent as it is.
pub(super) fn possible(page: &Page, found: Found) -> Found {
    let (Found::Login(login) | Found::OneTimeCode(login)) = &found else { return found };
    let Some(form) = page.forms.get(login.form) else { return found };
    let has_captcha_field = form.controls.iter().any(|control| {
        role(control) == Role::Captcha && (control.kind == Kind::Hidden || control.is_open())
    });
    if form.has_captcha || has_captcha_field {
        return Found::CaptchaRequired;
    }
    let submit = login.submit.and_then(|index| form.controls.get(index));
    let leads_somewhere =
        page.action_by(form, submit).is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    let fields = [login.identifier, login.password, login.code];
    let unnamed = fields.into_iter().flatten().filter_map(|index| form.controls.get(index));
    let nameless = unnamed.clone().any(|control| control.name.is_empty());
    // Without a method the password would stand in the URL: such a form is read by a script. So is
    // one for a name that says neither where nor how it is sent.
    let method = form.method_by(submit);
    let is_bare = !form.attributes.has("action") && !form.attributes.has("method");
    let not_sent = (login.password.is_some() || login.code.is_some() || is_bare)
        && method == Method::Get
        && page.scripts.present
        || method == Method::Dialog;
    if !leads_somewhere || nameless || not_sent { Found::ScriptRequired } else { found }
}
