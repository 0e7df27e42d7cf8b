//! How many probes run at once. More wait, and what waits too long is told so: a probe is never
//! dropped in silence.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// The limit, and who waits for it.
pub(super) struct Admission {
    /// `None`: everybody is let in.
    running: Option<Semaphore>,
    limit: usize,
    waiting: Arc<AtomicUsize>,
}

/// Leave to run, given back when it is dropped, and the time that is left.
pub(super) struct Admitted<'a> {
    _permit: Option<SemaphorePermit<'a>>,
    /// Of the budget.
    pub(super) left: Duration,
}

/// Why there is no leave.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// The queue is full.
    #[error("{limit} probes run and as many wait")]
    Full {
        /// How many run at once.
        limit: usize,
    },
    /// It took too long.
    #[error("{limit} probes ran for half of the budget while this one waited")]
    TooLate {
        /// How many run at once.
        limit: usize,
    },
}

impl Admission {
    /// So many run at once and as many wait; 0 is no limit.
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        let running = (limit > 0).then(|| Semaphore::new(limit));
        Self { running, limit, waiting: Arc::default() }
    }

    /// Waits for half of the budget at most, so that the probe has a fair chance afterwards.
    pub(super) async fn enter(&self, budget: Duration) -> Result<Admitted<'_>, Refused> {
        let Some(running) = &self.running else {
            return Ok(Admitted { _permit: None, left: budget });
        };
        if let Ok(permit) = running.try_acquire() {
            return Ok(Admitted { _permit: Some(permit), left: budget });
        }
        let limit = self.limit;
        let waiting = Waiting::begin(&self.waiting, limit).ok_or(Refused::Full { limit })?;
        let since = Instant::now();
        let permit = tokio::time::timeout(budget / 2, running.acquire()).await;
        drop(waiting);
        match permit {
            Ok(Ok(permit)) => {
                let left = budget.saturating_sub(since.elapsed());
                Ok(Admitted { _permit: Some(permit), left })
            }
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Refused::TooLate { limit }),
        }
    }

    /// How many run at most; 0 is no limit.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One that waits.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn begin(waiting: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |now: usize| (now < most).then_some(now + 1);
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(waiting.clone()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn as_many_wait_as_run_and_half_of_their_budget() {
        let admission = Arc::new(Admission::new(1));
        let budget = Duration::from_millis(200);
        let first = admission.enter(budget).await.ok();
        assert_eq!(first.as_ref().map(|admitted| admitted.left), Some(budget));
        let waiting = {
            let admission = admission.clone();
            tokio::spawn(async move { admission.enter(budget).await.map(|admitted| admitted.left) })
        };
        tokio::task::yield_now().await;
        assert_eq!(admission.waiting(), 1);
        let full = Refused::Full { limit: 1 };
        assert_eq!(admission.enter(budget).await.err(), Some(full));
        let late = Refused::TooLate { limit: 1 };
        assert_eq!(waiting.await.unwrap(), Err(late));
        assert_eq!(admission.waiting(), 0);
        drop(first);
        assert!(admission.enter(budget).await.is_ok());
        let open = Admission::new(0);
        let (one, other) = (open.enter(budget).await, open.enter(budget).await);
        assert!(one.is_ok() && other.is_ok());
    }
}
