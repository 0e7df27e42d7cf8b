//! Places for connections. When all are taken, whoever has asked for nothing the longest makes
//! room: a client that connects and keeps silent takes no place from one that asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How often the log tells that places are short.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// So many connections are served at once.
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// Connections on which nothing is being answered, the one that waits longest first.
#[derive(Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, Arc<Notify>>,
    told: Option<Instant>,
}

impl Places {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(limit)), waiting: Mutex::default() })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection. When none is free, one is made; when each is being answered,
    /// it waits for the first that is done.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Place> {
        let permit = if let Ok(permit) = self.free.clone().try_acquire_owned() {
            permit
        } else {
            self.make_room();
            // It is never closed.
            self.free.clone().acquire_owned().await.ok()?
        };
        let place = Place {
            places: self.clone(),
            leave: Arc::default(),
            state: Mutex::default(),
            _permit: permit,
        };
        place.state().number = Some(place.wait());
        Some(place)
    }

    fn make_room(&self) {
        let mut waiting = self.waiting();
        if waiting.told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
            waiting.told = Some(Instant::now());
            tracing::warn!("all places are taken: connections that ask for nothing are closed");
        }
        if let Some((_, leave)) = waiting.connections.pop_first() {
            leave.notify_one();
        }
    }
}

/// The place of one connection.
pub(super) struct Place {
    places: Arc<Places>,
    leave: Arc<Notify>,
    state: Mutex<State>,
    _permit: OwnedSemaphorePermit,
}

/// Either it waits, or it is being answered; both at once in neither order.
#[derive(Default)]
struct State {
    /// Its number among those that wait.
    number: Option<u64>,
    /// Requests that are being answered.
    asking: usize,
}

impl Place {
    /// Ends when the place is needed for somebody else.
    pub(super) async fn needed(&self) {
        self.leave.notified().await;
    }

    /// A request has come: the place is kept until this is dropped.
    pub(super) fn asked(self: &Arc<Self>) -> Asking {
        let mut state = self.state();
        state.asking += 1;
        self.stop_waiting(&mut state);
        Asking(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number from now on.
    fn wait(&self) -> u64 {
        let mut waiting = self.places.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(number, self.leave.clone());
        number
    }

    fn stop_waiting(&self, state: &mut State) {
        if let Some(number) = state.number.take() {
            self.places.waiting().connections.remove(&number);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop_waiting(&mut self.state());
    }
}

/// A request that is being answered.
pub(super) struct Asking(Arc<Place>);

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.asking -= 1;
        if state.asking == 0 {
            state.number = Some(self.0.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_longest_makes_room_and_who_is_answered_does_not() {
        let places = Places::new(3);
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.push(Arc::new(places.take().await.unwrap()));
        }
        // The first is being answered, the second was.
        let answered = taken[0].asked();
        drop(taken[1].asked());
        let come = || {
            let places = places.clone();
            tokio::spawn(async move { places.take().await.unwrap() })
        };
        let coming = come();
        taken[2].needed().await;
        drop(taken.pop());
        let third = coming.await.unwrap();
        // Now the second has waited longest; the first is left in peace until it is answered.
        let coming = come();
        taken[1].needed().await;
        drop(taken.pop());
        let fourth = coming.await.unwrap();
        assert_eq!(places.waiting().connections.len(), 2);
        drop((third, fourth));
        assert!(places.waiting().connections.is_empty());
        drop(answered);
        assert_eq!(places.waiting().connections.len(), 1);
        drop(taken);
        assert!(places.waiting().connections.is_empty());
    }
}
