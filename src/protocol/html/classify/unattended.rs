//! Pages that go on by themselves, and those that wait for a device.

use super::purpose::Purpose;
use super::{Candidates, Found};
use crate::protocol::html::words::contains_any;
use crate::protocol::html::{Control, Form, Kind, Method, Page, Refresh};

/// A refresh that comes later than this, in seconds, is for people who went away.
const LONGEST_REFRESH: u64 = 20;

/// Forms whose fields a device or an application would fill, by way of a script.
pub(super) fn second_factor(page: &Page, forms: &Candidates<'_>) -> Option<Found> {
    let is_for_device = |control: &Control| {
        contains_any(
            &control.names(),
            &[
                "webauthn",
                "authenticatordata",
                "clientdatajson",
                "credentialid",
                "passkey",
                "u2f",
                "sigresponse",
            ],
        )
    };
    let found = forms.iter().any(|(_, form)| {
        form.controls.iter().any(is_for_device)
            || (page.hints_at_second_factor
                && !form.controls.is_empty()
                && form.controls.iter().all(|control| control.kind == Kind::Hidden))
    });
    found.then_some(Found::MfaRequired)
}

/// What makes a form one that sends itself.
#[derive(Clone, Copy)]
pub(super) enum Evidence {
    /// The names of its fields, or that its only button is for people without scripts.
    Form,
    /// Whether a script on the page sends forms.
    Script(bool),
}

pub(super) fn auto_post(forms: &Candidates<'_>, evidence: Evidence) -> Option<Found> {
    let sends_itself = |form: &Form| {
        let named = |name: &str| form.controls.iter().any(|control| control.name == name);
        let mut buttons = form.controls.iter().filter(|control| control.kind.submits()).peekable();
        match evidence {
            Evidence::Script(sends) => sends,
            Evidence::Form => {
                let for_scriptless = buttons.peek().is_some();
                ["SAMLResponse", "SAMLRequest", "wresult"].into_iter().any(named)
                    || (named("state")
                        && ["code", "id_token", "access_token", "error", "response"]
                            .into_iter()
                            .any(named))
                    || (named("response") && form.controls.len() <= 2)
                    || (for_scriptless && buttons.all(|button| button.in_noscript))
            }
        }
    };
    let only_hidden = |form: &Form| {
        let rest = |control: &Control| !(control.kind.submits() || control.kind == Kind::Button);
        form.controls.iter().any(|control| control.kind == Kind::Hidden && !control.name.is_empty())
            && form.controls.iter().filter(|control| rest(control)).all(|c| c.kind == Kind::Hidden)
    };
    forms
        .iter()
        .find(|(_, form)| {
            form.method == Method::Post
                && only_hidden(form)
                && !Purpose::of(form).is_aside(form)
                && sends_itself(form)
        })
        .map(|(form, _)| Found::AutoPost { form: *form })
}

/// Where a page leads by itself, after a moment and whatever is on it.
#[must_use]
pub fn soon_left_for(page: &Page) -> Option<&Refresh> {
    let refresh = page.refresh.as_ref()?;
    (refresh.delay <= LONGEST_REFRESH && refresh.url != page.url).then_some(refresh)
}

pub(super) fn refresh(page: &Page) -> Option<Found> {
    let refresh = soon_left_for(page)?;
    // The page that says so is no page to ask for.
    let target = format!("{} {}", refresh.url.path(), refresh.url.query().unwrap_or_default());
    let to_complaint = refresh.in_noscript
        && contains_any(&target, &["jsdisabled", "nojs", "nojavascript", "enablejs", "javascript"]);
    Some(if to_complaint { Found::ScriptRequired } else { Found::Refresh })
}
