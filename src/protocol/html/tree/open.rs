//! The stack of open elements (WHATWG HTML §13.2.4.2), reduced to what decides where a control
//! belongs. Nothing is moved about as the adoption agency does: it changes no form owner.

use super::elements::{bounds_scope, is_special};

/// As deep as browsers nest. What is deeper is counted and stands beside its parent.
const MAX_DEPTH: usize = 512;

/// What an element hands down to those in it.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Surroundings {
    /// The nearest form around it.
    pub(super) form: Option<usize>,
    /// The nearest label around it.
    pub(super) label: Option<usize>,
    /// The button around it, as the index of a control.
    pub(super) button: Option<usize>,
    /// In a `<template>`: there, but not in the document.
    pub(super) inert: bool,
    /// In a `<fieldset disabled>`.
    pub(super) disabled: bool,
    /// In an `<optgroup disabled>`, which disables options only.
    pub(super) in_disabled_group: bool,
    pub(super) concealed: bool,
    pub(super) in_datalist: bool,
}

#[derive(Debug)]
struct Open {
    name: &'static str,
    is_special: bool,
    bounds_scope: bool,
    inside: Surroundings,
    /// Of a fieldset: what its first legend hands down, once.
    legend: Option<Surroundings>,
}

#[derive(Debug, Default)]
pub(super) struct OpenElements {
    open: Vec<Open>,
    /// Elements deeper than `MAX_DEPTH`.
    deeper: usize,
    /// Open `<p>`, since each block that begins asks for one.
    paragraphs: usize,
}

impl OpenElements {
    /// What holds at the current place.
    pub(super) fn surroundings(&self) -> Surroundings {
        self.open.last().map(|open| open.inside).unwrap_or_default()
    }

    pub(super) fn top(&self) -> &'static str {
        self.open.last().map_or("", |open| open.name)
    }

    pub(super) fn push(&mut self, name: &'static str, inside: Surroundings) {
        self.push_with_legend(name, inside, None);
    }

    /// A fieldset hands down something else to its first legend.
    pub(super) fn push_with_legend(
        &mut self,
        name: &'static str,
        inside: Surroundings,
        legend: Option<Surroundings>,
    ) {
        if self.open.len() < MAX_DEPTH {
            self.paragraphs += usize::from(name == "p");
            self.open.push(Open {
                name,
                is_special: is_special(name),
                bounds_scope: bounds_scope(name),
                inside,
                legend,
            });
        } else {
            self.deeper += 1;
        }
    }

    /// What the first legend of the fieldset here hands down.
    pub(super) fn take_legend(&mut self) -> Option<Surroundings> {
        self.open.last_mut().and_then(|open| open.legend.take())
    }

    pub(super) fn pop(&mut self) {
        if !self.end_deeper() {
            self.cut(self.open.len().saturating_sub(1));
        }
    }

    fn cut(&mut self, at: usize) {
        let ended = self.open.iter().skip(at).filter(|open| open.name == "p").count();
        self.paragraphs -= ended;
        self.open.truncate(at);
    }

    /// An end tag below the greatest depth ends what is only counted there. It may have been
    /// meant for another element, at a depth where nobody writes a form.
    pub(super) fn end_deeper(&mut self) -> bool {
        let is_deeper = self.deeper > 0;
        self.deeper = self.deeper.saturating_sub(1);
        is_deeper
    }

    /// Ends the nearest element that is one of these, and all in it, unless one that `stops`
    /// comes before it.
    pub(super) fn close(&mut self, names: &[&str], stops: impl Fn(&str) -> bool) {
        self.close_unless(|open| names.contains(&open.name), |open| stops(open.name));
    }

    /// `</div>` and the like: looks as far as the scope reaches.
    pub(super) fn close_in_scope(&mut self, name: &str) {
        self.close_unless(|open| open.name == name, |open| open.bounds_scope);
    }

    /// `</span>` and the like: looks as far as the next special element.
    pub(super) fn close_ordinary(&mut self, name: &str) {
        self.close_unless(|open| open.name == name, |open| open.is_special);
    }

    /// A paragraph also ends at a button.
    pub(super) fn close_paragraph(&mut self) {
        if self.paragraphs > 0 {
            self.close_unless(
                |open| open.name == "p",
                |open| open.bounds_scope || open.name == "button",
            );
        }
    }

    fn close_unless(&mut self, is_meant: impl Fn(&Open) -> bool, stops: impl Fn(&Open) -> bool) {
        if self.deeper > 0 {
            return;
        }
        let nearest = self.open.iter().rposition(|open| is_meant(open) || stops(open));
        let Some(at) = nearest else { return };
        if self.open.get(at).is_some_and(is_meant) {
            self.cut(at);
        }
    }

    /// Whether a list is open here, and no template or table in it.
    pub(super) fn is_in_select(&self) -> bool {
        let nearest = self.open.iter().rev().find(|open| open.bounds_scope);
        nearest.is_some_and(|open| open.name == "select")
    }

    /// Ends all in the nearest element that is one of these. Whether there is one.
    pub(super) fn cut_to(&mut self, names: &[&str]) -> bool {
        let nearest = self.open.iter().rposition(|open| names.contains(&open.name));
        if let Some(at) = nearest.filter(|_| self.deeper == 0) {
            self.cut(at + 1);
        }
        nearest.is_some()
    }

    /// `</form>`: takes the form out, unless it is out of reach, and leaves open what stands in
    /// it, which stays in the form though the parser has left it.
    pub(super) fn remove_form(&mut self, form: usize) {
        let is_meant = |open: &Open| open.name == "form" && open.inside.form == Some(form);
        let nearest = self.open.iter().rposition(|open| is_meant(open) || open.bounds_scope);
        let Some(at) = nearest.filter(|at| self.open.get(*at).is_some_and(is_meant)) else {
            return;
        };
        while self.deeper == 0
            && matches!(self.top(), "dd" | "dt" | "li" | "optgroup" | "option" | "p")
        {
            self.cut(self.open.len() - 1);
        }
        self.open.remove(at);
    }
}
