//! Start tags.

use html5gum::{StartTag, State};

use super::control::control;
use super::elements::{
    breaks_out_of_foreign_content, closes_paragraph, is_special, is_table_context, is_void, known,
    table_context,
};
use super::open::Surroundings;
use super::signs::is_executable;
use super::{Draft, Identified, Label, Owner, RawText, Tree};
use crate::protocol::html::parse::{MAX_CONTROLS, MAX_FORMS, PageTooLarge};
use crate::protocol::html::{Attributes, Control, Enctype, Form, Method};

impl Tree {
    /// A start tag. `Some` when the tokenizer is to read text from here.
    pub(in crate::protocol::html) fn start(
        &mut self,
        tag: &StartTag<()>,
    ) -> Result<Option<State>, PageTooLarge> {
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
            self.leave_foreign_content();
        }
        if !self.close_implied(&name) {
            return Ok(None);
        }
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
    pub(super) fn surroundings(&self, attributes: &Attributes) -> Surroundings {
        let mut inside = self.open.surroundings();
        inside.concealed |= attributes.conceal();
        inside
    }

    /// The end tags that a start tag implies. Whether the element then begins.
    pub(super) fn close_implied(&mut self, name: &str) -> bool {
        // A form in a form is nothing, and ends nothing.
        let is_nothing = name == "form" && self.form_pointer.is_some();
        if closes_paragraph(name) && !is_nothing {
            self.open.close_paragraph();
        }
        match name {
            "button" => self.open.close_in_scope("button"),
            "input" | "textarea" if self.open.is_in_select() => self.end_select(),
            // A list in a list ends the one and does not begin.
            "select" if self.open.is_in_select() => {
                self.end_select();
                return false;
            }
            "option" | "hr" if self.select.is_some() => self.end_option(),
            // Parts of a table end what is open in it, and are nothing without a table.
            "caption" | "colgroup" | "col" | "tbody" | "tfoot" | "thead" | "tr" | "td" | "th" => {
                return self.open.cut_to(table_context(name));
            }
            "optgroup" if self.select.is_some() => {
                self.end_option();
                self.open.close_ordinary("optgroup");
            }
            "li" => {
                let stops =
                    |name: &str| is_special(name) && !matches!(name, "address" | "div" | "p");
                self.open.close(&["li"], stops);
            }
            _ => {}
        }
        true
    }

    pub(super) fn start_foreign(
        &mut self,
        name: &str,
        attributes: &Attributes,
        self_closing: bool,
    ) {
        // Of what holds HTML again, SVG has these; formulas hold none that a page would use.
        let in_svg = self.open.top() == "svg";
        let holds = matches!(name, "svg" | "math")
            || in_svg && matches!(name, "foreignobject" | "desc" | "title");
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

    pub(super) fn start_html(
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
            "optgroup" => inside.in_disabled_group = attributes.has("disabled"),
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
        // These two are elements of SVG; here they are unknown ones.
        if !is_void(name)
            && !matches!(name, "desc" | "foreignobject")
            && let Some(name) = known(name)
        {
            self.open.push(name, inside);
        }
        Ok(None)
    }

    pub(super) fn start_form(
        &mut self,
        attributes: Attributes,
        mut inside: Surroundings,
    ) -> Result<(), PageTooLarge> {
        if self.forms.len() == MAX_FORMS {
            return Err(PageTooLarge::Forms);
        }
        let form = self.forms.len();
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

    pub(super) fn start_raw_text(
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

    pub(super) fn start_control(
        &mut self,
        name: &str,
        attributes: Attributes,
        mut inside: Surroundings,
    ) -> Result<Option<State>, PageTooLarge> {
        let index = self.drafts.len();
        // What stands for the chosen option in a list is no button that could be pushed.
        let is_part_of_list = name == "button" && self.select.is_some();
        let exists = !inside.inert && !is_part_of_list && {
            let control = control(name, attributes, inside, self.in_noscript);
            self.add_control(control, inside)?
        };
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

    /// Whether there is one: a button that resets sends nothing, and is not kept.
    pub(super) fn add_control(
        &mut self,
        control: Option<Control>,
        inside: Surroundings,
    ) -> Result<bool, PageTooLarge> {
        let Some(control) = control else { return Ok(false) };
        if self.drafts.len() == MAX_CONTROLS {
            return Err(PageTooLarge::Controls);
        }
        let owner = match control.attributes.value("form") {
            Some(id) => Owner::Named(id.to_owned()),
            None => Owner::Parser(self.form_pointer.or(inside.form)),
        };
        self.drafts.push(Draft { control, owner, in_label: inside.label });
        Ok(true)
    }
}
