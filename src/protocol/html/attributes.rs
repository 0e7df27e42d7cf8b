//! The attributes of one element.

use html5gum::StartTag;

/// Attribute names, lower case, and values. Of two with one name the first counts; the
/// tokenizer has dropped the other (WHATWG HTML §13.2.5.33).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes(Box<[(String, String)]>);

impl Attributes {
    pub(super) fn of(tag: &StartTag<()>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self(tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// The value of an attribute, empty when it has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the attribute is there, as of `disabled`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The value, or nothing at all.
    pub(super) fn text(&self, name: &str) -> &str {
        self.value(name).unwrap_or_default()
    }

    /// Whether a value is this keyword.
    pub(super) fn is(&self, name: &str, keyword: &str) -> bool {
        self.text(name).eq_ignore_ascii_case(keyword)
    }

    /// Whether a list of words separated by white space, as of `class`, holds the word.
    pub(super) fn lists(&self, name: &str, word: &str) -> bool {
        self.text(name).split_ascii_whitespace().any(|listed| listed.eq_ignore_ascii_case(word))
    }

    /// Whether the element takes itself out of sight by its own attributes. Style sheets are
    /// not read.
    pub(super) fn conceal(&self) -> bool {
        let style: String = self
            .text("style")
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_ascii_lowercase())
            .collect();
        self.has("hidden") || style.contains("display:none") || style.contains("visibility:hidden")
    }
}
