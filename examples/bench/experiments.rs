//! What is measured together: contenders that run at the same time and are loaded in turn.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::Result;
use crate::browser::Browser;
use crate::contenders::{Contender, Files, MANY_TARGETS, Programs, Setup, Who};
use crate::load::Load;
use crate::target::Target;
use crate::work::Work;

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
    /// High-water mark of the memory in megabytes.
    Memory,
    /// What it is above that of the same process before its first probe, in megabytes.
    MemoryAboveIdle,
    /// What each probe in flight adds to it, in kilobytes.
    MemoryOfProbe,
    /// What each target adds to it, in kilobytes.
    MemoryOfTarget,
    /// From the start until it is ready, in milliseconds.
    Ready,
    /// CPU time until then, in milliseconds.
    StartCpu,
    /// Size of the binary in megabytes.
    Binary,
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
            Self::Aggregate => "signed metadata".to_owned(),
            Self::Login => "login with a form".to_owned(),
            Self::Start => "start".to_owned(),
        }
    }

    /// Who takes part.
    const fn contenders(self) -> &'static [Who] {
        match self {
            Self::Loaded(_, 16) => &[Who::Exporter, Who::Blackbox, Who::Bare, Who::Again],
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
            // Each measurement takes a fresh process.
            Experiment::InFlight(_)
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
            (Quantity::Median, loaded.median.as_secs_f64() * 1e3),
            (Quantity::Memory, megabytes(contender.process.peak_memory()?)),
            (Quantity::Connections, count(connections) / probes),
            (Quantity::Resumptions, count(seen.resumptions) / probes),
        ]))
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
            (Quantity::Ready, contender.ready_after.as_secs_f64() * 1e3),
            (Quantity::StartCpu, contender.process.cpu_of_threads()?.as_secs_f64() * 1e3),
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

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
