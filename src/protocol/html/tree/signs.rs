//! What a page holds beside its forms: refreshes, and signs of scripts, captchas and second
//! factors.

use url::Url;

use super::Tree;
use super::open::Surroundings;
use crate::protocol::html::parse::MAX_URL;
use crate::protocol::html::refresh::parse_refresh;
use crate::protocol::html::words::{contains_any, words};
use crate::protocol::html::{Attributes, Refresh};

/// The longest name that says what an element is for, and the most words of one.
const LONGEST_NAME: usize = 64;
const MOST_WORDS: usize = 8;

impl Tree {
    /// Everything but the elements themselves: signs of scripts, captchas, second factors.
    pub(super) fn note_signs(&mut self, name: &str, attributes: &Attributes, inside: Surroundings) {
        if matches!(name, "div" | "main" | "section") || name.contains('-') {
            self.container = Some(name.to_owned());
        }
        let onload = attributes.text("onload");
        if !onload.is_empty() {
            self.scripts.present = true;
            self.scripts.submit |= contains_any(onload, &["submit", "click"]);
        }
        let loaded = if matches!(name, "script" | "iframe" | "img") { "src" } else { "" };
        let hints = ["id", "class", loaded].map(|name| attributes.text(name));
        let mut hints = hints.iter().filter(|hint| !hint.is_empty());
        self.hints_at_second_factor |= hints
            .clone()
            .flat_map(|hint| hint.split_whitespace())
            // In longer text, and in tokens, any short word stands by chance.
            .filter(|name| name.len() <= LONGEST_NAME && words(name).count() <= MOST_WORDS)
            .any(|name| words(name).any(|word| is_second_factor(&word)));
        let is_captcha = attributes.has("data-sitekey")
            || hints.any(|hint| contains_any(hint, &["captcha", "turnstile"]));
        // Out of sight it waits for failed attempts, which there are none of.
        if is_captcha && !inside.concealed {
            match self.form_pointer.or(inside.form).and_then(|form| self.forms.get_mut(form)) {
                // A script in a form is no widget; that it is loaded says only that there may be one.
                Some(form) if name != "script" => form.has_captcha = true,
                _ => self.has_captcha = true,
            }
        }
    }

    pub(super) fn start_base(&mut self, attributes: &Attributes) {
        if let (None, Some(href)) = (&self.base, attributes.value("href")) {
            let base = self.url.join(href).ok();
            let fits = |url: &Url| {
                !matches!(url.scheme(), "data" | "javascript") && url.as_str().len() <= MAX_URL
            };
            self.base = Some(base.filter(fits).unwrap_or_else(|| self.url.clone()));
        }
    }

    pub(super) fn start_meta(&mut self, attributes: &Attributes) {
        if self.refresh.is_none() && attributes.is("http-equiv", "refresh") {
            let base = self.base.as_ref().unwrap_or(&self.url);
            self.refresh = parse_refresh(attributes.text("content"), base)
                .map(|(delay, url)| Refresh { delay, url, in_noscript: self.in_noscript });
        }
    }
}

/// Whether the content of a `<script>` runs (§4.12.1): data blocks do not.
pub(super) fn is_executable(attributes: &Attributes) -> bool {
    let kind = attributes.text("type").trim().to_ascii_lowercase();
    kind.is_empty()
        || kind == "module"
        || kind.contains("javascript")
        || kind.contains("ecmascript")
}

/// Names that pages give to second factors which are not a code.
fn is_second_factor(word: &str) -> bool {
    matches!(word, "webauthn" | "fido" | "fido2" | "u2f" | "duo" | "mfa" | "2fa" | "tfa")
}
