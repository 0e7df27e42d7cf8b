//! Where text goes.

use super::open::Surroundings;
use super::{RawText, Tree};

/// How much is kept of the title, in bytes: more than is ever shown, so that a secret in it is
/// whole when it is looked for.
const MAX_TITLE: usize = 128 * 1024;
/// How much is kept of a label, in bytes.
pub(super) const MAX_LABEL: usize = 256;
/// How much is kept of the text, in bytes.
const MAX_TEXT: usize = 4096;

impl Tree {
    /// Text, with its character references decoded.
    pub(in crate::protocol::html) fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.container = None;
        }
        match self.raw {
            Some(RawText::Title) => {
                append(self.title.get_or_insert_default(), text, MAX_TITLE);
                return;
            }
            Some(RawText::Textarea(index)) => {
                if let Some(draft) = self.drafts.get_mut(index) {
                    // A newline right after the tag is there for the author's eyes.
                    let is_first = draft.control.value.is_empty();
                    let text = text.strip_prefix('\n').filter(|_| is_first).unwrap_or(text);
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
            if self.in_noscript {
                append(&mut self.noscript_text, text, MAX_TEXT);
            } else if !inside.concealed {
                append(&mut self.text, text, MAX_TEXT);
            }
        }
    }

    /// The text of the button or label here.
    pub(super) fn append_label(&mut self, text: &str, inside: Surroundings) {
        if let Some(draft) = inside.button.and_then(|button| self.drafts.get_mut(button)) {
            append(&mut draft.control.label, text, MAX_LABEL);
        } else if let Some(label) = inside.label.and_then(|label| self.labels.get_mut(label)) {
            append(&mut label.text, text, MAX_LABEL);
        }
    }
}

/// Appends up to a limit.
pub(super) fn append(to: &mut String, text: &str, limit: usize) {
    let mut end = limit.saturating_sub(to.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    to.push_str(text.get(..end).unwrap_or_default());
}

/// With single spaces between its words.
pub(super) fn collapsed(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
