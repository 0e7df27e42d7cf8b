//! The newest result of each module and target, which is served again until `min_interval` is
//! over: what a probe costs the provider is bounded, however often somebody scrapes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::memory::Key;
use crate::report::ProbeReport;

/// Memory that results may take. A quota guard is not worth more: beyond it, those that end
/// first are forgotten.
const MOST_BYTES: usize = 64 << 20;
/// How often what is over is looked for.
const SWEPT_EVERY: Duration = Duration::from_secs(60);
/// A provider that wants to be left alone for longer is asked again all the same: somebody must
/// notice that it is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The results that are still served.
#[derive(Default)]
pub(super) struct Results {
    kept: HashMap<Key, Kept>,
    bytes: usize,
    swept: Option<Instant>,
}

struct Kept {
    report: Arc<ProbeReport>,
    ended: Instant,
    until: Instant,
    bytes: usize,
}

/// The pause that the provider asked for in a failed probe, if it did.
pub(super) fn pause(report: &ProbeReport) -> Option<Duration> {
    report.retry_after().map(|pause| pause.min(LONGEST_PAUSE))
}

impl Results {
    /// The result of a probe that must not be repeated yet, and its age.
    pub(super) fn of(&mut self, key: &Key, now: Instant) -> Option<(Arc<ProbeReport>, Duration)> {
        let kept = self.kept.get(key)?;
        if kept.until <= now {
            self.forget(key);
            return None;
        }
        Some((kept.report.clone(), now.saturating_duration_since(kept.ended)))
    }

    /// Keeps the result of a run, which replaces that of an earlier one. The interval counts
    /// from the beginning of the run, so that a scraper with the same interval has a new result
    /// each time; a pause counts from its end.
    pub(super) fn keep(
        &mut self,
        key: &Key,
        report: &Arc<ProbeReport>,
        (began, ended): (Instant, Instant),
        min_interval: Duration,
    ) {
        self.forget(key);
        let paused = pause(report).and_then(|pause| ended.checked_add(pause));
        // No interval that can be configured reaches beyond the end of the clock; such a result
        // would not be kept.
        let until = began.checked_add(min_interval).max(paused).unwrap_or(ended);
        if until <= ended {
            return;
        }
        let bytes = report.size() + 2 * key.target.len();
        self.make_room(bytes, ended);
        self.bytes += bytes;
        self.kept.insert(key.clone(), Kept { report: report.clone(), ended, until, bytes });
    }

    fn forget(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.bytes -= kept.bytes;
        }
    }

    fn make_room(&mut self, bytes: usize, now: Instant) {
        let full = self.bytes + bytes > MOST_BYTES;
        if full || self.swept.is_none_or(|swept| now - swept > SWEPT_EVERY) {
            self.swept = Some(now);
            self.kept.retain(|_, kept| kept.until > now);
            self.bytes = self.kept.values().map(|kept| kept.bytes).sum();
        }
        while self.bytes + bytes > MOST_BYTES {
            let first = self.kept.iter().min_by_key(|(_, kept)| kept.until);
            let Some(key) = first.map(|(key, _)| key.clone()) else { return };
            self.forget(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Failure, FailureReason, Step, StepOutcome, StepReport};

    const SECOND: Duration = Duration::from_secs(1);

    fn key(target: &str) -> Key {
        Key { module: "m".into(), target: target.into(), configuration: [0; 32] }
    }

    /// A report with one step, failed or not.
    fn report(failed: bool) -> ProbeReport {
        let mut step = StepReport::planned(Step::Token, &[]);
        step.outcome = if failed {
            StepOutcome::Failed(Failure::new(FailureReason::Http5xx, "status 503"))
        } else {
            StepOutcome::Passed
        };
        ProbeReport { steps: vec![step], ..ProbeReport::empty("m", "https://a.example") }
    }

    fn asks_for(pause: Duration, status: u16, failed: bool) -> ProbeReport {
        let mut report = report(failed);
        report.steps[0].exchanges.push(crate::report::Exchange {
            status: Some(status),
            retry_after: Some(pause),
            ..crate::report::Exchange::empty()
        });
        report
    }

    #[test]
    fn the_newest_result_is_served_until_the_interval_is_over() {
        let (mut results, key, start) = (Results::default(), key("a"), Instant::now());
        let served = |results: &mut Results, seconds: u32| {
            let found = results.of(&key, start + SECOND * seconds);
            found.map(|(report, age)| (report.success(), age.as_secs()))
        };
        assert_eq!(served(&mut results, 0), None);
        let ran = |from: u32, to: u32| (start + SECOND * from, start + SECOND * to);
        results.keep(&key, &Arc::new(report(false)), ran(0, 3), SECOND * 60);
        assert_eq!(served(&mut results, 3), Some((true, 0)));
        assert_eq!(served(&mut results, 59), Some((true, 56)));
        assert_eq!(served(&mut results, 60), None);
        results.keep(&key, &Arc::new(report(false)), ran(60, 61), SECOND * 60);
        // A failure hides a success, and its interval is its own.
        results.keep(&key, &Arc::new(report(true)), ran(70, 71), SECOND * 60);
        assert_eq!(served(&mut results, 119), Some((false, 48)));
        assert_eq!(served(&mut results, 129), Some((false, 58)));
        assert_eq!(served(&mut results, 130), None);
        // A run longer than the interval leaves nothing.
        results.keep(&key, &Arc::new(report(false)), ran(200, 261), SECOND * 60);
        assert_eq!(served(&mut results, 261), None);
        assert_eq!(results.bytes, 0);
    }

    #[test]
    fn an_interval_beyond_the_end_of_the_clock_has_no_end() {
        let (mut results, key, start) = (Results::default(), key("a"), Instant::now());
        results.keep(&key, &Arc::new(report(false)), (start, start), SECOND * u32::MAX);
        assert!(results.of(&key, start + SECOND * 86_400).is_some());
    }

    #[test]
    fn a_provider_that_asks_for_a_pause_has_it_for_an_hour_at_most() {
        for (report, seconds) in [
            (asks_for(SECOND * 300, 429, true), 301),
            (asks_for(SECOND * 300, 503, true), 301),
            // Shorter than the interval.
            (asks_for(SECOND * 5, 429, true), 60),
            (asks_for(Duration::from_secs(u64::MAX), 503, true), 3601),
            // Of other answers it means something else, and a probe that succeeded asks for none.
            (asks_for(SECOND * 300, 500, true), 60),
            (asks_for(SECOND * 300, 301, true), 60),
            (asks_for(SECOND * 300, 429, false), 60),
        ] {
            let (mut results, key, start) = (Results::default(), key("a"), Instant::now());
            let report = Arc::new(report);
            results.keep(&key, &report, (start, start + SECOND), SECOND * 60);
            let mut served = |second| results.of(&key, start + SECOND * second).is_some();
            let what = report.steps[0].exchanges[0].status;
            assert!(served(seconds - 1), "{what:?} at {}", seconds - 1);
            assert!(!served(seconds), "{what:?} at {seconds}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_those_that_end_first_go_first() {
        let (mut results, start) = (Results::default(), Instant::now());
        let large = Arc::new(ProbeReport {
            provider: "x".repeat(MOST_BYTES / 10),
            ..ProbeReport::empty("m", "https://a.example")
        });
        for number in 0..100_u32 {
            let lasts = SECOND * (1000 - number);
            results.keep(&key(&number.to_string()), &large, (start, start), lasts);
        }
        assert!(results.bytes <= MOST_BYTES, "{}", results.bytes);
        let kept = |results: &mut Results, number: u32| {
            results.of(&key(&number.to_string()), start).is_some()
        };
        assert_eq!(results.kept.len(), 9);
        assert!(kept(&mut results, 0) && kept(&mut results, 7) && kept(&mut results, 99));
        assert!(!kept(&mut results, 98));
        // What is over goes by itself.
        let later = start + SECOND * 2000;
        results.keep(&key("later"), &Arc::new(report(false)), (later, later), SECOND);
        assert_eq!(results.kept.len(), 1);
    }
}
