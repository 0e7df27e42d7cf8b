//! Whether an answer asks for the same thing again, as servers answer a wrong password.

use super::{Control, Found, LoginForm, Page};

/// What a form asked for, kept until the answer is there. It holds no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Scheme, host and port that the form went to.
    origin: url::Origin,
    path: String,
    identifier: Option<String>,
    password: Option<String>,
    code: Option<String>,
}

impl Asked {
    /// What this form of the page asks for. `None` when it is not on the page.
    #[must_use]
    pub fn of(page: &Page, login: &LoginForm) -> Option<Self> {
        let form = page.forms.get(login.form)?;
        let submit = login.submit.and_then(|index| form.controls.get(index));
        let action = page.action_by(form, submit)?;
        let name = |index: Option<usize>| {
            index.and_then(|index| form.controls.get(index)).map(|c: &Control| c.name.clone())
        };
        Some(Self {
            origin: action.origin(),
            path: action.path().to_owned(),
            identifier: name(login.identifier),
            password: name(login.password),
            code: name(login.code),
        })
    }

    /// Whether the answer to this form asks for the same again: the same server wants the name,
    /// or code once more that it was given, under the same name, or at the same path where names
    /// change; or a password once more, whatever its name. A password that is asked for after a
    /// name is a step forward; a name that is asked for after a password is a step back, and so
    /// the same again.
    #[must_use]
    pub fn is_again(&self, answer: &Page, found: &Found) -> bool {
        let (Found::Login(login) | Found::OneTimeCode(login)) = found else { return false };
        let Some(now) = Self::of(answer, login) else { return false };
        if self.origin != now.origin {
            return false;
        }
        let same = |before: &Option<String>, now_asked: &Option<String>| match (before, now_asked) {
            (Some(before), Some(asked)) => before == asked || self.path == now.path,
            _ => false,
        };
        if self.code.is_some() && self.password.is_none() {
            return same(&self.code, &now.code) || now.password.is_some();
        }
        if self.password.is_some() {
            return now.password.is_some() || now.identifier.is_some();
        }
        now.password.is_none() && same(&self.identifier, &now.identifier)
    }
}
