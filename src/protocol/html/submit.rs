//! Filling in a form and sending it (WHATWG HTML §4.10.22).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;

use url::Url;

use super::encode::{multipart, text_plain, url_encoded};
use super::parse::MAX_BYTES;
use super::tree::{resolve_action, sanitized};
use super::{Control, Enctype, Form, Kind, Method, Page};

/// What a person would type, tick and push. Controls are named by their index in the form.
#[derive(Default)]
pub struct Filling<'a> {
    texts: Vec<(usize, &'a str)>,
    checked: BTreeSet<usize>,
    submitter: Option<usize>,
    holds_secret: bool,
}

impl<'a> Filling<'a> {
    /// As the page comes, and sent without a button.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Types a text, or chooses the option, box or radio of this value.
    #[must_use]
    pub fn text(mut self, control: usize, text: &'a str) -> Self {
        self.texts.push((control, text));
        self
    }

    /// Types a password or code: it may stand in a body, and never in a URL.
    #[must_use]
    pub fn secret(mut self, control: usize, text: &'a str) -> Self {
        self.holds_secret = true;
        self.text(control, text)
    }

    /// Ticks a box.
    #[must_use]
    pub fn check(mut self, control: usize) -> Self {
        self.checked.insert(control);
        self
    }

    /// Pushes a button: its name and value are sent, and it may say where and how.
    #[must_use]
    pub fn submitter(mut self, control: Option<usize>) -> Self {
        self.submitter = control;
        self
    }

    fn typed(&self, control: usize) -> Option<&'a str> {
        self.texts.iter().rev().find(|(index, _)| *index == control).map(|(_, text)| *text)
    }
}

/// What a form sends. Its URL may hold a query, its body secrets: neither is in its `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    /// GET or POST; never [`Method::Dialog`].
    pub method: Method,
    /// Where to, without a fragment.
    pub url: Url,
    /// The value of `Content-Type`, with a body.
    pub content_type: Option<String>,
    /// The controls, in a POST.
    pub body: Option<String>,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {:?}", self.method, self.url.path(), self.content_type)
    }
}

/// Why a form is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// There is no such form on the page.
    #[error("the page has no such form")]
    NoForm,
    /// The action is no URL.
    #[error("the form's action is no valid URL")]
    InvalidAction,
    /// The action is for scripts, mail or files.
    #[error("the form's action is a {0}: URL, where http or https is needed")]
    Scheme(String),
    /// The form closes a dialog.
    #[error("the form has the method dialog, which sends nothing")]
    Dialog,
    /// The form would put a password into a URL, where logs and histories keep it.
    #[error("the form has the method GET, which would put the password into the URL")]
    SecretInUrl,
    /// More than a page of [`MAX_BYTES`] would have, as when many options repeat a long name.
    #[error("the form would send more than {MAX_BYTES} bytes")]
    TooLarge,
    /// The boundary is in what it should part.
    #[error("the boundary of the multipart body is also in a value")]
    Boundary,
}

/// An entry of the form data set.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The control's name. Of a list, each chosen option has the same.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: String,
    /// A file control, which holds no file here.
    pub is_file: bool,
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

impl Form {
    /// The form data set (§4.10.22.4): the controls that are sent, in their order.
    #[must_use]
    pub fn entries(&self, filling: &Filling<'_>) -> Vec<Entry<'_>> {
        let ticked = filling.checked.iter().filter_map(|index| self.controls.get(*index));
        let ticked_radios: HashSet<&str> = ticked
            .filter(|control| control.kind == Kind::Radio)
            .map(|control| control.name.as_str())
            .collect();
        let mut entries = Vec::new();
        for (index, control) in self.controls.iter().enumerate() {
            let is_submitter = filling.submitter == Some(index);
            let is_button = control.kind.submits() || control.kind == Kind::Button;
            if control.disabled || control.in_datalist || (is_button && !is_submitter) {
                continue;
            }
            let is_freed =
                control.kind == Kind::Radio && ticked_radios.contains(control.name.as_str());
            append_entries(control, index, is_freed, filling, &mut entries);
        }
        entries
    }
}

/// What a control adds to the set. A radio is freed when another one of its name is ticked.
fn append_entries<'a>(
    control: &'a Control,
    index: usize,
    is_freed: bool,
    filling: &Filling<'_>,
    entries: &mut Vec<Entry<'a>>,
) {
    let name = control.name.as_str();
    let mut add = |name: Cow<'a, str>, value: String| {
        entries.push(Entry { name, value, is_file: control.kind == Kind::File });
    };
    if control.kind == Kind::Image {
        // Pushed at its corner.
        let dot = if name.is_empty() { "" } else { "." };
        add(format!("{name}{dot}x").into(), "0".into());
        add(format!("{name}{dot}y").into(), "0".into());
        return;
    }
    if name.is_empty() {
        return;
    }
    match control.kind {
        Kind::Checkbox | Kind::Radio => {
            if is_checked(control, index, is_freed, filling) {
                let value = control.attributes.value("value").unwrap_or("on");
                add(name.into(), value.to_owned());
            }
        }
        Kind::Select => {
            let typed = filling.typed(index);
            // The first option of a value that was chosen; otherwise those of the page.
            let typed = typed
                .and_then(|value| control.options.iter().position(|option| option.value == value));
            for (at, option) in control.options.iter().enumerate() {
                let chosen = typed.map_or(option.selected, |typed| typed == at);
                if chosen && !option.disabled {
                    add(name.into(), option.value.clone());
                }
            }
        }
        Kind::File => add(name.into(), String::new()),
        Kind::Hidden if name.eq_ignore_ascii_case("_charset_") => add(name.into(), "UTF-8".into()),
        kind => {
            let value = filling.typed(index).map(|typed| sanitized(kind, typed));
            add(name.into(), value.unwrap_or_else(|| control.value.clone()));
        }
    }
}

/// As the page comes, or as a value was typed for it, or ticked. To tick a radio frees the others
/// of its group.
fn is_checked(control: &Control, index: usize, is_freed: bool, filling: &Filling<'_>) -> bool {
    if filling.checked.contains(&index) {
        return true;
    }
    if let Some(typed) = filling.typed(index) {
        return typed == control.attributes.value("value").unwrap_or("on");
    }
    control.checked && !is_freed
}

impl Page {
    /// The request that a form makes. A fragment of the action stays here, as in a browser.
    /// `boundary` parts a multipart body; it must be unguessable where values come from others.
    ///
    /// # Errors
    /// When the form sends nothing, or would send a secret where it must not be.
    pub fn submission(
        &self,
        form: usize,
        filling: &Filling<'_>,
        boundary: &str,
    ) -> Result<Submission, SubmitError> {
        let form = self.forms.get(form).ok_or(SubmitError::NoForm)?;
        let submitter = filling.submitter.and_then(|index| form.controls.get(index));
        let method = form.method_by(submitter);
        let mut url = self.action_by(form, submitter).ok_or(SubmitError::InvalidAction)?;
        if method == Method::Dialog {
            return Err(SubmitError::Dialog);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SubmitError::Scheme(url.scheme().to_owned()));
        }
        url.set_fragment(None);
        let entries = form.entries(filling);
        if entries.iter().map(|entry| entry.name.len() + entry.value.len()).sum::<usize>()
            > MAX_BYTES
        {
            return Err(SubmitError::TooLarge);
        }
        if method == Method::Get {
            if filling.holds_secret {
                return Err(SubmitError::SecretInUrl);
            }
            url.set_query(Some(&url_encoded(&entries)));
            return Ok(Submission { method, url, content_type: None, body: None });
        }
        let (content_type, body) = match form.enctype_by(submitter) {
            Enctype::UrlEncoded => {
                ("application/x-www-form-urlencoded".to_owned(), url_encoded(&entries))
            }
            Enctype::Multipart => (
                format!("multipart/form-data; boundary={boundary}"),
                multipart(&entries, boundary).ok_or(SubmitError::Boundary)?,
            ),
            Enctype::Text => ("text/plain".to_owned(), text_plain(&entries)),
        };
        Ok(Submission { method, url, content_type: Some(content_type), body: Some(body) })
    }

    /// Where a form goes when this control sends it.
    #[must_use]
    pub fn action_by(&self, form: &Form, submitter: Option<&Control>) -> Option<Url> {
        match submitter.and_then(|control| control.attributes.value("formaction")) {
            Some(action) => resolve_action(action, &self.url, &self.base),
            None => form.action.clone(),
        }
    }
}

impl Form {
    /// How the form is sent when this control sends it.
    #[must_use]
    pub fn method_by(&self, submitter: Option<&Control>) -> Method {
        submitter
            .and_then(|control| control.attributes.value("formmethod"))
            .map_or(self.method, Method::of)
    }

    fn enctype_by(&self, submitter: Option<&Control>) -> Enctype {
        submitter
            .and_then(|control| control.attributes.value("formenctype"))
            .map_or(self.enctype, Enctype::of)
    }
}
