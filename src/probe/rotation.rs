//! What the secret files of each module have held since this process began. A server may repeat
//! what it was given before the file had another secret, which then is one still.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::secret::{Redactor, SHORTEST_FOUND_IN_TEXT, SecretText};

/// Values that are kept of one module, beyond those that its files hold now. With one more the oldest
/// is forgotten.
const MOST_VALUES: usize = 32;
/// Modules that values are kept of, whatever names reloads give them. With one more all are
/// forgotten.
const MOST_MODULES: usize = 20_000;

/// The values of all modules, by their names: a reload forgets none.
#[derive(Default)]
pub(super) struct Rotation(Mutex<HashMap<String, Known>>);

#[derive(Default)]
struct Known {
    /// Oldest first.
    values: VecDeque<SecretText>,
    /// What hides them and the other secrets of the module, for its configuration with this hash.
    redactor: Option<([u8; 32], Redactor)>,
}

impl Rotation {
    /// What hides all secrets of a module whose files hold these values now. The redactor is that
    /// of its configuration, which has this hash.
    pub(super) fn redactor<'a>(
        &self,
        (module, configuration): (&str, [u8; 32]),
        redactor: &Redactor,
        values: impl IntoIterator<Item = &'a SecretText>,
    ) -> Redactor {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_MODULES && !all.contains_key(module) {
            all.clear();
        }
        let known = all.entry(module.to_owned()).or_default();
        // One that is too short to be found, as of a file that is half written, withholds texts while
        // it is there.
        let (long, short): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|value| value.expose().len() >= SHORTEST_FOUND_IN_TEXT);
        if long.iter().any(|value| !known.values.contains(value)) {
            // What files hold now is forgotten last.
            known.values.retain(|value| !long.contains(&value));
            let most = MOST_VALUES.saturating_sub(long.len());
            known.values.drain(..known.values.len().saturating_sub(most));
            known.values.extend(long.into_iter().cloned());
            known.redactor = None;
        }
        let redactor = match &known.redactor {
            Some((of, redactor)) if *of == configuration => redactor.clone(),
            _ => {
                let redactor = redactor.with(known.values.iter().map(SecretText::expose));
                known.redactor = Some((configuration, redactor.clone()));
                redactor
            }
        };
        if short.is_empty() {
            return redactor;
        }
        redactor.with(short.into_iter().map(SecretText::expose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(rotation: &Rotation, configuration: u8, loaded: &str, held: &str, text: &str) -> bool {
        let (loaded, held) = (Redactor::new([loaded]), SecretText::from(held.to_owned()));
        let redactor = rotation.redactor(("m", [configuration; 32]), &loaded, [&held]);
        redactor.foreign(text) == text
    }

    #[test]
    fn what_a_file_held_stays_a_secret() {
        let rotation = Rotation::default();
        let shows =
            |configuration, loaded, held, text| shows(&rotation, configuration, loaded, held, text);
        assert!(shows(0, "first-value", "first-value", "second-value"));
        assert!(!shows(0, "first-value", "second-value", "second-value"));
        assert!(!shows(0, "first-value", "third-value", "first-value, second-value"));
        // A reload knows what the file holds then; another configuration may have other secrets.
        assert!(!shows(0, "third-value", "third-value", "first-value"));
        assert!(!shows(1, "other-value", "third-value", "second-value"));
        assert!(!shows(1, "other-value", "third-value", "other-value"));
        assert!(shows(1, "other-value", "third-value", "anything"));
        // One that is too short to be found withholds while it is there.
        assert!(!shows(1, "other-value", "short", "anything"));
        assert!(shows(1, "other-value", "third-value", "anything"));
    }

    #[test]
    fn the_oldest_values_are_forgotten() {
        let rotation = Rotation::default();
        let value = |number: usize| format!("value-number-{number:04}");
        for number in 0..=MOST_VALUES {
            shows(&rotation, 0, "at-load-value", &value(number), "");
        }
        assert!(shows(&rotation, 0, "at-load-value", &value(MOST_VALUES), &value(0)));
        assert!(!shows(&rotation, 0, "at-load-value", &value(MOST_VALUES), &value(1)));
    }

    #[test]
    fn what_files_hold_now_is_not_forgotten_for_another_that_rotates() {
        let rotation = Rotation::default();
        let loaded = Redactor::new(["at-load-value"]);
        let stays: Vec<SecretText> =
            (0..40).map(|number| format!("value-that-stays-{number:02}").into()).collect();
        for number in 0..100 {
            let rotates = SecretText::from(format!("value-number-{number:04}"));
            let held = stays.iter().chain([&rotates]);
            let redactor = rotation.redactor(("m", [0; 32]), &loaded, held);
            for value in stays.iter().chain([&rotates]) {
                assert_ne!(redactor.foreign(value.expose()), value.expose(), "{number}");
            }
        }
    }
}
