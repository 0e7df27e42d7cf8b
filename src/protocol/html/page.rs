//! What a page holds, as far as a person without scripts could use it.

use std::fmt;

use url::Url;

use super::Attributes;

/// A page that was read.
#[derive(Debug)]
pub struct Page {
    /// Where it came from.
    pub url: Url,
    /// What relative URLs on it are relative to: `<base href>`, or its own URL.
    pub base: Url,
    /// The text of `<title>`.
    pub title: String,
    /// Its forms, in their order.
    pub forms: Vec<Form>,
    /// Controls that belong to no form, so that only a script could send them.
    pub strays: Vec<Control>,
    /// Where it leads by itself: `<meta http-equiv=refresh>`, or the header `Refresh` before it.
    pub refresh: Option<Refresh>,
    /// What only a script could do on it.
    pub scripts: Scripts,
    /// A widget outside of all forms that tells people from programs.
    pub has_captcha: bool,
    /// Something on it is for a second factor that is no code.
    pub hints_at_second_factor: bool,
    /// The begin of its visible text, white space collapsed.
    pub text: String,
}

/// Signs of scripts on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent signs")]
pub struct Scripts {
    /// There is one: an element, or a handler of `onload`.
    pub present: bool,
    /// One sends a form by itself: `submit()` stands in it.
    pub submit: bool,
    /// The text for people without scripts speaks of JavaScript.
    pub demanded: bool,
    /// There is an empty container, as a script fills it.
    pub empty_container: bool,
}

/// A declarative refresh (WHATWG HTML §4.2.5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// After so many seconds.
    pub delay: u64,
    /// Where it leads.
    pub url: Url,
    /// It stands in `<noscript>`.
    pub in_noscript: bool,
}

/// How a form is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Controls in the query.
    Get,
    /// Controls in the body.
    Post,
    /// Not at all: `method=dialog` closes a dialog.
    Dialog,
}

/// How the body of a form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enctype {
    /// `application/x-www-form-urlencoded`
    UrlEncoded,
    /// `multipart/form-data`
    Multipart,
    /// `text/plain`
    Text,
}

impl Method {
    pub(super) fn of(keyword: &str) -> Self {
        match keyword {
            k if k.eq_ignore_ascii_case("post") => Self::Post,
            k if k.eq_ignore_ascii_case("dialog") => Self::Dialog,
            _ => Self::Get,
        }
    }
}

impl Enctype {
    pub(super) fn of(keyword: &str) -> Self {
        match keyword {
            k if k.eq_ignore_ascii_case("multipart/form-data") => Self::Multipart,
            k if k.eq_ignore_ascii_case("text/plain") => Self::Text,
            _ => Self::UrlEncoded,
        }
    }
}

/// A form with the controls that it owns, in the order of the page, wherever they stand.
#[derive(Debug)]
pub struct Form {
    /// Where it goes when its submitter says nothing else; `None` when that is no URL.
    pub action: Option<Url>,
    /// How it is sent.
    pub method: Method,
    /// How its body is written.
    pub enctype: Enctype,
    /// What it owns.
    pub controls: Vec<Control>,
    /// A widget in it tells people from programs.
    pub has_captcha: bool,
    /// It is out of sight by its own attributes or by those of an element around it.
    pub concealed: bool,
    /// As written.
    pub attributes: Attributes,
}

/// What a control is (WHATWG HTML §4.10.5.1, §4.10.6 to §4.10.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `<input type=hidden>`
    Hidden,
    /// `<input>` without a type, or with an unknown one
    Text,
    /// `<input type=search>`
    Search,
    /// `<input type=tel>`
    Tel,
    /// `<input type=url>`
    Url,
    /// `<input type=email>`
    Email,
    /// `<input type=password>`
    Password,
    /// `<input type=number>`
    Number,
    /// `<input type=checkbox>`
    Checkbox,
    /// `<input type=radio>`
    Radio,
    /// `<input type=file>`
    File,
    /// Dates, colours, ranges: sent as they stand in the page.
    OtherInput,
    /// `<input type=submit>` or a `<button>` that submits
    Submit,
    /// `<input type=image>`
    Image,
    /// What is pushed and does not submit
    Button,
    /// `<select>`
    Select,
    /// `<textarea>`
    Textarea,
}

impl Kind {
    /// Whether one types into it.
    #[must_use]
    pub const fn is_typed(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Search
                | Self::Tel
                | Self::Url
                | Self::Email
                | Self::Password
                | Self::Number
                | Self::Textarea
        )
    }

    /// Whether pushing it sends the form.
    #[must_use]
    pub const fn submits(self) -> bool {
        matches!(self, Self::Submit | Self::Image)
    }
}

/// One control. Its value is not in its `Debug`: it may be a token or a code.
#[expect(clippy::struct_excessive_bools, reason = "the standard has them as such")]
pub struct Control {
    /// The element: `input`, `button`, `select` or `textarea`.
    pub element: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The name that it is sent under; empty when it is not sent.
    pub name: String,
    /// The value that the page gives it.
    pub value: String,
    /// `checked`, of boxes and radios.
    pub checked: bool,
    /// It is not sent: by its own attribute or that of a `<fieldset>`.
    pub disabled: bool,
    /// The page wants it filled in.
    pub required: bool,
    /// It cannot be changed, and is sent.
    pub readonly: bool,
    /// It stands in a `<datalist>`, and is not sent.
    pub in_datalist: bool,
    /// It is there for people without scripts only.
    pub in_noscript: bool,
    /// It is out of sight, by an attribute of its own or of an element around it.
    pub concealed: bool,
    /// The text of its labels, and of the button itself.
    pub label: String,
    /// The options of a `<select>`.
    pub options: Vec<Choice>,
    /// As written.
    pub attributes: Attributes,
}

/// An option of a `<select>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// Chosen when the page is new, by its attribute or as the first one.
    pub selected: bool,
    /// Cannot be chosen.
    pub disabled: bool,
}

impl Control {
    /// Whether one could change it. Some pages lift `readonly` with the focus, to keep
    /// password managers out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let lifted = self.attributes.text("onfocus").to_ascii_lowercase().contains("readonly");
        !self.disabled && !self.in_datalist && (!self.readonly || lifted)
    }

    /// What an `autocomplete` of these words says the control is for (WHATWG HTML §4.10.19.7).
    pub(super) fn autocompletes(&self, word: &str) -> bool {
        self.attributes.lists("autocomplete", word)
    }

    /// Its name and ID, in which programmers say what it is for.
    pub(super) fn names(&self) -> String {
        format!("{} {}", self.name, self.attributes.text("id"))
    }

    /// What people read of it.
    pub(super) fn wording(&self) -> String {
        let attributes =
            ["placeholder", "aria-label", "title"].map(|name| self.attributes.text(name));
        format!("{} {}", self.label, attributes.join(" "))
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.kind, self.name)
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attributes")
    }
}
