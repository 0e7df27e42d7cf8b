//! Many targets over minutes: how many answers there are in each second, how late and how long,
//! and what the exporter takes meanwhile.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::Result;
use crate::contenders::{Contender, MANY_TARGETS, Programs, Who};
use crate::graph::{Panel, draw};
use crate::load::quantile;
use crate::process::Process;
use crate::schedule::{Observed, Schedule, summary};
use crate::target::Farm;
use crate::work::{Work, scheduled_config};

/// A certificate each.
const ADDRESSES: u32 = 250;
const PORTS: usize = 4;

const INTERVAL: Duration = Duration::from_secs(60);
const INTERVALS: u32 = 3;

/// The exporter at one moment.
struct Taken {
    cpu: Duration,
    memory: u64,
    descriptors: usize,
}

/// Runs it, prints a summary and draws the graph. Whether every probe succeeded.
pub(crate) fn run(programs: &Programs, graph: &Path) -> Result<bool> {
    let farm = Farm::start(ADDRESSES, PORTS)?;
    let origins = farm.origins.iter().cycle().take(MANY_TARGETS);
    let targets: Vec<String> =
        origins.enumerate().map(|(number, origin)| format!("{origin}/token/{number}")).collect();
    let folder = TempDir::new()?;
    let (config, roots) = (folder.path().join("config.yml"), folder.path().join("roots.pem"));
    fs::write(&config, scheduled_config(&targets))?;
    fs::write(&roots, &farm.ca_pem)?;
    let exporter = programs.program(Who::Exporter);
    // Where every probe fails, there is no need to read it ten thousand times.
    let complaints = Stdio::null();
    let contender =
        Contender::start_with(Who::Exporter, exporter, &config, Some(&roots), complaints)?;
    let paths: Arc<[String]> = targets.iter().map(|url| Work::Scheduled.path(url)).collect();

    let schedule = Schedule { interval: INTERVAL, lasting: INTERVAL * INTERVALS };
    eprintln!(
        "{MANY_TARGETS} targets at {} origins, {} s each, for {} s …",
        farm.origins.len(),
        INTERVAL.as_secs(),
        schedule.lasting.as_secs()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let address = contender.address()?;
    let Contender { process, .. } = contender;
    let (observed, taken) = runtime.block_on(async {
        let taken = Mutex::new(Vec::new());
        let observed = tokio::select! {
            observed = schedule.follow(address, paths) => observed?,
            error = watch(&process, &taken) => return Err(error),
        };
        Ok::<_, crate::Error>((observed, taken))
    })?;
    let taken = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
    fs::write(graph, drawn(&schedule, &observed, &taken))?;
    print(&observed, &taken)
}

/// Looks at it every second. Ends with an error alone.
async fn watch(process: &Process, taken: &Mutex<Vec<Taken>>) -> crate::Error {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        let look = || -> Result<Taken> {
            let (cpu, memory) = (process.cpu()?, process.resident_memory()?);
            Ok(Taken { cpu, memory, descriptors: process.descriptors()? })
        };
        match look() {
            Ok(now) => taken.lock().unwrap_or_else(PoisonError::into_inner).push(now),
            Err(error) => return error,
        }
    }
}

fn print(observed: &[Observed], taken: &[Taken]) -> Result<bool> {
    let all = summary(observed).ok_or("no probe was answered")?;
    for failure in observed.iter().filter_map(|one| one.failure.as_deref()).take(10) {
        eprintln!("  {failure}");
    }
    let cores: Vec<f64> = cores(taken).into_iter().flatten().collect();
    let memory = || taken.iter().map(|now| now.memory);
    let descriptors = taken.iter().map(|now| now.descriptors).max().unwrap_or_default();
    println!("probes        {}, {} of them failed", all.probes, all.failed);
    println!(
        "answer time   median {:.2} ms, p99 {:.2} ms",
        milliseconds(all.median),
        milliseconds(all.p99)
    );
    println!("delay         p99 {:.2} ms", milliseconds(all.delay_p99));
    println!("load's delay  p99 {:.2} ms", milliseconds(all.late_p99));
    println!(
        "cores         {:.3}, {:.2} in the worst second",
        cores.iter().sum::<f64>() / float(cores.len()),
        cores.iter().copied().fold(0.0, f64::max)
    );
    println!(
        "memory        {:.1} MB at first, at most {:.1} MB, {:.1} MB at the end",
        megabytes(memory().next().unwrap_or_default()),
        megabytes(memory().max().unwrap_or_default()),
        megabytes(memory().next_back().unwrap_or_default())
    );
    println!("descriptors   at most {descriptors}");
    Ok(all.failed == 0)
}

fn drawn(schedule: &Schedule, observed: &[Observed], taken: &[Taken]) -> String {
    let seconds = usize::try_from(schedule.lasting.as_secs()).unwrap_or(usize::MAX);
    let mut answered = vec![0; seconds];
    let mut failed = vec![0; seconds];
    let mut took = vec![Vec::new(); seconds];
    let mut delays = vec![Vec::new(); seconds];
    let second = |time: Duration| usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    for one in observed {
        let answer = if one.failure.is_some() { &mut failed } else { &mut answered };
        if let Some(count) = answer.get_mut(second(one.due + one.late + one.took)) {
            *count += 1;
        }
        if let Some(times) = took.get_mut(second(one.due)) {
            times.push(one.took);
        }
        if let (Some(times), Some(delay)) = (delays.get_mut(second(one.due)), one.delay) {
            times.push(delay);
        }
    }
    for times in took.iter_mut().chain(&mut delays) {
        times.sort_unstable();
    }
    let counts = |counts: Vec<usize>| counts.into_iter().map(|count| Some(float(count))).collect();
    let quantiles = |times: &[Vec<Duration>], percent| -> Vec<Option<f64>> {
        times.iter().map(|times| quantile(times, percent).map(milliseconds)).collect()
    };
    let of_exporter = |value: fn(&Taken) -> f64| -> Vec<Option<f64>> {
        taken.iter().take(seconds).map(|now| Some(value(now))).collect()
    };
    let panels = [
        Panel {
            title: "probes a second",
            lines: vec![("succeeded", counts(answered)), ("failed", counts(failed))],
        },
        Panel {
            title: "answer time, ms",
            lines: vec![("p50", quantiles(&took, 50)), ("p99", quantiles(&took, 99))],
        },
        Panel {
            title: "scheduling delay, ms",
            lines: vec![("p50", quantiles(&delays, 50)), ("p99", quantiles(&delays, 99))],
        },
        Panel {
            title: "CPU, cores",
            lines: vec![("", cores(taken).into_iter().take(seconds).collect())],
        },
        Panel {
            title: "resident memory, MB",
            lines: vec![("", of_exporter(|now| megabytes(now.memory)))],
        },
        Panel {
            title: "open descriptors",
            lines: vec![("", of_exporter(|now| float(now.descriptors)))],
        },
    ];
    let interval = second(schedule.interval);
    let marks: Vec<usize> = (interval..seconds).step_by(interval).collect();
    draw(
        "auth_exporter, 10,000 targets at 60 s on one core",
        "each probe: token, keys, verification of the JWT and a call of the API over one TLS connection",
        &panels,
        &marks,
    )
}

/// CPU time of each second.
fn cores(taken: &[Taken]) -> Vec<Option<f64>> {
    let pairs = taken.iter().zip(taken.iter().skip(1));
    pairs.map(|(before, now)| Some((now.cpu.saturating_sub(before.cpu)).as_secs_f64())).collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

// Counts and sizes of a benchmark are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[allow(clippy::cast_precision_loss)]
const fn float(number: usize) -> f64 {
    number as f64
}
