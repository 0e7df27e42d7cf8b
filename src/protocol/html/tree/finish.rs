//! What can be said at the end of the page: owners by ID, labels, actions.

use std::collections::HashMap;

use url::Url;

use super::control::settle;
use super::text::{MAX_LABEL, append, collapsed};
use super::{Identified, Owner, Tree};
use crate::protocol::html::words::contains_any;
use crate::protocol::html::{Kind, Page, Scripts};

impl Tree {
    /// The page.
    pub(in crate::protocol::html) fn finish(mut self) -> Page {
        if self.select.is_some() {
            self.end_select();
        }
        self.attach_labels();
        let base = self.base.unwrap_or_else(|| self.url.clone());
        let mut strays = Vec::new();
        for draft in self.drafts {
            let owner = match draft.owner {
                Owner::Parser(form) => form,
                Owner::Named(id) => match self.ids.get(&id) {
                    Some(Identified::Form(form)) => Some(*form),
                    _ => None,
                },
            };
            match owner.and_then(|form| self.forms.get_mut(form)) {
                Some(form) => form.controls.push(draft.control),
                None => strays.push(draft.control),
            }
        }
        for form in &mut self.forms {
            form.action = resolve_action(form.attributes.text("action"), &self.url, &base);
            settle(&mut form.controls);
        }
        Page {
            title: self.title.as_deref().map(collapsed).unwrap_or_default(),
            text: collapsed(&self.text),
            scripts: Scripts {
                demanded: contains_any(&self.noscript_text, &["script"]),
                ..self.scripts
            },
            url: self.url,
            base,
            forms: self.forms,
            strays,
            refresh: self.refresh,
            has_captcha: self.has_captcha,
            hints_at_second_factor: self.hints_at_second_factor,
        }
    }

    fn attach_labels(&mut self) {
        // The first control in a label without `for` is the one that it labels.
        let mut first_in: HashMap<usize, usize> = HashMap::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            if let Some(label) = draft.in_label.filter(|_| draft.control.kind != Kind::Hidden) {
                first_in.entry(label).or_insert(index);
            }
        }
        for (index, label) in self.labels.iter().enumerate() {
            let control = match &label.labels {
                Some(id) => match self.ids.get(id) {
                    Some(Identified::Control(control)) => Some(*control),
                    _ => None,
                },
                None => first_in.get(&index).copied(),
            };
            if let Some(draft) = control.and_then(|control| self.drafts.get_mut(control)) {
                append(&mut draft.control.label, " ", MAX_LABEL);
                append(&mut draft.control.label, &label.text, MAX_LABEL);
            }
        }
        for draft in &mut self.drafts {
            draft.control.label = collapsed(&draft.control.label);
        }
    }
}

/// WHATWG HTML §4.10.22.3, step "action": empty is the page itself, whatever its base.
pub(in crate::protocol::html) fn resolve_action(
    action: &str,
    url: &Url,
    base: &Url,
) -> Option<Url> {
    if action.is_empty() { Some(url.clone()) } else { base.join(action).ok() }
}
