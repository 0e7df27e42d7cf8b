//! Regular expressions of the configuration, compiled once for each text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use regex::Regex;

/// Those in use by their text. A pattern takes kilobytes and tens of microseconds, and modules
/// are much alike; after a reload those of the old configuration are found here too.
static COMPILED: Mutex<Option<HashMap<String, Weak<Regex>>>> = Mutex::new(None);

/// A compiled regular expression, shared by all who ask for the same text.
///
/// # Errors
/// For text that is none.
pub(super) fn pattern(text: &str) -> Result<Arc<Regex>, regex::Error> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compiled = compiled.get_or_insert_default();
    if let Some(known) = compiled.get(text).and_then(Weak::upgrade) {
        return Ok(known);
    }
    let pattern = Arc::new(Regex::new(text)?);
    // Before the map grows, those go that nobody uses any more.
    if compiled.len() == compiled.capacity() {
        compiled.retain(|_, known| known.strong_count() > 0);
    }
    compiled.insert(text.to_owned(), Arc::downgrade(&pattern));
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_patterns_are_one_for_as_long_as_somebody_has_it() {
        let first = pattern("^one of a kind$").expect("a pattern");
        assert!(Arc::ptr_eq(&first, &pattern("^one of a kind$").expect("a pattern")));
        assert!(!Arc::ptr_eq(&first, &pattern("^another$").expect("a pattern")));
        let gone = Arc::downgrade(&first);
        drop(first);
        assert!(gone.upgrade().is_none());
        assert!(pattern("^one of a kind$").expect("a pattern").is_match("one of a kind"));
    }
}
