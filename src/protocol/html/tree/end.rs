//! End tags.

use html5gum::EndTag;

use super::Tree;
use super::elements::{bounds_scope, is_special, known};

impl Tree {
    /// An end tag.
    pub(in crate::protocol::html) fn end(&mut self, tag: &EndTag<()>) {
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
        if matches!(name, "p" | "br") {
            self.leave_foreign_content();
        }
        let Some(name) = known(name) else { return };
        if self.open.end_deeper() {
            return;
        }
        let table = |name: &str| matches!(name, "table" | "template");
        match name {
            "table" | "caption" | "tbody" | "tfoot" | "thead" | "tr" | "td" | "th"
                if self.select.is_some() =>
            {
                self.end_select();
                self.end(tag);
            }
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
}
