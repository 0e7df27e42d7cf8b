//! What a page asks of a person who logs in.
//!
//! First what the configuration names; then detection: a form with a password, one for a code,
//! one for a name, one that a script would send by itself, one that asks for consent, a refresh.
//! When there is none of them, why not.

mod buttons;
mod fields;
mod logout;
mod overrides;
mod purpose;
mod unattended;
mod verdict;

pub use logout::{LogoutForm, logout_form};
pub use overrides::Overrides;
pub use unattended::soon_left_for;

use super::{Form, Page};
use buttons::consent;
use fields::{Sight, code_form, identifier_form, password_form};
use overrides::{candidates, overridden};
use purpose::Purpose;
use unattended::{Evidence, auto_post, refresh, second_factor};
use verdict::{possible, why_not, with_submit};

/// A form to fill in. Controls are indexes into [`Form::controls`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginForm {
    /// Index into [`Page::forms`].
    pub form: usize,
    /// Where the name goes.
    pub identifier: Option<usize>,
    /// Where the password goes.
    pub password: Option<usize>,
    /// Where the code goes. Beside a password only when the page requires it: a field that one
    /// may leave empty stays empty.
    pub code: Option<usize>,
    /// The button to push; without one the form is sent as `Enter` sends it.
    pub submit: Option<usize>,
}

/// A form that asks whether an application may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentForm {
    /// Index into [`Page::forms`].
    pub form: usize,
    /// The button that accepts; `None` when it cannot be told from the one that refuses.
    pub accept: Option<usize>,
    /// Boxes that are to be ticked: for what is granted, and without which a form is not sent.
    pub grants: Vec<usize>,
}

/// What a page asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A name, a password, or both: [`LoginForm`] says which.
    Login(LoginForm),
    /// The code of a second factor.
    OneTimeCode(LoginForm),
    /// Consent.
    Consent(ConsentForm),
    /// Nothing: a script would send this form (SAML POST binding, `response_mode=form_post`).
    /// It is sent without a button.
    AutoPost {
        /// Index into [`Page::forms`].
        form: usize,
    },
    /// Nothing: it leads to [`Page::refresh`].
    Refresh,
    /// What only a script could do.
    ScriptRequired,
    /// To tell people from programs.
    CaptchaRequired,
    /// A second factor that is no code of a clock.
    MfaRequired,
    /// Nothing that is known here.
    LoginFormNotFound,
}

/// What a page asks for.
#[must_use]
pub fn classify(page: &Page, overrides: &Overrides) -> Found {
    possible(page, with_submit(page, wanted(page, overrides), overrides))
}

/// Whether a page asks somebody to log in: for a password that is not new, or for a name in a form
/// that is there for a login. It may well be that only a script could send it, or a person.
#[must_use]
pub fn asks_to_log_in(page: &Page) -> bool {
    let Found::Login(login) = wanted(page, &Overrides::default()) else { return false };
    let is_for_login = |form: &Form| Purpose::of(form).is_login();
    login.password.is_some() || page.forms.get(login.form).is_some_and(is_for_login)
}

/// What a page asks for, whether or not that can be sent from here.
fn wanted(page: &Page, overrides: &Overrides) -> Found {
    let forms = candidates(page, overrides);
    overridden(page, &forms, overrides)
        .or_else(|| password_form(page, &forms, Sight::Seen))
        .or_else(|| code_form(page, &forms))
        .or_else(|| identifier_form(&forms, 30))
        .or_else(|| second_factor(page, &forms))
        .or_else(|| auto_post(&forms, Evidence::Form))
        .or_else(|| consent(&forms, overrides.accept.as_ref()).map(Found::Consent))
        .or_else(|| auto_post(&forms, Evidence::Script(page.scripts.submit)))
        .or_else(|| refresh(page))
        .or_else(|| identifier_form(&forms, 1))
        // A script would bring it into sight.
        .or_else(|| password_form(page, &forms, Sight::Concealed))
        .unwrap_or_else(|| why_not(page))
}

/// The forms that are looked at, with their indexes.
type Candidates<'a> = Vec<(usize, &'a Form)>;
