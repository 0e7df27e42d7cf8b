//! What a file means, worked out again only when its text changed.

use std::sync::{Arc, Mutex, PoisonError};

use super::SecretText;

/// The last text of a file that is read on every probe, and what it was parsed to.
pub struct Parsed<T>(Mutex<Option<(SecretText, Arc<T>)>>);

impl<T> Default for Parsed<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Parsed<T> {
    /// What the text means: parsed now, unless it is the text of the last call.
    ///
    /// # Errors
    /// When it does not parse; then the next call parses again.
    pub fn of<E>(
        &self,
        text: &SecretText,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = &*last
            && known == text
        {
            return Ok(value.clone());
        }
        let value = Arc::new(parse(text.expose())?);
        *last = Some((text.clone(), value.clone()));
        Ok(value)
    }
}

impl<T> std::fmt::Debug for Parsed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parsed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_again_when_the_text_changed() {
        let parsed = Parsed::default();
        let mut calls = 0;
        for (text, expected, calls_then) in
            [("1", Ok(1), 1), ("1", Ok(1), 1), ("2", Ok(2), 2), ("x", Err(()), 3), ("2", Ok(2), 3)]
        {
            let value = parsed.of(&text.to_owned().into(), |text| {
                calls += 1;
                text.parse::<u8>().map_err(|_| ())
            });
            assert_eq!(value.map(|value| *value), expected, "{text}");
            assert_eq!(calls, calls_then, "{text}");
        }
    }
}
