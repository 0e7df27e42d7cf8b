//! From bytes to a [`Page`].
//!
//! The tokenizer is that of the standard; of tree construction only what decides which form
//! owns a control, and what is there at all.
//!
//! Scripting is disabled, in the standard's sense: the exporter runs no scripts. So the content
//! of `<noscript>` is ordinary content (WHATWG HTML §13.2.6.4.7), and a button that stands there
//! for people without scripts can be pushed.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use html5gum::{
    DefaultEmitter, Emitter, EndTag, ForwardingEmitter, StartTag, State, Token, Tokenizer,
};
use url::Url;

use super::elements::{
    bounds_scope, breaks_out_of_foreign_content, closes_paragraph, is_special, is_table_context,
    is_void, known,
};
use super::open::{OpenElements, Surroundings};
use super::refresh::parse_refresh;
use super::words::{contains_any, words};
use super::{Attributes, Choice, Control, Enctype, Form, Kind, Method, Page, Refresh, Scripts};

/// The largest page that is read.
pub const MAX_BYTES: usize = 4 << 20;
/// The most forms on a page.
pub const MAX_FORMS: usize = 256;
/// The most controls on a page, in and out of forms.
pub const MAX_CONTROLS: usize = 4096;
/// The most options on a page, in all its lists.
pub const MAX_OPTIONS: usize = 16_384;
/// How much is kept of a label or title, in bytes.
const MAX_LABEL: usize = 256;
/// How much is kept of the text, in bytes.
const MAX_TEXT: usize = 4096;

/// A page beyond what any login needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageTooLarge {
    /// More than [`MAX_BYTES`].
    #[error("the page has more than {MAX_BYTES} bytes")]
    Bytes,
    /// More than [`MAX_FORMS`].
    #[error("the page has more than {MAX_FORMS} forms")]
    Forms,
    /// More than [`MAX_CONTROLS`].
    #[error("the page has more than {MAX_CONTROLS} form controls")]
    Controls,
    /// More than [`MAX_OPTIONS`].
    #[error("the page has more than {MAX_OPTIONS} options")]
    Options,
}

/// Reads a page that came from a URL. Its bytes are taken for UTF-8; what is not is replaced.
///
/// # Errors
/// When it is larger than the limits of this module. It is read in one pass, and stops there.
pub fn parse(html: &[u8], url: &Url) -> Result<Page, PageTooLarge> {
    if html.len() > MAX_BYTES {
        return Err(PageTooLarge::Bytes);
    }
    let in_foreign_content = Rc::new(Cell::new(false));
    let emitter = TagEmitter {
        inner: DefaultEmitter::default(),
        in_foreign_content: Rc::clone(&in_foreign_content),
    };
    let mut tokens = Tokenizer::new_with_emitter(html, emitter);
    let mut reader = Reader::new(url);
    while let Some(Ok(token)) = tokens.next() {
        match token {
            Token::StartTag(tag) => {
                if let Some(state) = reader.start(&tag)? {
                    tokens.set_state(state);
                }
            }
            Token::EndTag(tag) => reader.end(&tag),
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
        in_foreign_content.set(reader.in_foreign_content());
    }
    Ok(reader.finish())
}

/// The default tokens without the errors, and with `<![CDATA[` where the standard has it.
struct TagEmitter {
    inner: DefaultEmitter,
    in_foreign_content: Rc<Cell<bool>>,
}

impl ForwardingEmitter for TagEmitter {
    type Token = Token;

    fn inner(&mut self) -> &mut impl Emitter<Token = Self::Token> {
        &mut self.inner
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.in_foreign_content.get()
    }
}

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

struct Reader {
    url: Url,
    base: Option<Url>,
    open: OpenElements,
    /// The form element pointer (§13.2.4.4).
    form_pointer: Option<usize>,
    raw: Option<RawText>,
    in_noscript: bool,
    forms: Vec<Form>,
    /// Whether a form wrote an action, and which.
    actions: Vec<String>,
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

impl Reader {
    fn new(url: &Url) -> Self {
        Self {
            url: url.clone(),
            base: None,
            open: OpenElements::default(),
            form_pointer: None,
            raw: None,
            in_noscript: false,
            forms: Vec::new(),
            actions: Vec::new(),
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

    fn in_foreign_content(&self) -> bool {
        matches!(self.open.top(), "svg" | "math")
    }

    // Start tags

    fn start(&mut self, tag: &StartTag<()>) -> Result<Option<State>, PageTooLarge> {
        let name = String::from_utf8_lossy(&tag.name);
        let attributes = Attributes::of(tag);
        self.container = None;
        if self.in_foreign_content() {
            let font_breaks =
                name == "font" && ["color", "face", "size"].iter().any(|name| attributes.has(name));
            if !font_breaks && !breaks_out_of_foreign_content(&name) {
                self.start_foreign(&name, &attributes, tag.self_closing);
                return Ok(None);
            }
            while self.in_foreign_content() {
                self.open.pop();
            }
        }
        self.close_implied(&name);
        let inside = self.surroundings(&attributes);
        if !inside.inert {
            self.note_signs(&name, &attributes, inside);
        }
        let before = (self.forms.len(), self.drafts.len());
        let state = self.start_html(&name, attributes, inside, tag.self_closing)?;
        // The ID of a form or control leads to it; that of another element leads nowhere. A form
        // in a form is no element at all.
        let exists = name != "form" || self.forms.len() > before.0;
        if exists
            && !inside.inert
            && let Some(id) = tag.attributes.get(b"id".as_slice())
        {
            let identified = match (self.forms.len(), self.drafts.len()) {
                (forms, _) if forms > before.0 => Identified::Form(before.0),
                (_, drafts) if drafts > before.1 => Identified::Control(before.1),
                _ => Identified::Other,
            };
            self.ids.entry(String::from_utf8_lossy(id).into_owned()).or_insert(identified);
        }
        Ok(state)
    }

    /// What an element with these attributes hands down.
    fn surroundings(&self, attributes: &Attributes) -> Surroundings {
        let mut inside = self.open.surroundings();
        inside.concealed |= attributes.conceal();
        inside
    }

    /// The end tags that a start tag implies.
    fn close_implied(&mut self, name: &str) {
        if closes_paragraph(name) {
            self.open.close_paragraph();
        }
        match name {
            "button" => self.open.close_in_scope("button"),
            "input" | "textarea" | "select" if self.select.is_some() => self.end_select(),
            "option" | "hr" if self.select.is_some() => self.end_option(),
            "optgroup" if self.select.is_some() => {
                self.end_option();
                self.open.close_ordinary("optgroup");
            }
            "li" => {
                let stops =
                    |name: &str| is_special(name) && !matches!(name, "address" | "div" | "p");
                self.open.close(&["li"], stops);
            }
            "td" | "th" => {
                self.open.close(&["td", "th"], |name| matches!(name, "table" | "template"));
            }
            "tr" | "tbody" | "thead" | "tfoot" => {
                let stops = |name: &str| matches!(name, "table" | "template");
                self.open.close(&["tr"], stops);
                if name != "tr" {
                    self.open.close(&["tbody", "thead", "tfoot"], stops);
                }
            }
            _ => {}
        }
    }

    /// Everything but the elements themselves: signs of scripts, captchas, second factors.
    fn note_signs(&mut self, name: &str, attributes: &Attributes, inside: Surroundings) {
        let hints = ["id", "class"].map(|name| attributes.text(name));
        let loaded = match name {
            "script" | "iframe" | "img" => attributes.text("src"),
            _ => "",
        };
        if attributes.has("data-sitekey")
            || hints
                .iter()
                .chain([&loaded])
                .any(|text| contains_any(text, &["captcha", "turnstile"]))
        {
            match self.form_pointer.or(inside.form).and_then(|form| self.forms.get_mut(form)) {
                // A script in a form is no widget; that it is loaded says only that there may be one.
                Some(form) if name != "script" => form.has_captcha = true,
                _ => self.has_captcha = true,
            }
        }
        if hints.iter().chain([&loaded]).any(|text| words(text).any(|w| is_second_factor(&w))) {
            self.hints_at_second_factor = true;
        }
        let onload = attributes.text("onload");
        if !onload.is_empty() {
            self.scripts.present = true;
            self.scripts.submit |= contains_any(onload, &["submit", "click"]);
        }
        if matches!(name, "div" | "main" | "section") || name.contains('-') {
            self.container = Some(name.to_owned());
        }
    }

    fn start_foreign(&mut self, name: &str, attributes: &Attributes, self_closing: bool) {
        let holds = matches!(name, "svg" | "math" | "foreignobject" | "desc" | "title");
        if name == "script" {
            self.scripts.present = true;
        }
        if holds
            && !self_closing
            && let Some(name) = known(name)
        {
            let inside = self.surroundings(attributes);
            self.open.push(name, inside);
        }
    }

    fn start_html(
        &mut self,
        name: &str,
        attributes: Attributes,
        mut inside: Surroundings,
        self_closing: bool,
    ) -> Result<Option<State>, PageTooLarge> {
        match name {
            "input" | "textarea" | "select" | "button" => {
                return self.start_control(name, attributes, inside);
            }
            "title" | "script" | "style" | "xmp" | "iframe" | "noembed" | "noframes"
            | "plaintext" => return Ok(Some(self.start_raw_text(name, &attributes, inside))),
            "form" => {
                if self.form_pointer.is_none() && !inside.inert {
                    self.start_form(attributes, inside)?;
                }
                return Ok(None);
            }
            "option" => {
                self.start_option(&attributes, inside)?;
            }
            "optgroup" => inside.disabled = attributes.has("disabled"),
            "label" if !inside.inert => {
                let labels = attributes.value("for").map(str::to_owned);
                inside.label = Some(self.labels.len());
                self.labels.push(Label { text: String::new(), labels });
            }
            "fieldset" if attributes.has("disabled") => {
                let legend = inside;
                inside.disabled = true;
                self.open.push_with_legend("fieldset", inside, Some(legend));
                return Ok(None);
            }
            "legend" if self.open.top() == "fieldset" => {
                inside = self.open.take_legend().unwrap_or(inside);
            }
            "datalist" => inside.in_datalist = true,
            "template" => inside.inert = true,
            "noscript" => self.in_noscript = true,
            "svg" | "math" if self_closing => return Ok(None),
            "base" if !inside.inert => self.start_base(&attributes),
            "meta" if !inside.inert => self.start_meta(&attributes),
            "img" => self.append_label(attributes.text("alt"), inside),
            _ => {}
        }
        if !is_void(name)
            && let Some(name) = known(name)
        {
            self.open.push(name, inside);
        }
        Ok(None)
    }

    fn start_base(&mut self, attributes: &Attributes) {
        if let (None, Some(href)) = (&self.base, attributes.value("href")) {
            let base = self.url.join(href).ok();
            let fits = |url: &Url| !matches!(url.scheme(), "data" | "javascript");
            self.base = Some(base.filter(fits).unwrap_or_else(|| self.url.clone()));
        }
    }

    fn start_meta(&mut self, attributes: &Attributes) {
        if self.refresh.is_none() && attributes.is("http-equiv", "refresh") {
            let base = self.base.as_ref().unwrap_or(&self.url);
            self.refresh = parse_refresh(attributes.text("content"), base)
                .map(|(delay, url)| Refresh { delay, url, in_noscript: self.in_noscript });
        }
    }

    fn start_form(
        &mut self,
        attributes: Attributes,
        mut inside: Surroundings,
    ) -> Result<(), PageTooLarge> {
        if self.forms.len() == MAX_FORMS {
            return Err(PageTooLarge::Forms);
        }
        let form = self.forms.len();
        self.actions.push(attributes.text("action").to_owned());
        self.forms.push(Form {
            action: None,
            method: Method::of(attributes.text("method")),
            enctype: Enctype::of(attributes.text("enctype")),
            controls: Vec::new(),
            has_captcha: false,
            concealed: inside.concealed,
            attributes,
        });
        self.form_pointer = Some(form);
        inside.form = Some(form);
        // Between the parts of a table a form holds nothing; the pointer alone makes it the owner.
        if !is_table_context(self.open.top()) {
            self.open.push("form", inside);
        }
        Ok(())
    }

    fn start_raw_text(
        &mut self,
        name: &str,
        attributes: &Attributes,
        inside: Surroundings,
    ) -> State {
        self.raw = Some(match name {
            "title" if self.title.is_none() && !inside.inert => RawText::Title,
            "script" if !inside.inert && is_executable(attributes) => {
                self.scripts.present = true;
                RawText::Script
            }
            _ => RawText::Ignored,
        });
        match name {
            "title" => State::RcData,
            "script" => State::ScriptData,
            "plaintext" => State::PlainText,
            _ => State::RawText,
        }
    }

    fn start_control(
        &mut self,
        name: &str,
        attributes: Attributes,
        mut inside: Surroundings,
    ) -> Result<Option<State>, PageTooLarge> {
        // What stands for the chosen option in a list is no button that could be pushed.
        let exists = !inside.inert && !(name == "button" && self.select.is_some());
        let index = self.drafts.len();
        if exists {
            let control = control(name, attributes, inside, self.in_noscript);
            self.add_control(control, inside)?;
        }
        match name {
            "textarea" => {
                self.raw = Some(if exists { RawText::Textarea(index) } else { RawText::Ignored });
                return Ok(Some(State::RcData));
            }
            "select" => {
                if exists {
                    self.select = Some(index);
                }
                self.open.push("select", inside);
            }
            "button" => {
                inside.button = exists.then_some(index);
                self.open.push("button", inside);
            }
            _ => {}
        }
        Ok(None)
    }

    fn add_control(
        &mut self,
        control: Option<Control>,
        inside: Surroundings,
    ) -> Result<(), PageTooLarge> {
        // A reset button sends nothing, and nobody looks for it.
        let Some(control) = control else { return Ok(()) };
        if self.drafts.len() == MAX_CONTROLS {
            return Err(PageTooLarge::Controls);
        }
        let owner = match control.attributes.value("form") {
            Some(id) => Owner::Named(id.to_owned()),
            None => Owner::Parser(self.form_pointer.or(inside.form)),
        };
        self.drafts.push(Draft { control, owner, in_label: inside.label });
        Ok(())
    }

    fn start_option(
        &mut self,
        attributes: &Attributes,
        inside: Surroundings,
    ) -> Result<(), PageTooLarge> {
        if self.select.is_none() || inside.inert {
            return Ok(());
        }
        if self.options == MAX_OPTIONS {
            return Err(PageTooLarge::Options);
        }
        self.options += 1;
        // Of a disabled fieldset the whole list is disabled; here that of a group counts.
        let group_disabled = self.open.top() == "optgroup" && inside.disabled;
        self.option = Some(OpenOption {
            value: attributes.value("value").map(str::to_owned),
            text: String::new(),
            selected: attributes.has("selected"),
            disabled: attributes.has("disabled") || group_disabled,
        });
        Ok(())
    }

    // End tags

    fn end(&mut self, tag: &EndTag<()>) {
        let name = String::from_utf8_lossy(&tag.name);
        let name = name.as_ref();
        let container = self.container.take();
        // The tokenizer leaves raw text at its own end tag only.
        if self.raw.take().is_some() {
            return;
        }
        self.scripts.empty_container |= container.is_some_and(|container| container == name);
        match name {
            "noscript" => self.in_noscript = false,
            "select" if self.select.is_some() => return self.end_select(),
            "option" if self.option.is_some() => return self.end_option(),
            // An end tag without an element makes an empty one; that changes nothing here.
            "form" if !self.open.surroundings().inert => {
                if let Some(form) = self.form_pointer.take() {
                    self.open.remove_form(form);
                }
                return;
            }
            _ => {}
        }
        let Some(name) = known(name) else { return };
        if self.open.end_deeper() {
            return;
        }
        let table = |name: &str| matches!(name, "table" | "template");
        match name {
            "template" => self.open.close(&["template"], |_| false),
            "table" => self.open.close(&["table"], |name| name == "template"),
            "caption" | "tbody" | "tfoot" | "thead" | "tr" | "td" | "th" => {
                self.open.close(&[name], table);
            }
            "p" => self.open.close_paragraph(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.open.close(&["h1", "h2", "h3", "h4", "h5", "h6"], bounds_scope);
            }
            name if is_special(name) => self.open.close_in_scope(name),
            name => self.open.close_ordinary(name),
        }
    }

    fn end_select(&mut self) {
        self.end_option();
        self.select = None;
        self.open.close(&["select"], |_| false);
    }

    fn end_option(&mut self) {
        let Some(option) = self.option.take() else { return };
        self.open.close(&["option"], |name| name == "select");
        let select = self.select.and_then(|select| self.drafts.get_mut(select));
        if let Some(select) = select {
            select.control.options.push(Choice {
                value: option.value.unwrap_or_else(|| collapsed(&option.text)),
                selected: option.selected,
                disabled: option.disabled,
            });
        }
    }

    // Text

    fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.container = None;
        }
        match self.raw {
            Some(RawText::Title) => {
                append(self.title.get_or_insert_default(), text, MAX_LABEL);
                return;
            }
            Some(RawText::Textarea(index)) => {
                if let Some(draft) = self.drafts.get_mut(index) {
                    // A newline right after the tag is there for the author's eyes.
                    let text = text.strip_prefix('\n').unwrap_or(text);
                    draft.control.value.push_str(text);
                }
                return;
            }
            Some(RawText::Script) => {
                self.scripts.submit |= [".submit(", ".requestSubmit(", ".click()"]
                    .iter()
                    .any(|call| text.contains(call));
                return;
            }
            Some(RawText::Ignored) => return,
            None => {}
        }
        let inside = self.open.surroundings();
        if inside.inert || matches!(self.open.top(), "svg" | "math" | "title" | "desc") {
            return;
        }
        if let Some(option) = &mut self.option {
            option.text.push_str(text);
        } else if self.select.is_none() {
            self.append_label(text, inside);
            let page = if self.in_noscript { &mut self.noscript_text } else { &mut self.text };
            append(page, text, MAX_TEXT);
        }
    }

    /// The text of the button or label here.
    fn append_label(&mut self, text: &str, inside: Surroundings) {
        if let Some(draft) = inside.button.and_then(|button| self.drafts.get_mut(button)) {
            append(&mut draft.control.label, text, MAX_LABEL);
        } else if let Some(label) = inside.label.and_then(|label| self.labels.get_mut(label)) {
            append(&mut label.text, text, MAX_LABEL);
        }
    }

    // The end

    fn finish(mut self) -> Page {
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
        for (form, action) in self.forms.iter_mut().zip(&self.actions) {
            form.action = resolve_action(action, &self.url, &base);
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
pub(super) fn resolve_action(action: &str, url: &Url, base: &Url) -> Option<Url> {
    if action.is_empty() { Some(url.clone()) } else { base.join(action).ok() }
}

fn control(
    name: &str,
    attributes: Attributes,
    inside: Surroundings,
    in_noscript: bool,
) -> Option<Control> {
    let kind = kind(name, &attributes)?;
    // Screen readers are told to pass over decoys by this, but never over what people need.
    let passed_over = kind.is_typed() && attributes.is("aria-hidden", "true");
    Some(Control {
        element: known(name).unwrap_or("input"),
        kind,
        name: attributes.text("name").to_owned(),
        value: sanitized(kind, attributes.text("value")),
        checked: attributes.has("checked"),
        disabled: attributes.has("disabled") || inside.disabled,
        required: attributes.has("required") || attributes.is("aria-required", "true"),
        readonly: attributes.has("readonly"),
        in_datalist: inside.in_datalist,
        in_noscript,
        concealed: inside.concealed || passed_over,
        label: String::new(),
        options: Vec::new(),
        attributes,
    })
}

/// `None` for a button that resets.
fn kind(name: &str, attributes: &Attributes) -> Option<Kind> {
    let kind = attributes.text("type").to_ascii_lowercase();
    Some(match (name, kind.as_str()) {
        ("select", _) => Kind::Select,
        ("textarea", _) => Kind::Textarea,
        ("input" | "button", "reset") => return None,
        ("input" | "button", "button") => Kind::Button,
        ("button", "submit") => Kind::Submit,
        ("button", _) if attributes.has("command") || attributes.has("commandfor") => Kind::Button,
        ("button", _) | ("input", "submit") => Kind::Submit,
        ("input", "hidden") => Kind::Hidden,
        ("input", "search") => Kind::Search,
        ("input", "tel") => Kind::Tel,
        ("input", "url") => Kind::Url,
        ("input", "email") => Kind::Email,
        ("input", "password") => Kind::Password,
        ("input", "number") => Kind::Number,
        ("input", "checkbox") => Kind::Checkbox,
        ("input", "radio") => Kind::Radio,
        ("input", "file") => Kind::File,
        ("input", "image") => Kind::Image,
        ("input", "date" | "month" | "week" | "time" | "datetime-local" | "range" | "color") => {
            Kind::OtherInput
        }
        _ => Kind::Text,
    })
}

/// The value sanitization algorithm of the kinds that one types into (§4.10.5.1).
pub(super) fn sanitized(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Text | Kind::Search | Kind::Tel | Kind::Password => value.replace(['\r', '\n'], ""),
        Kind::Url | Kind::Email => {
            value.replace(['\r', '\n'], "").trim_matches(|c: char| c.is_ascii_whitespace()).into()
        }
        Kind::Number if value.parse::<f64>().is_err() => String::new(),
        _ => value.to_owned(),
    }
}

/// What the controls of one form decide among themselves: one radio of a group, one option of
/// a list.
fn settle(controls: &mut [Control]) {
    let mut checked = HashMap::new();
    for (index, control) in controls.iter().enumerate() {
        if control.kind == Kind::Radio && control.checked && !control.name.is_empty() {
            checked.insert(control.name.clone(), index);
        }
    }
    for (index, control) in controls.iter_mut().enumerate() {
        if control.kind == Kind::Radio && checked.get(&control.name).is_some_and(|c| *c != index) {
            control.checked = false;
        }
        if control.kind == Kind::Select && !control.attributes.has("multiple") {
            select_one(control);
        }
    }
}

/// The selectedness setting algorithm (§4.10.7): the last of several, or the first of none in a
/// list that shows one line.
fn select_one(control: &mut Control) {
    let last = control.options.iter().rposition(|option| option.selected);
    let one_line = control.attributes.text("size").trim().parse::<u32>().unwrap_or(0) <= 1;
    let chosen = last.or_else(|| {
        control.options.iter().position(|option| !option.disabled).filter(|_| one_line)
    });
    for (index, option) in control.options.iter_mut().enumerate() {
        option.selected = Some(index) == chosen;
    }
}

/// Whether the content of a `<script>` runs (§4.12.1): data blocks do not.
fn is_executable(attributes: &Attributes) -> bool {
    let kind = attributes.text("type").trim().to_ascii_lowercase();
    kind.is_empty()
        || kind == "module"
        || kind.contains("javascript")
        || kind.contains("ecmascript")
}

/// Names that pages give to second factors which are not a code.
fn is_second_factor(word: &str) -> bool {
    matches!(
        word,
        "webauthn" | "passkey" | "fido" | "fido2" | "u2f" | "duo" | "mfa" | "2fa" | "tfa"
    )
}

/// Appends up to a limit.
fn append(to: &mut String, text: &str, limit: usize) {
    let mut end = limit.saturating_sub(to.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    to.push_str(text.get(..end).unwrap_or_default());
}

/// With single spaces between its words.
fn collapsed(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
