//! Secrets with a meaning, as a key in PEM: worked out again only when their text changed.

use std::sync::{Arc, Mutex, PoisonError};

use super::{PublicFile, Secret, SecretText};

/// A secret, or a public file, and what its text was parsed to.
pub struct Parsed<T> {
    source: Secret,
    is_public: bool,
    parse: Box<Parse<T>>,
    last: Last<T>,
}

type Parse<T> = dyn Fn(&str) -> Result<T, String> + Send + Sync;

impl<T> Parsed<T> {
    /// A secret that means what `parse` makes of it.
    pub fn secret<E: std::fmt::Display>(
        source: impl Into<Secret>,
        parse: impl Fn(&str) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let parse = move |text: &str| parse(text).map_err(|error| error.to_string());
        let (source, last) = (source.into(), Last::default());
        Self { source, is_public: false, parse: Box::new(parse), last }
    }

    /// The same of a file that need not be hidden.
    pub fn public<E: std::fmt::Display>(
        file: PublicFile,
        parse: impl Fn(&str) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self { is_public: true, ..Self::secret(file, parse) }
    }

    /// Where it stands.
    #[must_use]
    pub const fn source(&self) -> &Secret {
        &self.source
    }

    /// Whether it need not be hidden.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.is_public
    }

    /// What this text of the source means.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(&self, text: &SecretText) -> Result<Arc<T>, String> {
        self.last.of(text, &self.parse)
    }

    /// What the source means now, read on this thread: for the load of a configuration.
    ///
    /// # Errors
    /// Why it cannot be read, or what is wrong with it.
    pub fn read_blocking(&self) -> Result<Arc<T>, String> {
        let text = self.source.read_blocking().map_err(|error| error.to_string())?;
        self.of(&text)
    }
}

impl<T> std::fmt::Debug for Parsed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)
    }
}

/// The last text of something that is read on every probe, and what it was parsed to.
pub struct Last<T>(Mutex<Option<(SecretText, Arc<T>)>>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Last<T> {
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

impl<T> std::fmt::Debug for Last<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Last")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_again_when_the_text_changed() {
        let parsed = Last::default();
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
