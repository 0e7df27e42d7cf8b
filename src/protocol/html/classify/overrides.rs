//! What the configuration says where detection is wrong.

use super::buttons::consent;
use super::fields::{Sight, identifier, required_code, typed};
use super::purpose::Role;
use super::verdict::why_not;
use super::{Candidates, Found, LoginForm};
use crate::protocol::html::{Form, Kind, Page, Target};

/// What the configuration says of pages that detection gets wrong. Each applies on the pages
/// where it matches something.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The form; others are not looked at, where it is on the page.
    pub form: Option<Target>,
    /// The field of the name.
    pub username: Option<Target>,
    /// The field of the password.
    pub password: Option<Target>,
    /// The field of the code.
    pub totp: Option<Target>,
    /// The button that sends name, password or code.
    pub submit: Option<Target>,
    /// The button that consents.
    pub accept: Option<Target>,
}

pub(super) fn candidates<'a>(page: &'a Page, overrides: &Overrides) -> Candidates<'a> {
    let all = || page.forms.iter().enumerate();
    let named: Candidates<'a> = overrides
        .form
        .as_ref()
        .map_or_else(Vec::new, |target| all().filter(|(_, form)| target.is_form(form)).collect());
    if named.is_empty() { all().collect() } else { named }
}

pub(super) fn overridden(
    page: &Page,
    forms: &Candidates<'_>,
    overrides: &Overrides,
) -> Option<Found> {
    let first = |target: &Option<Target>, form: &Form| {
        let found = target.as_ref()?.controls(form).into_iter();
        found.map(|index| (index, form.controls.get(index))).find_map(|(index, control)| {
            control.is_some_and(|control| control.kind != Kind::Hidden).then_some(index)
        })
    };
    for (index, form) in forms {
        let fields = typed(form, Sight::Seen);
        let named = (
            first(&overrides.username, form),
            first(&overrides.password, form),
            first(&overrides.totp, form),
        );
        let detected_password =
            || fields.iter().find(|(_, role)| *role == Role::Password).map(|(index, _)| *index);
        let login = |identifier, password, code| LoginForm {
            form: *index,
            identifier,
            password,
            code,
            submit: None,
        };
        match named {
            (None, None, None) => {}
            (None, None, code) => {
                // A code beside a password that is asked for, too, is what a login needs.
                let password = detected_password().filter(|password| Some(*password) != code);
                let name = identifier(&fields, password).map(|(index, _)| index);
                return Some(match password {
                    Some(_) => Found::Login(login(name, password, code)),
                    None => Found::OneTimeCode(login(None, None, code)),
                });
            }
            (name, password, code) => {
                let password = password.or_else(detected_password);
                let free = |index: &usize| Some(*index) != password && Some(*index) != code;
                let name = name
                    .or_else(|| identifier(&fields, password).map(|(index, _)| index).filter(free));
                let code = code.or_else(|| required_code(form, &fields));
                return Some(Found::Login(login(name, password, code)));
            }
        }
    }
    let accept = overrides.accept.as_ref()?;
    forms
        .iter()
        .any(|(_, form)| !accept.controls(form).is_empty())
        .then(|| consent(forms, Some(accept)).map_or_else(|| why_not(page), Found::Consent))
}
