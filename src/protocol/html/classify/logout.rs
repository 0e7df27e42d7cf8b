//! The page that asks whether the session shall really end.

use super::buttons::{ACCEPT, REFUSE, said};
use crate::protocol::html::words::{contains_any, has_word, words};
use crate::protocol::html::{Control, Form, Method, Page};

/// What the end of a session is called, written together.
const LOGOUT: [&str; 9] = [
    "logout",
    "signout",
    "logoff",
    "signoff",
    "endsession",
    "abmelden",
    "déconnexion",
    "déconnecter",
    "cerrarsesión",
];

/// Words of buttons that leave the session as it is, beside those that refuse anything.
const STAY: [&str; 3] = ["stay", "keep", "return"];

/// A form that asks whether to log out. Controls are indexes into [`Form::controls`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutForm {
    /// Index into [`Page::forms`].
    pub form: usize,
    /// The button that ends the session; `None` when it cannot be told from the one that does
    /// not.
    pub confirm: Option<usize>,
}

/// The form of a page that asks whether to log out (OpenID Connect RP-Initiated Logout 1.0 §2).
#[must_use]
pub fn logout_form(page: &Page) -> Option<LogoutForm> {
    let forms = page.forms.iter().enumerate().filter(|(_, form)| asks(form));
    let mut forms =
        forms.map(|(index, form)| LogoutForm { form: index, confirm: confirming(form) });
    let first = forms.next()?;
    if first.confirm.is_some() {
        return Some(first);
    }
    forms.find(|form| form.confirm.is_some()).or(Some(first))
}

/// Whether a form is about logging out, and about nothing that one has to type.
fn asks(form: &Form) -> bool {
    let is_typed = |control: &Control| control.kind.is_typed() && control.is_open();
    let attributes = ["id", "name", "class"].map(|name| form.attributes.text(name)).join(" ");
    let path = form.action.as_ref().map_or("", |url| url.path());
    form.method == Method::Post
        && !form.controls.iter().any(|control| is_typed(control) && !control.concealed)
        && buttons(form).next().is_some()
        && (contains_any(&attributes, &LOGOUT)
            || contains_any(path, &LOGOUT)
            || buttons(form).any(|(_, button)| contains_any(&said(button), &LOGOUT)))
}

fn buttons(form: &Form) -> impl Iterator<Item = (usize, &Control)> {
    let controls = form.controls.iter().enumerate();
    controls
        .filter(|(_, control)| control.kind.submits() && !control.disabled && !control.concealed)
}

/// The button that names the logout; else one that accepts; else the only one that does not
/// leave all as it is.
fn confirming(form: &Form) -> Option<usize> {
    let leaving: Vec<(usize, String)> = buttons(form)
        .map(|(index, button)| (index, said(button)))
        .filter(|(_, text)| !stays(text))
        .collect();
    let by = |tells: &dyn Fn(&str) -> bool| leaving.iter().find(|(_, text)| tells(text));
    let named =
        by(&|text| contains_any(text, &LOGOUT)).or_else(|| by(&|text| has_word(text, &ACCEPT)));
    match (named, leaving.as_slice()) {
        (Some((index, _)), _) | (None, [(index, _)]) => Some(*index),
        _ => None,
    }
}

fn stays(text: &str) -> bool {
    // To log out refuses a consent, and nothing here.
    words(text).any(|word| {
        let word = word.as_str();
        STAY.contains(&word) || (word != "logout" && REFUSE.contains(&word))
    })
}
