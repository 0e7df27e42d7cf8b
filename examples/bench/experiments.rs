//! What is measured together: contenders that run at the same time and are loaded in turn.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::Result;
use crate::browser::Browser;
use crate::contenders::{Contender, Files, MANY_TARGETS, Programs, Setup, Who};
use crate::load::{Load, connect, get, quantile};
use crate::schedule::{Schedule, summary};
use crate::target::Target;
use crate::work::{MANY_MODULES, Work};

/// An experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Experiment {
    /// A work, with so many probes in flight.
    Loaded(Work, usize),
    /// Memory of a fresh process with so many probes in flight, 0 for an idle one.
    InFlight(usize),
    /// Many targets against few.
    Targets {
        /// Whether they are listed, or allowed by a pattern.
        listed: bool,
    },
    /// [`Work::Scheduled`] at many targets, each once in an interval of so many seconds.
    Scheduled(u64),
    /// Many modules, by a fresh process each.
    Modules,
    /// What is answered.
    Sizes,
    /// Signed metadata, by a fresh process each.
    Aggregate,
    /// A login at a time, by the exporter and by a browser that is open already.
    Login,
    /// A start, and the binary.
    Start,
}

/// What is measured of a contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quantity {
    /// CPU time of a probe in microseconds.
    Cpu,
    /// Probes a second.
    Rate,
    /// Time of the probe in the middle, in milliseconds.
    Median,
    /// Time that one probe in a hundred exceeds, in milliseconds.
    P99,
    /// The same of the delay of the probe within its contender ([`Observed::delay`]).
    DelayP99,
    /// The same of the delay of the load.
    LateP99,
    /// CPU time a second.
    Cores,
    /// Probes that did not succeed.
    Failed,
    /// High-water mark of the memory in megabytes.
    Memory,
    /// What it is above that of the same process before its first probe, in megabytes.
    MemoryAboveIdle,
    /// What each probe in flight adds to it, in kilobytes.
    MemoryOfProbe,
    /// What each target adds to it, in kilobytes.
    MemoryOfTarget,
    /// The high-water mark after reloads, in megabytes.
    MemoryReloaded,
    /// The same over the high-water mark before.
    MemoryGrowth,
    /// From the start until it is ready, in milliseconds.
    Ready,
    /// A reload, in milliseconds.
    Reload,
    /// CPU time until then, in milliseconds.
    StartCpu,
    /// Size of the binary in megabytes.
    Binary,
    /// Size of the answer to a probe in bytes.
    ProbeSize,
    /// The same, compressed.
    ProbeSent,
    /// Size of `/metrics` in bytes.
    MetricsSize,
    /// Connections a probe, as the target counted them.
    Connections,
    /// Those of them that resumed a session.
    Resumptions,
}

/// The numbers of one contender in one round.
pub(crate) type Sample = BTreeMap<Quantity, f64>;

/// The numbers of one round. Ratios are formed inside of it.
pub(crate) type Round = BTreeMap<Who, Sample>;

impl Experiment {
    /// Its name in the report.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Loaded(work, at_once) => format!("{work:?}, {at_once} in flight"),
            Self::InFlight(0) => "idle".to_owned(),
            Self::InFlight(in_flight) => format!("fresh process, {in_flight} in flight"),
            Self::Targets { listed: true } => format!("{MANY_TARGETS} listed targets"),
            Self::Targets { listed: false } => format!("{MANY_TARGETS} targets of a pattern"),
            Self::Scheduled(interval) => {
                let shown = Duration::from_secs(interval).min(SCHEDULE).as_secs();
                format!("{MANY_TARGETS} targets at {interval} s, {shown} s of it")
            }
            Self::Modules => format!("{MANY_MODULES} modules"),
            Self::Sizes => "sizes of answers".to_owned(),
            Self::Aggregate => "signed metadata".to_owned(),
            Self::Login => "login with a form".to_owned(),
            Self::Start => "start".to_owned(),
        }
    }

    /// Who takes part.
    const fn contenders(self) -> &'static [Who] {
        match self {
            Self::Loaded(_, 1 | 16) => &[Who::Exporter, Who::Blackbox, Who::Bare, Who::Again],
            Self::Targets { .. } => &[Who::Exporter, Who::FewTargets, Who::Again],
            Self::Aggregate => &[Who::Exporter, Who::Xmlsec1, Who::Again],
            Self::Login => &[Who::Exporter, Who::Chromium, Who::Again],
            _ => &[Who::Exporter, Who::Blackbox, Who::Again],
        }
    }
}

/// A load of a round: long enough for ticks of a hundredth of a second, and bounded.
const fn one_second(at_once: usize) -> Load {
    Load { at_once, at_most: 20_000, lasting: Duration::from_millis(1200) }
}

/// So much of a schedule is followed in a round, at its rate; all of a shorter one.
const SCHEDULE: Duration = Duration::from_secs(20);

/// Reloads of a fresh process.
const RELOADS: usize = 5;

/// What comes before the first round, so that nothing is done for the first time in it.
const WARM_UP: Load = Load { at_once: 16, at_most: 200, lasting: Duration::from_secs(10) };

/// Everything that experiments need.
pub(crate) struct Bench {
    programs: Programs,
    files: Files,
    target: Target,
    runtime: Runtime,
    rounds: usize,
}

impl Bench {
    pub(crate) fn new(programs: Programs, host: &str, rounds: usize) -> Result<Self> {
        let target = Target::start(host)?;
        Ok(Self {
            programs,
            files: Files::write(&target)?,
            target,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            rounds,
        })
    }

    /// The rounds of an experiment.
    pub(crate) fn run(&self, experiment: Experiment) -> Result<Vec<Round>> {
        eprintln!("{}, {} rounds …", experiment.name(), self.rounds);
        let mut running = match experiment {
            Experiment::Loaded(work, _) => self.running(experiment, Setup::Works, work, WARM_UP)?,
            // Every target is known before the first round.
            Experiment::Targets { listed } => {
                let all =
                    Load { at_once: 16, at_most: MANY_TARGETS, lasting: Duration::from_secs(60) };
                self.running(experiment, Setup::Targets { listed }, Work::Targets { listed }, all)?
            }
            Experiment::Scheduled(_) => {
                self.running(experiment, Setup::Scheduled, Work::Scheduled, WARM_UP)?
            }
            // Each measurement takes a fresh process.
            Experiment::InFlight(_)
            | Experiment::Modules
            | Experiment::Sizes
            | Experiment::Aggregate
            | Experiment::Login
            | Experiment::Start => Vec::new(),
        };
        let mut rounds = Vec::new();
        for number in 1..=self.rounds {
            let mut order = experiment.contenders().to_vec();
            if number % 2 == 0 {
                order.reverse();
            }
            let mut round = Round::new();
            for who in order {
                let contender = running.iter_mut().find(|contender| contender.who == who);
                let sample = match (experiment, contender) {
                    (Experiment::Loaded(work, at_once), Some(contender)) => {
                        self.loaded(contender, work, one_second(at_once))
                    }
                    (Experiment::Targets { listed }, Some(contender)) => {
                        self.loaded(contender, Work::Targets { listed }, one_second(16))
                    }
                    (Experiment::Scheduled(interval), Some(contender)) => {
                        self.scheduled(contender, Duration::from_secs(interval))
                    }
                    (Experiment::Modules, _) => self.modules(who),
                    (Experiment::Sizes, _) => self.sizes(who),
                    (Experiment::InFlight(in_flight), _) => self.in_flight(who, in_flight),
                    (Experiment::Aggregate, _) => self.aggregate(who),
                    (Experiment::Login, _) => self.login(who),
                    (Experiment::Start, _) => self.start(who),
                    (_, None) => Err("it does not run".into()),
                };
                let sample = sample.map_err(|error| format!("{}: {error}", who.name()))?;
                round.insert(who, sample);
            }
            add_memory_of_target(&mut round);
            rounds.push(round);
        }
        Ok(rounds)
    }

    fn running(
        &self,
        experiment: Experiment,
        setup: Setup,
        work: Work,
        warm_up: Load,
    ) -> Result<Vec<Contender>> {
        let mut running = Vec::new();
        for who in experiment.contenders() {
            let mut contender = self.fresh(*who, setup)?;
            contender
                .load(&self.runtime, &self.target, work, warm_up)
                .map_err(|error| format!("{}: {error}", who.name()))?;
            running.push(contender);
        }
        Ok(running)
    }

    fn fresh(&self, who: Who, setup: Setup) -> Result<Contender> {
        Contender::start(who, setup, &self.programs, &self.files, &self.target)
    }

    /// One load of a running contender.
    fn loaded(&self, contender: &mut Contender, work: Work, load: Load) -> Result<Sample> {
        let (cpu, seen) = (contender.process.cpu()?, self.target.seen());
        let loaded = contender.load(&self.runtime, &self.target, work, load)?;
        let cpu = contender.process.cpu()?.saturating_sub(cpu);
        let seen = self.target.seen() - seen;
        let probes = loaded.probes;
        let connections = seen.full_handshakes + seen.resumptions;
        let exact = match contender.who {
            Who::Blackbox => true,
            _ => connections == probes * work.connections() && seen.resumptions == 0,
        };
        let requests = match contender.who {
            Who::Blackbox => work.requests_of_blackbox(),
            _ => work.requests(),
        };
        if seen.requests != probes * requests || !exact {
            return Err(format!("{probes} probes of {work:?} made {seen:?}").into());
        }
        let probes = count(probes);
        Ok(Sample::from([
            (Quantity::Cpu, cpu.as_secs_f64() * 1e6 / probes),
            (Quantity::Rate, probes / loaded.took.as_secs_f64()),
            (Quantity::Median, milliseconds(loaded.median)),
            (Quantity::P99, milliseconds(loaded.p99)),
            (Quantity::Memory, megabytes(contender.process.peak_memory()?)),
            (Quantity::Connections, count(connections) / probes),
            (Quantity::Resumptions, count(seen.resumptions) / probes),
        ]))
    }

    /// A schedule, or the first part of it, at a running contender.
    fn scheduled(&self, contender: &mut Contender, interval: Duration) -> Result<Sample> {
        let schedule = Schedule { interval, lasting: interval.min(SCHEDULE) };
        let paths = contender.paths(&self.target, Work::Scheduled).into();
        let (cpu, seen, begun) = (contender.process.cpu()?, self.target.seen(), Instant::now());
        let follow = schedule.follow(contender.address()?, paths);
        let observed = self.runtime.block_on(follow)?;
        let (cpu, took) = (contender.process.cpu()?.saturating_sub(cpu), begun.elapsed());
        let seen = self.target.seen() - seen;
        let summary = summary(&observed).ok_or("no probe was answered")?;
        let failures = observed.iter().filter_map(|one| one.failure.as_deref());
        for failure in failures.take(3) {
            eprintln!("  {}: {failure}", contender.who.name());
        }
        let requests = match contender.who {
            Who::Blackbox => Work::Scheduled.requests_of_blackbox(),
            _ => Work::Scheduled.requests(),
        };
        if summary.failed == 0 && seen.requests != summary.probes * requests {
            return Err(format!("{} probes made {seen:?}", summary.probes).into());
        }
        Ok(Sample::from([
            (Quantity::Cores, cpu.as_secs_f64() / took.as_secs_f64()),
            (Quantity::Cpu, cpu.as_secs_f64() * 1e6 / count(summary.probes)),
            (Quantity::Failed, count(summary.failed)),
            (Quantity::Median, milliseconds(summary.median)),
            (Quantity::P99, milliseconds(summary.p99)),
            (Quantity::DelayP99, milliseconds(summary.delay_p99)),
            (Quantity::LateP99, milliseconds(summary.late_p99)),
            (Quantity::Memory, megabytes(contender.process.peak_memory()?)),
        ]))
    }

    /// A start with many modules, and reloads.
    fn modules(&self, who: Who) -> Result<Sample> {
        let contender = self.fresh(who, Setup::Modules)?;
        let first = megabytes(contender.process.peak_memory()?);
        let mut reloads = Vec::new();
        for _ in 0..RELOADS {
            self.files.change_config()?;
            reloads.push(contender.reload()?);
        }
        reloads.sort_unstable();
        let reload = quantile(&reloads, 50).ok_or("no reload")?;
        let reloaded = megabytes(contender.process.peak_memory()?);
        Ok(Sample::from([
            (Quantity::Ready, milliseconds(contender.ready_after)),
            (Quantity::Reload, milliseconds(reload)),
            (Quantity::Memory, first),
            (Quantity::MemoryReloaded, reloaded),
            (Quantity::MemoryGrowth, reloaded / first),
        ]))
    }

    /// An answer to a probe, and the metrics of the process after it.
    fn sizes(&self, who: Who) -> Result<Sample> {
        let contender = self.fresh(who, Setup::Works)?;
        let address = contender.address()?;
        let paths = contender.paths(&self.target, Work::Token);
        let path = paths.first().ok_or("no path")?;
        self.runtime.block_on(async {
            let mut connection = connect(address).await?;
            let probe = get(&mut connection, address, path).await?;
            probe.succeeded()?;
            let metrics = get(&mut connection, address, "/metrics").await?;
            Ok(Sample::from([
                (Quantity::ProbeSize, count(probe.text.len())),
                (Quantity::ProbeSent, count(probe.sent)),
                (Quantity::MetricsSize, count(metrics.text.len())),
            ]))
        })
    }

    /// The memory of a fresh process whose probes all wait for their tokens at the same
    /// time, twice.
    fn in_flight(&self, who: Who, in_flight: usize) -> Result<Sample> {
        let mut contender = self.fresh(who, Setup::Works)?;
        let idle = megabytes(contender.process.peak_memory()?);
        if in_flight == 0 {
            return Ok(Sample::from([(Quantity::Memory, idle)]));
        }
        self.target.hold_until(in_flight);
        let lasting = Duration::from_secs(60);
        let load = Load { at_once: in_flight, at_most: 2 * in_flight, lasting };
        let loaded = contender.load(&self.runtime, &self.target, Work::Token, load);
        self.target.hold_until(0);
        loaded?;
        let peak = megabytes(contender.process.peak_memory()?);
        Ok(Sample::from([
            (Quantity::Memory, peak),
            (Quantity::MemoryOfProbe, (peak - idle) * 1000.0 / count(in_flight)),
        ]))
    }

    /// One document by a fresh process.
    fn aggregate(&self, who: Who) -> Result<Sample> {
        let aggregate = self.files.aggregate()?;
        if who == Who::Xmlsec1 {
            let (cpu, peak) = aggregate.verified_by_xmlsec1()?;
            return Ok(Sample::from([
                (Quantity::Cpu, cpu.as_secs_f64() * 1e6),
                (Quantity::Memory, megabytes(peak)),
            ]));
        }
        self.target.publish(aggregate.document.clone());
        let mut contender = self.fresh(who, Setup::Aggregate)?;
        let idle = megabytes(contender.process.peak_memory()?);
        let cpu = contender.process.cpu()?;
        let one = Load { at_once: 1, at_most: 1, lasting: Duration::from_secs(60) };
        contender.load(&self.runtime, &self.target, Work::Aggregate, one)?;
        let cpu = contender.process.cpu()?.saturating_sub(cpu);
        let peak = megabytes(contender.process.peak_memory()?);
        Ok(Sample::from([
            (Quantity::Cpu, cpu.as_secs_f64() * 1e6),
            (Quantity::Memory, peak),
            (Quantity::MemoryAboveIdle, peak - idle),
        ]))
    }

    /// Logins one after the other, by a fresh process that has made one before.
    fn login(&self, who: Who) -> Result<Sample> {
        if who == Who::Chromium {
            const LOGINS: u32 = 5;
            let browser = Browser::start()?;
            browser.log_in(&self.target)?;
            let (cpu, mut peak) = (browser.cpu()?, browser.memory()?);
            for _ in 0..LOGINS {
                browser.log_in(&self.target)?;
                peak = peak.max(browser.memory()?);
            }
            let cpu = browser.cpu()?.saturating_sub(cpu) / LOGINS;
            return Ok(Sample::from([
                (Quantity::Cpu, cpu.as_secs_f64() * 1e6),
                (Quantity::Memory, megabytes(peak)),
            ]));
        }
        let mut contender = self.fresh(who, Setup::Works)?;
        let one = Load { at_once: 1, at_most: 1, lasting: Duration::from_secs(60) };
        contender.load(&self.runtime, &self.target, Work::Login, one)?;
        self.loaded(&mut contender, Work::Login, one_second(1))
    }

    fn start(&self, who: Who) -> Result<Sample> {
        let contender = self.fresh(who, Setup::AsInstalled)?;
        Ok(Sample::from([
            (Quantity::Ready, milliseconds(contender.ready_after)),
            (Quantity::StartCpu, milliseconds(contender.process.cpu_of_threads()?)),
            (Quantity::Binary, megabytes(self.programs.size(who)?)),
        ]))
    }
}

/// What the many targets of the exporter take beside one that has few.
fn add_memory_of_target(round: &mut Round) {
    let Some(few) = memory(round, Who::FewTargets) else { return };
    let more = count(Who::Exporter.targets() - Who::FewTargets.targets());
    for who in [Who::Exporter, Who::Again] {
        if let Some(many) = memory(round, who)
            && let Some(sample) = round.get_mut(&who)
        {
            sample.insert(Quantity::MemoryOfTarget, (many - few) * 1000.0 / more);
        }
    }
}

fn memory(round: &Round, who: Who) -> Option<f64> {
    round.get(&who)?.get(&Quantity::Memory).copied()
}

// Counts and sizes of a benchmark are far below 2^53.
#[allow(clippy::cast_precision_loss)]
const fn count(number: usize) -> f64 {
    number as f64
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
