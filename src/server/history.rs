//! The last probes, for the landing page and `/logs`. They are kept in memory alone, and bounded.
//!
//! As in `blackbox_exporter`, a failed probe that would be pushed out by newer ones is kept in a
//! list of its own: the one that somebody looks for in the morning is not the last one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::report::{Event, ProbeReport};

/// Probes that are kept unless the flag says otherwise, and failed ones beside them.
pub(super) const DEFAULT_LIMIT: usize = 100;
/// About how many bytes one of them takes; a longer story is told with less in it.
const MOST_BYTES: usize = 128 * 1024;
/// Of a story that is too long, so many lines from its beginning and as many from its end.
const LINES: usize = 100;
/// So many characters of each of them.
const CHARACTERS: usize = 300;

/// The last probes.
pub(super) struct History {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    recent: VecDeque<Kept>,
    /// Older failed ones.
    failed: VecDeque<Kept>,
}

/// A probe that is kept.
#[derive(Clone)]
pub(super) struct Kept {
    /// Its number since the exporter started.
    pub(super) id: u64,
    /// What it found, redacted as it was recorded.
    pub(super) report: Arc<ProbeReport>,
}

impl History {
    /// Keeps this many probes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a probe and returns its number.
    pub(super) fn add(&self, report: &Arc<ProbeReport>) -> u64 {
        let report = (self.limit > 0).then(|| bounded(report));
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        let Some(report) = report else { return id };
        state.recent.push_back(Kept { id, report });
        if state.recent.len() <= self.limit {
            return id;
        }
        if let Some(oldest) = state.recent.pop_front()
            && !oldest.report.success()
        {
            state.failed.push_back(oldest);
            if state.failed.len() > self.limit {
                state.failed.pop_front();
            }
        }
        id
    }

    /// All of them, the newest first.
    pub(super) fn all(&self) -> Vec<Kept> {
        let state = self.state();
        state.failed.iter().chain(&state.recent).rev().cloned().collect()
    }

    /// The one with this number.
    pub(super) fn by_id(&self, id: u64) -> Option<Kept> {
        self.find(|kept| kept.id == id)
    }

    /// The newest one of a target, and of a module where one is named.
    pub(super) fn newest(&self, target: &str, module: Option<&str>) -> Option<Kept> {
        self.find(|kept| {
            kept.report.target == target && module.is_none_or(|name| kept.report.module == name)
        })
    }

    fn find(&self, is_it: impl Fn(&Kept) -> bool) -> Option<Kept> {
        let state = self.state();
        state.failed.iter().chain(&state.recent).rev().find(|kept| is_it(kept)).cloned()
    }
}

/// The report, or one without all that its story can do without.
fn bounded(report: &Arc<ProbeReport>) -> Arc<ProbeReport> {
    if report.size() <= MOST_BYTES {
        return report.clone();
    }
    let mut less = (**report).clone();
    (less.certificates, less.key_set, less.saml) = (Vec::new(), None, None);
    for step in &mut less.steps {
        // The last exchange has the status.
        step.exchanges.drain(..step.exchanges.len().saturating_sub(1));
        for exchange in &mut step.exchanges {
            exchange.chain = None;
        }
    }
    if less.size() > MOST_BYTES {
        shorten(&mut less.events);
    }
    Arc::new(less)
}

fn shorten(events: &mut Vec<Event>) {
    if events.len() > 2 * LINES {
        let end = events.len() - LINES;
        let left_out = end - LINES;
        let at = events.get(end).map_or_else(Default::default, |event| event.at);
        let text = format!("… {left_out} lines are left out here …");
        events.splice(LINES..end, [Event { at, step: None, text }]);
    }
    for event in events {
        if let Some((end, _)) = event.text.char_indices().nth(CHARACTERS) {
            event.text.truncate(end);
            event.text.push('…');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::{Exchange, Failure, FailureReason, Step, StepOutcome, StepReport};

    fn report(module: &str, target: &str, failed: bool) -> ProbeReport {
        let mut step = StepReport::planned(Step::Token, &[]);
        step.outcome = if failed {
            StepOutcome::Failed(Failure::new(FailureReason::Timeout, "…"))
        } else {
            StepOutcome::Passed
        };
        ProbeReport { steps: vec![step], ..ProbeReport::empty(module, target) }
    }

    fn add(history: &History, module: &str, target: &str, failed: bool) {
        history.add(&Arc::new(report(module, target, failed)));
    }

    fn ids(history: &History) -> Vec<u64> {
        history.all().iter().map(|kept| kept.id).collect()
    }

    #[test]
    fn the_newest_are_kept_and_failed_ones_longer() {
        let history = History::new(3);
        assert_eq!(ids(&history), [0; 0]);
        for number in 1..=9 {
            add(&history, "m", "t", number % 2 == 0);
        }
        // Of those before the last three, the failed ones.
        assert_eq!(ids(&history), [9, 8, 7, 6, 4, 2]);
        for number in 10..=13 {
            add(&history, "m", "t", number % 2 == 0);
        }
        // As many failed ones as the limit says.
        assert_eq!(ids(&history), [13, 12, 11, 10, 8, 6]);
    }

    #[test]
    fn one_is_found_by_its_number_or_as_the_newest_of_its_target() {
        let history = History::new(2);
        add(&history, "a", "t", true);
        add(&history, "b", "t", false);
        add(&history, "a", "u", false);
        add(&history, "b", "u", false);
        let newest = |target, module| history.newest(target, module).map(|kept| kept.id);
        assert_eq!(newest("t", None), Some(1));
        assert_eq!(newest("u", None), Some(4));
        assert_eq!(newest("u", Some("a")), Some(3));
        assert_eq!(newest("t", Some("b")), None);
        assert_eq!(newest("v", None), None);
        assert_eq!(history.by_id(1).map(|kept| kept.report.target.clone()).as_deref(), Some("t"));
        for id in [0, 2, 5] {
            assert!(history.by_id(id).is_none(), "{id}");
        }
    }

    #[test]
    fn without_a_limit_above_zero_nothing_is_kept() {
        let history = History::new(0);
        add(&history, "m", "t", true);
        assert_eq!(ids(&history), [0; 0]);
    }

    #[test]
    fn a_long_story_keeps_its_beginning_and_its_end() {
        let mut long = report("m", "t", true);
        for number in 0..500 {
            let text = format!("line {number} {}", "ä".repeat(1000));
            long.events.push(Event { at: Duration::from_millis(number), step: None, text });
        }
        for _ in 0..50 {
            let url = "u".repeat(4096);
            long.steps[0].exchanges.push(Exchange { url, ..Exchange::empty() });
        }
        long.steps[0].exchanges.push(Exchange { status: Some(500), ..Exchange::empty() });
        let history = History::new(1);
        history.add(&Arc::new(long));
        let kept = history.by_id(1).expect("it is kept").report;
        assert!(kept.size() < MOST_BYTES, "{}", kept.size());
        assert_eq!(kept.steps[0].last_status(), Some(500));
        let lines: Vec<&str> = kept
            .events
            .iter()
            .map(|event| event.text.split(" ä").next().unwrap_or_default())
            .collect();
        assert_eq!(lines.len(), 201);
        assert_eq!(lines[..2], ["line 0", "line 1"]);
        assert_eq!(lines[99..102], ["line 99", "… 300 lines are left out here …", "line 400"]);
        assert_eq!(lines[200], "line 499");
    }
}
