//! The load as Prometheus spreads it: every target has a moment of its own in each interval,
//! by a hash, and is scraped then, whether or not earlier probes were answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::load::{Connection, Scraped, connect, get, quantile};

/// When targets are scraped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Each of them once in this time.
    pub(crate) interval: Duration,
    /// How long the schedule is followed. Where it is shorter than the interval, those targets
    /// are scraped whose moments are in it.
    pub(crate) lasting: Duration,
}

/// What became of one scrape.
#[derive(Debug)]
pub(crate) struct Observed {
    /// When it was due, from the beginning of the schedule.
    pub(crate) due: Duration,
    /// How late the load sent it.
    pub(crate) late: Duration,
    /// From then until its answer was there.
    pub(crate) took: Duration,
    /// What of that time is not in `probe_duration_seconds` of the answer: how late the probe
    /// began in the contender, and what its answer took to be written and sent. Without an
    /// answer there is none.
    pub(crate) delay: Option<Duration>,
    /// Why it did not succeed.
    pub(crate) failure: Option<String>,
}

/// All scrapes of a schedule in a few numbers.
pub(crate) struct Summary {
    /// Scrapes.
    pub(crate) probes: usize,
    /// Those that did not succeed.
    pub(crate) failed: usize,
    /// Answer times.
    pub(crate) median: Duration,
    /// The same.
    pub(crate) p99: Duration,
    /// [`Observed::delay`].
    pub(crate) delay_p99: Duration,
    /// [`Observed::late`].
    pub(crate) late_p99: Duration,
}

/// A scraper waits this long for an answer.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(30);

impl Schedule {
    /// Each scrape with its moment and the number of its target, in order.
    fn moments(self, targets: usize) -> Vec<(Duration, usize)> {
        let mut moments = Vec::new();
        for target in 0..targets {
            let mut due = Duration::from_nanos(
                hash(target as u64) % u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX),
            );
            while due < self.lasting {
                moments.push((due, target));
                due += self.interval;
            }
        }
        moments.sort_unstable();
        moments
    }

    /// Follows it, a path a target.
    pub(crate) async fn follow(
        self,
        address: SocketAddr,
        paths: Arc<[String]>,
    ) -> Result<Vec<Observed>> {
        let idle = Arc::new(Mutex::new(Vec::new()));
        let mut scrapes = JoinSet::new();
        let started = Instant::now();
        for (due, target) in self.moments(paths.len()) {
            tokio::time::sleep_until((started + due).into()).await;
            let (idle, paths) = (idle.clone(), paths.clone());
            scrapes.spawn(async move {
                let begun = Instant::now();
                let path = paths.get(target).map_or("/", String::as_str);
                let scrape = tokio::time::timeout(SCRAPE_TIMEOUT, scrape(&idle, address, path));
                let answer = match scrape.await {
                    Ok(answer) => answer,
                    Err(_) => Err("no answer in time".into()),
                };
                let took = begun.elapsed();
                let late = begun.duration_since(started).saturating_sub(due);
                let probe = answer.as_ref().ok().and_then(Scraped::probe_duration);
                let failure = answer.and_then(|answer| answer.succeeded()).err();
                Observed {
                    due,
                    late,
                    took,
                    delay: probe.map(|probe| took.saturating_sub(probe)),
                    failure: failure.map(|error| format!("{path}: {error}")),
                }
            });
        }
        let mut observed = Vec::new();
        while let Some(scrape) = scrapes.join_next().await {
            observed.push(scrape?);
        }
        Ok(observed)
    }
}

/// Over a connection that nobody uses, or a new one.
async fn scrape(idle: &Mutex<Vec<Connection>>, address: SocketAddr, path: &str) -> Result<Scraped> {
    let mut connection = loop {
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut kept) = kept else { break connect(address).await? };
        // The contender may have closed it meanwhile.
        if kept.ready().await.is_ok() {
            break kept;
        }
    };
    let answer = get(&mut connection, address, path).await?;
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    Ok(answer)
}

/// Spreads numbers that follow one another (the finalizer of `SplitMix64`).
fn hash(number: u64) -> u64 {
    let mut hash = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The numbers; none when there was no scrape at all.
pub(crate) fn summary(observed: &[Observed]) -> Option<Summary> {
    let sorted = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times
    };
    let took = sorted(observed.iter().map(|one| one.took).collect());
    let late = sorted(observed.iter().map(|one| one.late).collect());
    let delays = sorted(observed.iter().filter_map(|one| one.delay).collect());
    Some(Summary {
        probes: observed.len(),
        failed: observed.iter().filter(|one| one.failure.is_some()).count(),
        median: quantile(&took, 50)?,
        p99: quantile(&took, 99)?,
        delay_p99: quantile(&delays, 99)?,
        late_p99: quantile(&late, 99)?,
    })
}
