//! Tree construction, as far as forms and controls depend on it (WHATWG HTML §13.2.6).
//!
//! Compared with a browser over thousands of random heaps of tags it differs in one of a
//! thousand, in what is left out here: fields that a table moves out of itself keep their place
//! in the order; formatting elements are not built anew; an element of an unknown name that is
//! open at the end of its form holds no fields for it.

mod control;
mod elements;
mod end;
mod finish;
mod lists;
mod open;
mod signs;
mod start;
mod text;

pub(super) use control::sanitized;
pub(super) use finish::resolve_action;

use std::collections::HashMap;

use url::Url;

use super::{Control, Form, Refresh, Scripts};
use open::OpenElements;

/// Who owns a control.
enum Owner {
    /// The form that the parser was in, or that stands around it.
    Parser(Option<usize>),
    /// The form of this ID, wherever it is.
    Named(String),
}

struct Draft {
    control: Control,
    owner: Owner,
    in_label: Option<usize>,
}

struct Label {
    text: String,
    labels: Option<String>,
}

/// The first element of an ID.
#[derive(Clone, Copy)]
enum Identified {
    Form(usize),
    Control(usize),
    Other,
}

/// Where text goes while the tokenizer reads nothing but text.
#[derive(Clone, Copy)]
enum RawText {
    Title,
    Textarea(usize),
    Script,
    Ignored,
}

struct OpenOption {
    /// The value of its attribute; otherwise its text is the value.
    value: Option<String>,
    text: String,
    selected: bool,
    disabled: bool,
}

/// A page that is being read.
pub(super) struct Tree {
    url: Url,
    base: Option<Url>,
    open: OpenElements,
    /// The form element pointer (§13.2.4.4).
    form_pointer: Option<usize>,
    raw: Option<RawText>,
    in_noscript: bool,
    forms: Vec<Form>,
    drafts: Vec<Draft>,
    labels: Vec<Label>,
    ids: HashMap<String, Identified>,
    /// The `<select>` that is open.
    select: Option<usize>,
    option: Option<OpenOption>,
    options: usize,
    title: Option<String>,
    text: String,
    noscript_text: String,
    refresh: Option<Refresh>,
    scripts: Scripts,
    /// A container that has just begun, and holds nothing so far.
    container: Option<String>,
    has_captcha: bool,
    hints_at_second_factor: bool,
}

impl Tree {
    pub(super) fn new(url: &Url) -> Self {
        Self {
            url: url.clone(),
            base: None,
            open: OpenElements::default(),
            form_pointer: None,
            raw: None,
            in_noscript: false,
            forms: Vec::new(),
            drafts: Vec::new(),
            labels: Vec::new(),
            ids: HashMap::new(),
            select: None,
            option: None,
            options: 0,
            title: None,
            text: String::new(),
            noscript_text: String::new(),
            refresh: None,
            scripts: Scripts::default(),
            container: None,
            has_captcha: false,
            hints_at_second_factor: false,
        }
    }

    fn leave_foreign_content(&mut self) {
        while self.in_foreign_content() {
            self.open.pop();
        }
    }

    pub(super) fn in_foreign_content(&self) -> bool {
        matches!(self.open.top(), "svg" | "math")
    }
}
