//! Texts that are sought in a body that passes by.

use regex::bytes::Regex;

use super::Assertion;

/// Which of the texts that assertions ask for occur in a body. It takes the body piece by piece
/// and keeps no more of it than the longest text has.
#[derive(Debug, Clone, Default)]
pub struct Occurrences(Vec<Sought>);

#[derive(Debug, Clone)]
struct Sought {
    text: String,
    pattern: Regex,
    /// The end of what passed by, where the text may have begun.
    tail: Vec<u8>,
    found: bool,
}

impl Occurrences {
    /// The texts of these assertions.
    #[must_use]
    pub fn sought_by(assertions: &[Assertion]) -> Self {
        let texts = assertions.iter().filter_map(Assertion::contained);
        let sought = texts.filter_map(|text| {
            let pattern = Regex::new(&regex::escape(text)).ok()?;
            Some(Sought { text: text.to_owned(), pattern, tail: Vec::new(), found: false })
        });
        Self(sought.collect())
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        for sought in self.0.iter_mut().filter(|sought| !sought.found) {
            sought.push(piece);
        }
    }

    /// Whether the rest of the body can still change anything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.iter().any(|sought| !sought.found)
    }

    /// Whether the body holds the text.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.0.iter().any(|sought| sought.found && sought.text == text)
    }
}

impl Sought {
    fn push(&mut self, piece: &[u8]) {
        let overlap = self.text.len().saturating_sub(1);
        let head = piece.get(..overlap).unwrap_or(piece);
        self.tail.extend_from_slice(head);
        self.found = self.pattern.is_match(&self.tail) || self.pattern.is_match(piece);
        if head.len() < piece.len() {
            let last = piece.len().saturating_sub(overlap);
            self.tail = piece.get(last..).unwrap_or_default().to_vec();
        } else {
            let past = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..past);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AssertionSettings, Path, compile_assertions};

    fn sought(texts: &[&str]) -> Occurrences {
        let settings = texts.iter().map(|text| {
            let yaml = format!("{{type: response_contains, value: '{text}'}}");
            serde_yaml::from_str::<AssertionSettings>(&yaml).expect("an assertion")
        });
        let assertions = compile_assertions(settings.collect(), &Path::default());
        Occurrences::sought_by(&assertions.expect("assertions"))
    }

    #[test]
    fn a_text_is_found_wherever_the_pieces_end() {
        let body = "xx<EntityDescriptor>é.*</EntityDescriptor>";
        for length in 1..=body.len() {
            let mut occurrences =
                sought(&["EntityDescriptor", "x", "é.*", "r>", "Entities", ".+", "xxx"]);
            for piece in body.as_bytes().chunks(length) {
                occurrences.push(piece);
            }
            let found: Vec<_> = ["EntityDescriptor", "x", "é.*", "r>", "Entities", ".+", "xxx"]
                .map(|text| occurrences.has(text))
                .into();
            assert_eq!(found, [true, true, true, true, false, false, false], "{length}");
        }
    }

    #[test]
    fn it_is_open_until_everything_was_found() {
        let mut occurrences = sought(&["ab", "cd"]);
        let mut open = vec![occurrences.is_open()];
        for piece in ["a", "bc", "c", "d"] {
            occurrences.push(piece.as_bytes());
            open.push(occurrences.is_open());
        }
        assert_eq!(open, [true, true, true, true, false]);
        assert!(!Occurrences::default().is_open());
    }
}
