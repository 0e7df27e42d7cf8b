//! The exporter's own metrics: what it did, and the process that it is.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::catalogue as m;
use super::probe::jwt_checks;
use super::{Sample, SampleValue, Samples};
use crate::report::{FailureReason, JwtCheck, ProbeReport, Step};

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

    fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let found = self.0.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        self.0.get_mut(found).map(|(_, count)| count)
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
        LazyLock::force(&FIRST_SEEN);
        let mut state = self.state();
        state.reload_successful = true;
        state.reload_time = Some(SystemTime::now());
        let mut old: HashMap<_, _> = std::mem::take(&mut state.modules).0.into_iter().collect();
        let counted = probes.into_iter().map(|probe| {
            let mut counters = old.remove(&probe.module).unwrap_or_default();
            let known = std::mem::take(&mut counters.targets).0;
            let mut known: HashMap<_, _> = known.into_iter().collect();
            let other = known.remove_entry(OTHER);
            let listed = probe.targets.into_iter().map(|target| {
                let mut counters = known.remove(&target).unwrap_or_default();
                for step in &probe.steps {
                    counters.steps.change(step, |_| {});
                }
                for check in &probe.jwt_checks {
                    counters.jwt_errors.change(check, |_| {});
                }
                (target, counters)
            });
            counters.targets = Counts::new(listed.chain(other).collect());
            (probe.module, counters)
        });
        state.modules = Counts::new(counted.collect());
    }

    /// A configuration was refused.
    pub fn reload_failed(&self) {
        self.state().reload_successful = false;
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

    /// The samples of `/metrics`, in the order of the catalogue, with the probes that wait and
    /// how many may run.
    #[must_use]
    pub fn samples(&self, waiting: usize, limit: usize) -> Vec<Sample> {
        let mut samples = Samples::default();
        self.own(&mut samples);
        samples.set(&m::PROBES_WAITING, number(waiting as u64));
        samples.set(&m::PROBES_LIMIT, number(limit as u64));
        process(&mut samples);
        samples.0
    }

    fn own(&self, samples: &mut Samples) {
        let state = self.state();
        samples.with(
            &m::BUILD_INFO,
            [env!("CARGO_PKG_VERSION").into(), env!("CARGO_PKG_RUST_VERSION").into()],
            1.0,
        );
        samples.flag(&m::CONFIG_RELOAD_OK, state.reload_successful);
        let reloaded = state.reload_time.unwrap_or(UNIX_EPOCH);
        samples.set(&m::CONFIG_RELOAD_TIME, unix_seconds(reloaded));
        samples.set(&m::MODULE_UNKNOWN, number(state.module_unknown));
        for (name, module) in &state.modules.0 {
            let labels = [name.clone().into()];
            samples.with(&m::TARGET_REFUSED, labels, number(module.target_refused));
        }
        for (name, module) in &state.modules.0 {
            let labels = [name.clone().into()];
            samples.with(&m::PROBES_ABANDONED, labels, number(module.abandoned));
        }
        let targets = || {
            state.modules.0.iter().flat_map(|(module, counters)| {
                let targets = counters.targets.0.iter();
                targets.map(move |(target, counters)| {
                    let label = |text: &str| Cow::<'static, str>::from(text.to_owned());
                    ((label(module), label(target)), counters)
                })
            })
        };
        for ((module, target), counters) in targets() {
            for (result, count) in counters.probes.each() {
                let labels = [module.clone(), target.clone(), result.into()];
                samples.with(&m::PROBES, labels, number(count));
            }
        }
        for ((module, target), counters) in targets() {
            for (step, outcomes) in &counters.steps.0 {
                for (result, count) in outcomes.each() {
                    let step = step.as_str().into();
                    let labels = [module.clone(), target.clone(), step, result.into()];
                    samples.with(&m::STEPS, labels, number(count));
                }
            }
        }
        for ((module, target), counters) in targets() {
            for ((step, reason), count) in &counters.failures.0 {
                let (step, reason) = (step.as_str().into(), reason.as_str().into());
                let labels = [module.clone(), target.clone(), step, reason];
                samples.with(&m::PROBE_FAILURES, labels, number(*count));
            }
        }
        for ((module, target), counters) in targets() {
            for (check, count) in &counters.jwt_errors.0 {
                let labels = [module.clone(), target.clone(), check.as_str().into()];
                samples.with(&m::JWT_VALIDATION_ERRORS, labels, number(*count));
            }
        }
        for (name, module) in &state.modules.0 {
            samples.0.push(Sample {
                metric: &m::PROBE_DURATION,
                labels: vec![name.clone().into()],
                value: SampleValue::Histogram {
                    sum: module.duration_sum,
                    count: module.duration_buckets.iter().sum(),
                    buckets: BUCKETS.into_iter().zip(module.duration_buckets).collect(),
                },
            });
        }
        samples.set(&m::PROBES_IN_FLIGHT, number(state.in_flight));
    }
}

/// A probe that runs.
pub struct InFlight<'a>(&'a ExporterMetrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

// Counters are exposed as floats; 2^53 of anything is out of reach.
#[allow(clippy::cast_precision_loss)]
const fn number(value: u64) -> f64 {
    value as f64
}

/// What the other Prometheus clients say of their process. Linux only; elsewhere, and
/// where /proc is hidden, there are no such metrics.
fn process(samples: &mut Samples) {
    let Ok(process) = procfs() else { return };
    samples.set(&m::PROCESS_CPU, process.cpu_seconds);
    if let Some(open) = process.open_fds {
        samples.set(&m::PROCESS_OPEN_FDS, number(open));
    }
    if let Some(max) = process.max_fds {
        samples.set(&m::PROCESS_MAX_FDS, max);
    }
    samples.set(&m::PROCESS_VIRTUAL, process.virtual_bytes);
    samples.set(&m::PROCESS_RESIDENT, process.resident_bytes);
    if let Some(start) = process.start_seconds {
        samples.set(&m::PROCESS_START, start);
    }
}

struct Process {
    cpu_seconds: f64,
    open_fds: Option<u64>,
    max_fds: Option<f64>,
    virtual_bytes: f64,
    resident_bytes: f64,
    start_seconds: Option<f64>,
}

/// Linux counts CPU time in hundredths of a second for every architecture (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// When the process first looked at itself, in Unix seconds.
static FIRST_SEEN: LazyLock<f64> = LazyLock::new(|| {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
});

fn procfs() -> std::io::Result<Process> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is the name in parentheses, which may hold spaces.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // Numbers of proc(5) count from 1 and the rest begins with field 3.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let max_fds = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let boot = std::fs::read_to_string("/proc/stat")
        .ok()
        .and_then(|stat| stat.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok()));
    Ok(Process {
        cpu_seconds: (field(14) + field(15)) / TICKS_PER_SECOND,
        // The listing itself holds one descriptor.
        open_fds: std::fs::read_dir("/proc/self/fd")
            .ok()
            .map(|entries| (entries.count() as u64).saturating_sub(1)),
        max_fds,
        virtual_bytes: field(23),
        resident_bytes: kilobytes("VmRSS") * 1024.0,
        // Where nothing is seen but processes, the first look at it tells.
        start_seconds: Some(
            boot.map_or(*FIRST_SEEN, |boot: f64| boot + field(22) / TICKS_PER_SECOND),
        ),
    })
}
