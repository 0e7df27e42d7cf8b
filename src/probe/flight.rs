//! Simultaneous scrapes of a probe that spends something share one run of it: a password is not
//! sent twice at once, nor a one-time code or a refresh token twice at all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::memory::Key;
use super::{Memory, Module, Target, run_committing, timed_out};
use crate::report::ProbeReport;

/// The runs that are under way.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Key, Arc<Flight>>>);

/// A run that several scrapes wait for.
struct Flight {
    report: watch::Receiver<Option<Arc<ProbeReport>>>,
    abort: AbortHandle,
    waiters: AtomicUsize,
    /// A scrape has taken the report as its own: the run counts once.
    taken: AtomicBool,
    /// Something was spent: from then on the run goes to its end, whoever waits for it.
    committed: Arc<AtomicBool>,
}

impl Flights {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scrape that waits. The last one to leave ends the run, unless something was spent.
struct Waiter<'a> {
    flight: Arc<Flight>,
    key: &'a Key,
    memory: &'a Memory,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut flights = self.memory.flights.all();
        let last = self.flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && !self.flight.committed.load(Ordering::SeqCst) {
            self.flight.abort.abort();
            if flights.get(self.key).is_some_and(|known| Arc::ptr_eq(known, &self.flight)) {
                flights.remove(self.key);
            }
        }
    }
}

/// Waits for the run that is under way, or begins one. The flag says whether the run counts for
/// this scrape: the first to have its report, whoever began it.
pub(super) async fn share(
    module: &Arc<Module>,
    target: &Target,
    budget: Duration,
    memory: &Arc<Memory>,
) -> (Arc<ProbeReport>, bool) {
    let key = Key::of(module, target);
    let (flight, leads) = join(module, target, budget, memory, &key);
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

fn join(
    module: &Arc<Module>,
    target: &Target,
    budget: Duration,
    memory: &Arc<Memory>,
    key: &Key,
) -> (Arc<Flight>, bool) {
    let mut flights = memory.flights.all();
    if let Some(flight) = flights.get(key) {
        flight.waiters.fetch_add(1, Ordering::SeqCst);
        return (flight.clone(), false);
    }
    let (sender, report) = watch::channel(None);
    let committed = Arc::new(AtomicBool::new(false));
    let running = {
        let (module, target, memory) = (module.clone(), target.clone(), memory.clone());
        let (committed, key) = (committed.clone(), key.clone());
        async move {
            let report = run_committing(&module, &target, budget, &memory, &committed).await;
            memory.flights.all().remove(&key);
            // Nobody may wait for it any more.
            let _ = sender.send(Some(Arc::new(report)));
        }
    };
    let abort = tokio::spawn(running).abort_handle();
    let flight = Arc::new(Flight {
        report,
        abort,
        waiters: AtomicUsize::new(1),
        taken: AtomicBool::default(),
        committed,
    });
    flights.insert(key.clone(), flight.clone());
    (flight, true)
}
