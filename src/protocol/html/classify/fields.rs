//! The forms that one types into: for a password, a code, a name.

use std::cell::LazyCell;

use super::purpose::{Purpose, Role, role};
use super::{Candidates, Found, LoginForm};
use crate::protocol::html::words::{contains_any, has_word};
use crate::protocol::html::{Control, Form, Kind, Page};

/// Whether controls count that are out of sight.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Seen,
    Concealed,
}

impl Sight {
    fn sees(self, form: &Form, control: &Control) -> bool {
        // In a form that is out of sight as a whole no field is a trap of its own.
        control.is_open() && (!control.concealed || form.concealed || self == Self::Concealed)
    }
}

/// The controls of a form that one could type into, with what for.
pub(super) fn typed(form: &Form, sight: Sight) -> Vec<(usize, Role)> {
    let controls = form.controls.iter().enumerate();
    let typed =
        controls.filter(|(_, control)| control.kind.is_typed() && sight.sees(form, control));
    let is_alone = typed.clone().nth(1).is_none();
    typed
        .map(|(index, control)| match role(control) {
            // Beside a name it is what proves it.
            Role::MaybeCode if control.kind == Kind::Password && !is_alone => {
                (index, Role::Password)
            }
            role => (index, role),
        })
        .collect()
}

/// The field for the name: the surest; of several, the last before the password.
pub(super) fn identifier(fields: &[(usize, Role)], password: Option<usize>) -> Option<(usize, u8)> {
    let mut best: Option<(usize, u8)> = None;
    for (index, role) in fields {
        let Role::Identifier(weight) = *role else { continue };
        let before_password = password.is_none_or(|password| *index < password);
        if best.is_none_or(|(_, of_best)| {
            weight > of_best || (weight == of_best && before_password && password.is_some())
        }) {
            best = Some((*index, weight));
        }
    }
    best
}

pub(super) fn required_code(form: &Form, fields: &[(usize, Role)]) -> Option<usize> {
    fields
        .iter()
        .filter(|(_, role)| *role == Role::Code)
        .find(|(index, _)| form.controls.get(*index).is_some_and(|control| control.required))
        .map(|(index, _)| *index)
}

/// The likeliest form with one password that is not new.
pub(super) fn password_form(page: &Page, forms: &Candidates<'_>, sight: Sight) -> Option<Found> {
    if sight == Sight::Concealed && !page.scripts.present {
        return None;
    }
    let mut best: Option<(i32, LoginForm)> = None;
    for (index, form) in forms {
        let fields = typed(form, sight);
        let passwords: Vec<usize> =
            fields.iter().filter(|(_, role)| *role == Role::Password).map(|(i, _)| *i).collect();
        // Two are for choosing a password, or changing it.
        let [password] = passwords.as_slice() else { continue };
        if fields.iter().any(|(_, role)| *role == Role::NewPassword) {
            continue;
        }
        let name = identifier(&fields, Some(*password)).or_else(|| unnamed(&fields, *password));
        let others = fields.iter().filter(|(index, role)| {
            matches!(role, Role::Other | Role::Identifier(_))
                && Some(*index) != name.map(|(index, _)| index)
        });
        let purpose = Purpose::of(form);
        let score = 100
            + i32::from(name.map_or(0, |(_, weight)| weight)) / 2
            + if purpose.is_login() { 15 } else { 0 }
            - if purpose.is_registration() { 60 } else { 0 }
            - if purpose.is_recovery() { 60 } else { 0 }
            - if purpose.is_aside(form) { 30 } else { 0 }
            - i32::try_from(others.count()).unwrap_or(i32::MAX / 100).min(10) * 25
            - if form.concealed { 40 } else { 0 }
            + if form.controls.iter().any(|control| control.attributes.has("autofocus")) {
                3
            } else {
                0
            };
        if score > 0 && best.as_ref().is_none_or(|(of_best, _)| score > *of_best) {
            let login = LoginForm {
                form: *index,
                identifier: name.map(|(index, _)| index),
                password: Some(*password),
                code: required_code(form, &fields),
                submit: None,
            };
            best = Some((score, login));
        }
    }
    best.map(|(_, login)| Found::Login(login))
}

/// Names that say nothing: then the last field before the password.
fn unnamed(fields: &[(usize, Role)], password: usize) -> Option<(usize, u8)> {
    let mut before =
        fields.iter().filter(|(index, role)| *role == Role::Other && *index < password);
    before.next_back().map(|(index, _)| (*index, 0))
}

/// A form that asks for a code, and for no password beside it.
pub(super) fn code_form(page: &Page, forms: &Candidates<'_>) -> Option<Found> {
    let page_says_message =
        LazyCell::new(|| says_message(&page.text) && !speaks_of_app(&page.text));
    let mut is_beyond_us = false;
    for (index, form) in forms {
        let fields = typed(form, Sight::Seen);
        let sure = fields.iter().find(|(_, role)| *role == Role::Code);
        // What is named a code only, where it is all that is asked for.
        let alone = match fields.as_slice() {
            [field @ (_, Role::MaybeCode)] => Some(field),
            _ => None,
        };
        let Some((code, _)) = sure.or(alone) else { continue };
        if fields.iter().any(|(_, role)| matches!(role, Role::Password | Role::NewPassword)) {
            continue;
        }
        if is_sent_by_message(form, *code, || *page_says_message) || sets_up(form) {
            is_beyond_us = true;
            continue;
        }
        return Some(Found::OneTimeCode(LoginForm {
            form: *index,
            identifier: None,
            password: None,
            code: Some(*code),
            submit: None,
        }));
    }
    is_beyond_us.then_some(Found::MfaRequired)
}

/// What an application that makes codes is called.
const APP: [&str; 5] =
    ["authenticator", "totp", "authenticationapp", "onetimepasswordapp", "tokengenerator"];

/// Whether a page has the code from an application, though it may offer to send one instead.
fn speaks_of_app(text: &str) -> bool {
    contains_any(text, &APP) && !contains_any(text, &["wesent", "wevesent", "wehavesent"])
}

/// Whether the code would prove a secret that is shown here for the first time, and that the
/// configuration cannot know.
fn sets_up(form: &Form) -> bool {
    let is_secret = |control: &Control| has_word(&control.names(), &["secret"]);
    form.controls.iter().any(|control| control.kind == Kind::Hidden && is_secret(control))
}

/// Whether the code comes to a telephone or mailbox, and not from a clock.
fn is_sent_by_message(form: &Form, code: usize, page_says_message: impl FnOnce() -> bool) -> bool {
    let names: String = form
        .controls
        .get(code)
        .map(Control::names)
        .into_iter()
        .chain(["id", "name", "class"].map(|name| form.attributes.text(name).to_owned()))
        .chain(form.action.as_ref().map(|url| url.path().to_owned()))
        .collect::<Vec<_>>()
        .join(" ");
    let wording = form.controls.get(code).map(Control::wording).unwrap_or_default();
    if contains_any(&names, &APP) || contains_any(&wording, &APP) {
        return false;
    }
    has_word(&names, &["sms", "phone", "mobile", "email", "mail", "voice"])
        || says_message(&wording)
        || page_says_message()
}

fn says_message(text: &str) -> bool {
    let parts = [
        "textmessage",
        "emailedyou",
        "sentanemail",
        "checkyouremail",
        "codehasbeensent",
        "codewassent",
        "codewesent",
        "sentacode",
        "sentyouacode",
    ];
    has_word(text, &["sms"]) || contains_any(text, &parts)
}

/// The likeliest form that asks for a name to begin with.
pub(super) fn identifier_form(forms: &Candidates<'_>, at_least: i32) -> Option<Found> {
    let mut best: Option<(i32, LoginForm)> = None;
    for (index, form) in forms {
        let fields = typed(form, Sight::Seen);
        let [(name, Role::Identifier(weight))] = fields.as_slice() else { continue };
        let purpose = Purpose::of(form);
        if purpose.is_aside(form) || purpose.is_registration() || purpose.is_recovery() {
            continue;
        }
        let score = purpose.identifier_first(form, *weight);
        if score >= at_least && best.as_ref().is_none_or(|(of_best, _)| score > *of_best) {
            let login = LoginForm {
                form: *index,
                identifier: Some(*name),
                password: None,
                code: None,
                submit: None,
            };
            best = Some((score, login));
        }
    }
    best.map(|(_, login)| Found::Login(login))
}
