//! The rate limit: a token bucket for all requests together, and for lines of the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::file::RateLimit;
use crate::settings::{Error, Path};

/// One request an interval, and so many at once.
pub(in crate::server) struct Rate {
    pub(in crate::server) interval: Duration,
    pub(in crate::server) burst: u32,
}

impl Rate {
    /// `None` when the limit is switched off.
    pub(super) fn new(limit: &RateLimit) -> Result<Option<Self>, Error> {
        let at = Path::default().key("rate_limit");
        let interval = limit.interval.0;
        match (interval.is_zero(), limit.burst) {
            (true, 0) => Ok(None),
            (true, _) => Err(at.key("burst").error("needs an interval")),
            (false, 0) => Err(at.error("needs a burst of 1 or more: nothing would be answered")),
            (false, burst) => Ok(Some(Self { interval, burst })),
        }
    }
}

/// The bucket. It is full at first.
#[derive(Default)]
pub(in crate::server) struct Bucket(Mutex<Option<Level>>);

struct Level {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Takes a token, when there is one.
    pub(in crate::server) fn take(&self, rate: &Rate) -> bool {
        self.take_at(rate, Instant::now())
    }

    fn take_at(&self, rate: &Rate, now: Instant) -> bool {
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let burst = f64::from(rate.burst);
        let level = level.get_or_insert(Level { tokens: burst, at: now });
        let gained = now.duration_since(level.at).as_secs_f64() / rate.interval.as_secs_f64();
        level.tokens = (level.tokens + gained).min(burst);
        level.at = now;
        let has = level.tokens >= 1.0;
        if has {
            level.tokens -= 1.0;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_one_an_interval() {
        let rate = Rate { interval: Duration::from_secs(1), burst: 3 };
        let bucket = Bucket::default();
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let taken = [0, 0, 0, 0, 999, 1001, 1002, 60_000, 60_000, 60_000, 60_000]
            .map(|milliseconds| bucket.take_at(&rate, at(milliseconds)));
        assert_eq!(taken, [true, true, true, false, false, true, false, true, true, true, false]);
    }
}
