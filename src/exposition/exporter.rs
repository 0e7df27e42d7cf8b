//! The exporter's own metrics: what it did.

mod scrape;

use std::borrow::Borrow;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::probe::jwt_checks;
use super::process;
use crate::report::{FailureReason, JwtCheck, ProbeReport, Step};

pub use scrape::Scrape;

/// Upper bounds of the duration histogram in seconds.
const BUCKETS: [f64; 12] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, f64::INFINITY];

/// The `target` label of targets that no module lists.
const OTHER: &str = "other";

/// The target that a probe is counted under, and the steps that it plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProbe {
    /// Name of the module.
    pub module: String,
    /// Its listed targets.
    pub targets: Vec<Arc<str>>,
    /// The steps of its plan.
    pub steps: Vec<Step>,
    /// The checks of tokens in its plan.
    pub jwt_checks: Vec<JwtCheck>,
}

/// Counters and gauges of the running exporter.
#[derive(Default)]
pub struct ExporterMetrics(Mutex<State>);

#[derive(Default)]
struct State {
    reload_successful: bool,
    web_configuration_bad: bool,
    reload_time: Option<SystemTime>,
    module_unknown: u64,
    in_flight: u64,
    modules: Counts<String, ModuleCounters>,
}

#[derive(Default)]
struct ModuleCounters {
    target_refused: u64,
    abandoned: u64,
    duration_sum: f64,
    duration_buckets: [u64; BUCKETS.len()],
    targets: Counts<Arc<str>, TargetCounters>,
}

impl ModuleCounters {
    /// Every listed target counts from 0, and what is no longer listed is forgotten.
    fn listed(&mut self, probe: &ListedProbe) {
        let other =
            self.targets.0.iter().map(|(target, _)| target).find(|target| ***target == *OTHER);
        self.targets.set_keys(probe.targets.iter().chain(other).cloned().collect());
        for (_, counters) in self.targets.0.iter_mut().filter(|(target, _)| &**target != OTHER) {
            for step in &probe.steps {
                counters.steps.change(step, |_| {});
            }
            for check in &probe.jwt_checks {
                counters.jwt_errors.change(check, |_| {});
            }
        }
    }
}

/// There is one for each listed target, and often ten thousand of them.
#[derive(Default)]
struct TargetCounters {
    /// Successes and failures.
    probes: Outcomes,
    steps: Counts<Step, Outcomes>,
    failures: Counts<(Step, FailureReason), u64>,
    jwt_errors: Counts<JwtCheck, u64>,
}

impl TargetCounters {
    fn count(&mut self, report: &ProbeReport) {
        self.probes.count(report.success());
        for step in report.steps.iter().filter(|step| step.reached()) {
            self.steps.change(&step.step, |outcomes| outcomes.count(step.success()));
            if let Some(failure) = step.failure() {
                self.failures.change(&(step.step, failure.reason), |count| *count += 1);
            }
        }
        for ((_, check), passed) in jwt_checks(report) {
            self.jwt_errors.change(&check, |count| *count += u64::from(!passed));
        }
    }
}

/// What is counted for each key, in their order. A map of one key has room for eleven.
struct Counts<K, V>(Vec<(K, V)>);

impl<K, V> Default for Counts<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V: Default> Counts<K, V> {
    /// Of keys that are all different.
    fn new(mut counts: Vec<(K, V)>) -> Self {
        counts.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Self(counts)
    }

    /// The entries from a key on.
    fn from<Q: Ord + ?Sized>(&self, key: &Q) -> &[(K, V)]
    where
        K: Borrow<Q>,
    {
        let first = self.0.partition_point(|(known, _)| known.borrow() < key);
        self.0.get(first..).unwrap_or_default()
    }

    fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let found = self.0.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        self.0.get_mut(found).map(|(_, count)| count)
    }

    /// The count of a key, which is 0 from now on.
    fn take<Q: Ord + ?Sized>(&mut self, key: &Q) -> V
    where
        K: Borrow<Q>,
    {
        self.get_mut(key).map(std::mem::take).unwrap_or_default()
    }

    /// Has these keys from now on and no others, each with its count so far.
    fn set_keys(&mut self, mut keys: Vec<K>) {
        keys.sort_unstable();
        // As a rule, nothing has changed.
        if !keys.iter().eq(self.0.iter().map(|(key, _)| key)) {
            let counts = keys.into_iter().map(|key| {
                let count = self.take(&key);
                (key, count)
            });
            self.0 = counts.collect();
        }
    }

    /// Changes the count of a key, which is there from now on.
    fn change<Q>(&mut self, key: &Q, change: impl FnOnce(&mut V))
    where
        K: Borrow<Q>,
        Q: ToOwned + Ord + ?Sized,
        Q::Owned: Into<K>,
    {
        let found = self.0.binary_search_by(|(known, _)| known.borrow().cmp(key));
        let place = found.unwrap_or_else(|place| {
            // Nothing is held in reserve.
            self.0.reserve_exact(1);
            self.0.insert(place, (key.to_owned().into(), V::default()));
            place
        });
        if let Some((_, count)) = self.0.get_mut(place) {
            change(count);
        }
    }
}

#[derive(Default, Clone, Copy)]
struct Outcomes {
    success: u64,
    failure: u64,
}

impl Outcomes {
    fn count(&mut self, success: bool) {
        *(if success { &mut self.success } else { &mut self.failure }) += 1;
    }

    const fn each(self) -> [(&'static str, u64); 2] {
        [("success", self.success), ("failure", self.failure)]
    }
}

impl ExporterMetrics {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A configuration came into force: every combination of its modules and listed
    /// targets counts from 0, and what it no longer has is forgotten.
    pub fn configured(&self, probes: impl IntoIterator<Item = ListedProbe>) {
        LazyLock::force(&process::FIRST_SEEN);
        let mut state = self.state();
        state.reload_successful = true;
        state.reload_time = Some(SystemTime::now());
        let mut old = std::mem::take(&mut state.modules);
        let counted = probes.into_iter().map(|probe| {
            let mut counters = old.take(&probe.module);
            counters.listed(&probe);
            (probe.module, counters)
        });
        state.modules = Counts::new(counted.collect());
    }

    /// A configuration was refused.
    pub fn reload_failed(&self) {
        self.state().reload_successful = false;
    }

    /// Whether the web configuration was good when it was read last.
    pub fn web_configuration(&self, good: bool) {
        self.state().web_configuration_bad = !good;
    }

    /// Somebody asked for a module that there is not.
    pub fn module_unknown(&self) {
        self.state().module_unknown += 1;
    }

    /// Somebody asked for a target that the module may not be pointed at.
    pub fn target_refused(&self, module: &str) {
        if let Some(module) = self.state().modules.get_mut(module) {
            module.target_refused += 1;
        }
    }

    /// Somebody who asked for a probe went away before the answer.
    pub fn probe_abandoned(&self, module: &str) {
        if let Some(module) = self.state().modules.get_mut(module) {
            module.abandoned += 1;
        }
    }

    /// How many probes run.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.state().in_flight
    }

    /// A probe begins; it runs until the guard is dropped.
    #[must_use]
    pub fn probe_begins(&self) -> InFlight<'_> {
        self.state().in_flight += 1;
        InFlight(self)
    }

    /// Counts a probe that ended. `listed` says whether its target is a listed one.
    pub fn probe_ended(&self, report: &ProbeReport, listed: bool) {
        let mut state = self.state();
        // A module that a reload removed meanwhile is no longer counted.
        let Some(module) = state.modules.get_mut(&report.module) else {
            return;
        };
        let seconds = report.duration.as_secs_f64();
        module.duration_sum += seconds;
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound);
        if let Some(count) = bucket.and_then(|bucket| module.duration_buckets.get_mut(bucket)) {
            *count += 1;
        }
        let target = if listed { report.target.as_str() } else { OTHER };
        module.targets.change(target, |counters| counters.count(report));
    }
}

/// A probe that runs.
pub struct InFlight<'a>(&'a ExporterMetrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}
