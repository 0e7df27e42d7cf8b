//! What on a page leads back to the client: a form that brings the answer.

use super::{Browser, Goal, Shown};
use crate::protocol::html::{Filling, Form, Found, Method, Page};
use crate::report::Failure;

impl<G: Goal> Browser<'_, '_, G> {
    /// The form of a page that is sent without a person: by a script, or one that holds the answer in
    /// its URL, where nothing else is to be done.
    pub(super) fn unattended_form(&self, shown: &Shown) -> Option<usize> {
        let holds_answer = |form: &Form| form.method == Method::Get && self.looks_like_answer(form);
        match &shown.found {
            Found::AutoPost { form } => Some(*form),
            Found::ScriptRequired | Found::LoginFormNotFound => {
                shown.page.forms.iter().position(holds_answer)
            }
            _ => None,
        }
    }

    /// The answer to the request, when a form brings it (form post response mode §2, SAML
    /// bindings §3.5). Of the method GET it leads on as a redirect does, and any means of a browser
    /// may do that (RFC 6749 §1.7).
    pub(super) fn back_by_form(
        &self,
        page: &Page,
        form: usize,
        filling: &Filling<'_>,
    ) -> Option<G::Answer> {
        let known = page.forms.get(form)?;
        if known.method == Method::Get {
            return self.goal.of_redirect(&page.submission(form, filling, "").ok()?.url);
        }
        with_entries(known, filling, |entries| self.goal.of_form(known, entries))
    }

    /// The answer to the request, where a form would bring it to somebody else, or in a way in which
    /// the client does not see it.
    pub(super) fn form_astray(&self, page: &Page, form: usize) -> Option<Failure> {
        let known = page.forms.get(form)?;
        let action = known.action.as_ref()?;
        let is_back = self.back_by_form(page, form, &Filling::new()).is_some();
        (!is_back && self.looks_like_answer(known)).then(|| self.astray(action))
    }

    fn looks_like_answer(&self, form: &Form) -> bool {
        with_entries(form, &Filling::new(), |entries| self.goal.is_form_astray(form, entries))
    }
}

fn with_entries<T>(
    form: &Form,
    filling: &Filling<'_>,
    read: impl FnOnce(&[(&str, &str)]) -> T,
) -> T {
    let entries = form.entries(filling);
    let pairs: Vec<(&str, &str)> =
        entries.iter().map(|entry| (&*entry.name, entry.value.as_str())).collect();
    read(&pairs)
}
