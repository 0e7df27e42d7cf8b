//! The namespaces in force (Namespaces §6).

use std::ops::Range;

use super::XML;

/// The namespace declarations of an element and its ancestors.
///
/// Texts lie in one string that grows and shrinks with the elements, so that a declaration
/// costs no allocation of its own.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    text: String,
    bindings: Vec<Binding>,
    /// For each open element, the number of declarations of its ancestors.
    frames: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Binding {
    prefix: Range<usize>,
    namespace: Range<usize>,
}

impl Scope {
    pub(super) fn open(&mut self) {
        self.frames.push(self.bindings.len());
    }

    pub(super) fn close(&mut self) {
        let Some(length) = self.frames.pop() else { return };
        if let Some(first) = self.bindings.get(length) {
            self.text.truncate(first.prefix.start);
            self.bindings.truncate(length);
        }
    }

    pub(super) fn declare(&mut self, prefix: &str, namespace: &str) {
        let start = self.text.len();
        self.text.push_str(prefix);
        let middle = self.text.len();
        self.text.push_str(namespace);
        let end = self.text.len();
        self.bindings.push(Binding { prefix: start..middle, namespace: middle..end });
    }

    /// Number of declarations of the element and its ancestors.
    pub(super) fn len(&self) -> usize {
        self.bindings.len()
    }

    fn part(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    fn texts(&self, binding: &Binding) -> (&str, &str) {
        (self.part(&binding.prefix), self.part(&binding.namespace))
    }

    /// The namespace of a prefix; the empty prefix is the default namespace. `Some("")`: the
    /// default namespace was taken away. `None`: there is no declaration.
    #[must_use]
    pub fn namespace(&self, prefix: &str) -> Option<&str> {
        let found = self.bindings.iter().rev().find(|b| self.part(&b.prefix) == prefix);
        match found {
            Some(binding) => Some(self.part(&binding.namespace)),
            None => (prefix == "xml").then_some(XML),
        }
    }

    /// The declaration of a prefix, as it stands here; for the default namespace also when there
    /// is none.
    pub(super) fn binding(&self, prefix: &str) -> Option<(&str, &str)> {
        let found = self.bindings.iter().rev().find(|b| self.part(&b.prefix) == prefix);
        found.map(|b| self.texts(b)).or_else(|| prefix.is_empty().then_some(("", "")))
    }

    /// The declarations of the innermost element, as prefix and namespace.
    pub fn own(&self) -> impl Iterator<Item = (&str, &str)> {
        let first = self.frames.last().copied().unwrap_or_default();
        self.bindings.get(first..).unwrap_or_default().iter().map(|b| self.texts(b))
    }

    /// The declarations in force, those of the innermost element included; no prefix twice.
    pub fn in_force(&self) -> impl Iterator<Item = (&str, &str)> {
        self.bindings.iter().enumerate().filter_map(|(at, binding)| {
            let later = self.bindings.get(at + 1..).unwrap_or_default();
            let prefix = self.part(&binding.prefix);
            let hidden = later.iter().any(|other| self.part(&other.prefix) == prefix);
            (!hidden).then(|| self.texts(binding))
        })
    }
}
