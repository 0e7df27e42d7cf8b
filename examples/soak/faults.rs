//! Which fault is on. They come in an order made of a seed, each once before any comes again, and
//! with pauses in which nothing is wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::expected::expected;
use crate::provider::{Fault, Provider};

/// A pause in which nothing is wrong.
const PAUSE: Duration = Duration::from_secs(5);
/// At least as long is a fault on.
const SHORTEST: Duration = Duration::from_secs(5);

/// What is wrong since when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Now {
    pub(crate) fault: Option<Fault>,
    pub(crate) since: Instant,
}

/// The fault that is on, for those who judge.
pub(crate) struct Switch(Mutex<Now>);

impl Switch {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Now { fault: None, since: Instant::now() }))
    }

    fn state(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Now {
        *self.state()
    }

    fn to(&self, provider: &Provider, fault: Option<Fault>) {
        let mut state = self.state();
        if let Some(before) = state.fault {
            provider.switch_off(before);
        }
        if let Some(fault) = fault {
            provider.switch_on(fault);
        }
        *state = Now { fault, since: Instant::now() };
    }
}

/// Switches until it is aborted. A fault that takes a whole budget stays for two scrapes.
pub(crate) async fn switch(switch: &Switch, provider: &Provider, seed: u64, interval: Duration) {
    let mut random = Random(seed);
    loop {
        let mut deck = Fault::ALL.to_vec();
        for last in (1..deck.len()).rev() {
            deck.swap(last, random.below(last + 1));
        }
        for fault in deck {
            if random.below(3) == 0 {
                switch.to(provider, None);
                tokio::time::sleep(PAUSE).await;
            }
            switch.to(provider, Some(fault));
            let hangs = expected(fault).story.contains("timeout");
            let base = if hangs { 2 * interval } else { SHORTEST };
            let more = Duration::from_millis(random.below(3000) as u64);
            tokio::time::sleep(base + more).await;
            // What it saw is of no use here.
            provider.forget_seen();
        }
    }
}

/// `SplitMix64`: the same seed, the same order.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }
}
