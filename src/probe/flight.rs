//! Simultaneous scrapes of a probe that spends something share one run of it: a password is not
//! sent twice at once, nor a one-time code or a refresh token twice at all. A module with a
//! `min_interval` shares likewise, and its last result is served until the interval is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::memory::Key;
use super::results::{self, Results};
use super::{Memory, Module, Target, run_committing, timed_out};
use crate::report::{Event, ProbeReport};

/// The runs that are under way, and the results that are still served. Both behind one lock, so
/// that a run that ends is never in neither.
#[derive(Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Default)]
struct State {
    running: HashMap<Key, Arc<Flight>>,
    results: Results,
}

/// A run that several scrapes wait for.
struct Flight {
    report: watch::Receiver<Option<Arc<ProbeReport>>>,
    abort: AbortHandle,
    waiters: AtomicUsize,
    /// A scrape has taken the report as its own: the run counts once.
    taken: AtomicBool,
    fate: Arc<OnceLock<Fate>>,
}

/// What decides how a run ends. It is decided once: nothing is spent by a run that is cut off, and
/// none is cut off that spends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Something is spent: from then on it goes to its end, whoever waits for it.
    Committed,
    /// Nobody waits for it any more.
    Abandoned,
}

impl Flights {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run has ended: nobody joins it any more, and its result is served for a while.
    fn land(
        &self,
        key: &Key,
        mut report: ProbeReport,
        began: Instant,
        min_interval: Duration,
        fate: &Arc<OnceLock<Fate>>,
    ) -> Arc<ProbeReport> {
        let guarded = !min_interval.is_zero();
        if guarded && let Some(pause) = results::pause(&report) {
            let text = format!(
                "the provider wants to be left alone (Retry-After): the next probe runs in {} s at the earliest, and until then this result is served",
                pause.as_secs()
            );
            report.events.push(Event { at: report.duration, step: None, text });
        }
        let report = Arc::new(report);
        let mut state = self.state();
        // A run that everybody left has been replaced by another one, whose result it is not.
        let is_mine = |flight: &Arc<Flight>| Arc::ptr_eq(&flight.fate, fate);
        if !state.running.get(key).is_some_and(is_mine) {
            return report;
        }
        state.running.remove(key);
        if guarded {
            state.results.keep(key, &report, (began, Instant::now()), min_interval);
        }
        report
    }
}

/// How a scrape comes by its report.
enum Joined {
    /// It began the run.
    Leads(Arc<Flight>),
    /// It waits for the run of another one.
    Waits(Arc<Flight>),
    /// Nothing may run yet.
    Served(Arc<ProbeReport>),
}

/// A scrape that waits. The last one to leave ends the run, unless something was spent.
struct Waiter<'a> {
    flight: Arc<Flight>,
    key: &'a Key,
    memory: &'a Memory,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let running = &mut self.memory.flights.state().running;
        let last = self.flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
        let fate = || *self.flight.fate.get_or_init(|| Fate::Abandoned);
        if last && fate() == Fate::Abandoned {
            self.flight.abort.abort();
            if running.get(self.key).is_some_and(|known| Arc::ptr_eq(known, &self.flight)) {
                running.remove(self.key);
            }
        }
    }
}

/// The last result, where nothing may run yet: it costs nothing, and needs no turn.
pub(super) fn served(module: &Module, target: &Target, memory: &Memory) -> Option<ProbeReport> {
    if module.min_interval.is_zero() {
        return None;
    }
    let key = Key::of(module, target);
    let mut state = memory.flights.state();
    if state.running.contains_key(&key) {
        return None;
    }
    let (report, age) = state.results.of(&key, Instant::now())?;
    drop(state);
    Some(served_again(&report, age))
}

/// Waits for the run that is under way, or begins one unless the last result is still served. The
/// flag says whether the run counts for this scrape: the first to have its report, whoever began
/// it, and never one that was served again.
pub(super) async fn share(
    module: &Arc<Module>,
    target: &Target,
    budget: Duration,
    memory: &Arc<Memory>,
) -> (Arc<ProbeReport>, bool) {
    let key = Key::of(module, target);
    let (flight, leads) = match join(module, target, budget, memory, &key) {
        Joined::Leads(flight) => (flight, true),
        Joined::Waits(flight) => (flight, false),
        Joined::Served(report) => return (report, false),
    };
    let waiter = Waiter { flight, key: &key, memory };
    let mut report = waiter.flight.report.clone();
    let finished = async {
        let ready = report.wait_for(Option::is_some).await;
        ready.ok().and_then(|report| report.clone())
    };
    // The run ends by the deadline of the scrape that began it; others may have less time.
    let report = if leads {
        finished.await
    } else {
        tokio::time::timeout(budget, finished).await.ok().flatten()
    };
    match report {
        Some(report) => (report, !waiter.flight.taken.swap(true, Ordering::SeqCst)),
        None => (Arc::new(timed_out(module, target, budget, memory)), false),
    }
}

/// The report of a run that ended before.
fn served_again(report: &ProbeReport, age: Duration) -> ProbeReport {
    let mut served = report.clone();
    // A login that waits after a rejected one has an age of its own.
    served.result_age += age;
    let text = format!(
        "nothing was sent for this scrape: min_interval has it answered with the result of the run that ended {:.1} s ago",
        age.as_secs_f64()
    );
    served.events.insert(0, Event { at: Duration::ZERO, step: None, text });
    served
}

fn join(
    module: &Arc<Module>,
    target: &Target,
    budget: Duration,
    memory: &Arc<Memory>,
    key: &Key,
) -> Joined {
    let mut state = memory.flights.state();
    if let Some(flight) = state.running.get(key) {
        flight.waiters.fetch_add(1, Ordering::SeqCst);
        return Joined::Waits(flight.clone());
    }
    let began = Instant::now();
    if !module.min_interval.is_zero()
        && let Some((report, age)) = state.results.of(key, began)
    {
        return Joined::Served(Arc::new(served_again(&report, age)));
    }
    let (sender, report) = watch::channel(None);
    let fate = Arc::new(OnceLock::new());
    let running = {
        let (module, target, memory) = (module.clone(), target.clone(), memory.clone());
        let (fate, key) = (fate.clone(), key.clone());
        async move {
            let report = run_committing(&module, &target, budget, &memory, &fate).await;
            let report = memory.flights.land(&key, report, began, module.min_interval, &fate);
            // Nobody may wait for it any more.
            let _ = sender.send(Some(report));
        }
    };
    let abort = tokio::spawn(running).abort_handle();
    let flight = Arc::new(Flight {
        report,
        abort,
        waiters: AtomicUsize::new(1),
        taken: AtomicBool::default(),
        fate,
    });
    state.running.insert(key.clone(), flight.clone());
    Joined::Leads(flight)
}
