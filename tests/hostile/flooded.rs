//! Probes of those who may ask, while others flood the exporter: their p99 stays within twice of
//! what it is without a flood.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::task::JoinSet;

use crate::exporter::Exporter;
use crate::flood::{Flood, Kind};
use crate::modules::{configuration, target};
use crate::provider::Provider;
use crate::scrape::{self, probe_path};
use crate::{alone, program};

/// Probes per second: whether they are answered or not, the next one is sent.
const RATE: u32 = 50;
/// How long they are sent without a flood, and with one.
const LASTING: Duration = Duration::from_secs(4);
/// What the p99 may become.
const AT_MOST: f64 = 2.0;
/// And this much more, in milliseconds, where what is flooded is a debug build, which takes
/// tens of times as long to read a request. `cargo test --release --test hostile` measures strictly.
const DEBUG_MORE: f64 = if cfg!(debug_assertions) { 250.0 } else { 0.0 };
/// A moment may be bad: the best of so many.
const ATTEMPTS: usize = 3;
/// A machine of which others take more than this share of a core measures those.
const OTHERS: f64 = 0.5;

const USER: &str = "prometheus";
const PASSWORD: &str = "the-right-one";

/// The exporter on one core, all else on another: what is measured is the exporter.
fn pin(process: &str, core: usize) {
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", &core.to_string(), process])
        .stdout(Stdio::null())
        .status()
        .expect("taskset, of util-linux");
    assert!(status.success(), "taskset cannot pin to core {core}: two cores are needed");
}

/// Sends at the rate, and tells how long each answer took. All of them must be good.
async fn probes(address: SocketAddr, path: &str) -> Vec<Duration> {
    let authorization =
        format!("authorization: Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let mut clock = tokio::time::interval(Duration::from_secs(1) / RATE);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let (ends, mut running) = (Instant::now() + LASTING, JoinSet::new());
    while Instant::now() < ends {
        clock.tick().await;
        let (path, authorization) = (path.to_owned(), authorization.clone());
        running.spawn(async move {
            let began = Instant::now();
            let headers = [authorization.as_str(), "x-prometheus-scrape-timeout-seconds: 10"];
            let answer = scrape::send(address, "GET", &path, &headers).await;
            let took = began.elapsed();
            let answer = answer.unwrap_or_else(|error| panic!("after {took:?}: {error}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.metrics().success(), "{}", answer.metrics().story());
            took
        });
    }
    let mut times = running.join_all().await;
    times.sort_unstable();
    times
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[sorted.len() * percent / 100].as_secs_f64() * 1000.0
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_keep_their_p99_within_twice_under_a_flood() {
    let _alone = alone().await;
    let this = std::process::id().to_string();
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit {
            current: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
            ..rustix::process::getrlimit(rustix::process::Resource::Nofile)
        },
    )
    .expect("more descriptors");

    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration(&provider)).unwrap();
    let web = folder.path().join("web.yml");
    let hash = bcrypt::hash(PASSWORD, 10).unwrap();
    std::fs::write(&web, format!("basic_auth_users: {{{USER}: '{hash}'}}")).unwrap();
    // Started there, it counts one core, and has as many threads.
    pin(&this, 0);
    let exporter = Exporter::start(
        program(),
        &file,
        &["--web.config.file", web.to_str().unwrap(), "--log.prober", "error"],
    );
    pin(&this, 1);
    let address = exporter.address;
    let path = probe_path("watched", &target(&provider, "watched"));
    probes(address, &path).await;

    let (mut wrong, mut busy) = (Vec::new(), 0);
    let each = Kind::ALL.map(|kind| vec![kind]);
    for kinds in each.into_iter().chain([Kind::ALL.to_vec()]) {
        let mut best = f64::INFINITY;
        for _ in 0..ATTEMPTS {
            let (others, measuring) = (others(&exporter), Instant::now());
            let quiet = probes(address, &path).await;
            let flood = Flood::start(&kinds, address);
            flood.arrived().await;
            let (before, began) = (flood.sent(), Instant::now());
            let flooded = probes(address, &path).await;
            let took = began.elapsed().as_secs_f64();
            let sent: Vec<_> = std::iter::zip(flood.sent(), before)
                .map(|((kind, after), (_, before))| {
                    format!("{kind:?} {:.0}/s", (after - before) as f64 / took)
                })
                .collect();
            drop(flood);
            let others = (self::others(&exporter) - others) / measuring.elapsed().as_secs_f64();
            let (in_peace, in_flood) = (percentile(&quiet, 99), percentile(&flooded, 99));
            println!(
                "{kinds:?}: p50 {:.2} ms, p99 {in_peace:.2} ms; flooded p50 {:.2} ms, p99 {in_flood:.2} ms, {:.2} times ({}); others take {others:.2} of a core",
                percentile(&quiet, 50),
                percentile(&flooded, 50),
                in_flood / in_peace,
                sent.join(", ")
            );
            if others > OTHERS {
                busy += 1;
            }
            best = best.min(in_flood - AT_MOST * in_peace);
            if best <= DEBUG_MORE {
                break;
            }
        }
        if best > DEBUG_MORE {
            wrong.push(format!("{kinds:?}: {best:.2} ms above {AT_MOST} times"));
        }
    }
    // Other tests may have both cores again.
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", "0-1", &this])
        .stdout(Stdio::null())
        .status()
        .expect("taskset, of util-linux");
    assert!(status.success());
    assert_eq!(wrong, [""; 0], "of the attempts, {busy} were made while others took the machine");
}

/// Seconds of CPU that others than the exporter and this program took so far.
fn others(exporter: &Exporter) -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .skip(1)
        .map(|field| field.parse().unwrap())
        .collect();
    // All but what is idle, waits for a disk, or was a guest's, which is counted twice.
    let ticks: u64 = [0, 1, 2, 5, 6, 7].map(|field| fields[field]).iter().sum();
    let own = exporter.computed() + crate::exporter::computed("self");
    ticks as f64 / 100.0 - own.as_secs_f64()
}
