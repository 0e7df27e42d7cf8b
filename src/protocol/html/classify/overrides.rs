//! What the configuration says where detection is wrong.

use super::buttons::{Question, accepting};
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

/// The fields that the configuration names, in the form that has most of them.
struct Named<'a> {
    index: usize,
    form: &'a Form,
    username: Option<usize>,
    password: Option<usize>,
    totp: Option<usize>,
}

impl<'a> Named<'a> {
    fn of(index: usize, form: &'a Form, overrides: &Overrides) -> Self {
        let first = |target: &Option<Target>| {
            let controls = target.as_ref()?.controls(form);
            controls.into_iter().find(|control| {
                let control = form.controls.get(*control);
                control.is_some_and(|c| c.kind != Kind::Hidden && !c.disabled)
            })
        };
        Self {
            index,
            form,
            username: first(&overrides.username),
            password: first(&overrides.password),
            totp: first(&overrides.totp),
        }
    }

    fn count(&self) -> usize {
        [self.username, self.password, self.totp].iter().flatten().count()
    }

    /// What is not named is detected, in the same form.
    fn found(self) -> Found {
        let fields = typed(self.form, Sight::Seen);
        let is_free =
            |index: usize| ![self.username, self.password, self.totp].contains(&Some(index));
        let password = self.password.or_else(|| {
            let mut detected = fields.iter().filter(|(_, role)| *role == Role::Password);
            detected.find(|(index, _)| is_free(*index)).map(|(index, _)| *index)
        });
        let alone = self.username.is_none() && password.is_none();
        let identifier = self.username.or_else(|| {
            let detected = identifier(&fields, password).map(|(index, _)| index);
            detected.filter(|index| !alone && is_free(*index))
        });
        let login = LoginForm {
            form: self.index,
            identifier,
            password,
            code: self.totp.or_else(|| required_code(self.form, &fields)),
            submit: None,
        };
        if alone { Found::OneTimeCode(login) } else { Found::Login(login) }
    }
}

pub(super) fn overridden(
    page: &Page,
    forms: &Candidates<'_>,
    overrides: &Overrides,
) -> Option<Found> {
    let named = forms.iter().map(|(index, form)| Named::of(*index, form, overrides));
    // Of several with as many, the first.
    let most = named
        .filter(|named| named.count() > 0)
        .reduce(|best, named| if named.count() > best.count() { named } else { best });
    if let Some(named) = most {
        return Some(named.found());
    }
    let accept = overrides.accept.as_ref()?;
    let is_here = forms.iter().any(|(_, form)| !accept.controls(form).is_empty());
    is_here.then(|| {
        accepting(forms, Some(accept), Question::Consent)
            .map_or_else(|| why_not(page), Found::Consent)
    })
}
