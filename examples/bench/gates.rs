//! The gates, one row each: what must hold, and what we are after.

use crate::contenders::Who;
use crate::experiments::{Experiment, Quantity, Round};
use crate::work::Work;

/// A gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    /// Its name, which it shares with the others of one goal.
    pub(crate) id: &'static str,
    /// What it is about.
    pub(crate) about: &'static str,
    /// Where it is measured.
    pub(crate) experiment: Experiment,
    /// What of.
    pub(crate) quantity: Quantity,
    /// Whose number the exporter's is divided by; alone, it stands for itself.
    pub(crate) over: Option<Who>,
    /// Must hold.
    pub(crate) limit: Bound,
    /// Is hoped for.
    pub(crate) aim: Bound,
}

/// What a number must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Bound {
    /// Whether the number is within.
    pub(crate) fn holds(self, number: f64) -> bool {
        match self {
            Self::AtMost(most) => number <= most,
            Self::AtLeast(least) => number >= least,
        }
    }
}

use Bound::{AtLeast, AtMost};
use Experiment::{Aggregate, InFlight, Loaded, Login, Modules, Scheduled, Sizes, Start};
use Quantity::{
    Binary, Cores, Cpu, DelayP99, Failed, Median, Memory, MemoryAboveIdle, MemoryGrowth,
    MemoryOfProbe, MemoryOfTarget, MemoryReloaded, MetricsSize, P99, ProbeSent, ProbeSize, Rate,
    Ready, Reload, StartCpu,
};
use Who::{Bare, Blackbox, Chromium, FewTargets, Xmlsec1};
use Work::{OneOrigin, Redirects, Token, TwoOrigins, Verified};

const LISTED: Experiment = Experiment::Targets { listed: true };
const PATTERN: Experiment = Experiment::Targets { listed: false };

/// Every gate.
#[rustfmt::skip]
const GATES: [Gate; 41] = [
    gate("P1", "token: CPU over blackbox_exporter's POST", Loaded(Token, 16), Cpu, Some(Blackbox), AtMost(0.50), AtMost(0.35)),
    gate("P1", "token: probes/s, 16 in flight", Loaded(Token, 16), Rate, Some(Blackbox), AtLeast(1.8), AtLeast(2.5)),
    gate("P1", "token: probes/s, 64 in flight", Loaded(Token, 64), Rate, Some(Blackbox), AtLeast(1.8), AtLeast(2.5)),
    gate("P1", "token: median time, 1 in flight", Loaded(Token, 1), Median, Some(Blackbox), AtMost(0.65), AtMost(0.5)),
    gate("P2", "token and API, two origins: CPU over its oauth2", Loaded(TwoOrigins, 16), Cpu, Some(Blackbox), AtMost(0.50), AtMost(0.35)),
    gate("P3", "token and API, one origin: CPU over its oauth2", Loaded(OneOrigin, 16), Cpu, Some(Blackbox), AtMost(0.30), AtMost(0.22)),
    gate("P3", "token and API, one origin: probes/s", Loaded(OneOrigin, 16), Rate, Some(Blackbox), AtLeast(2.5), AtLeast(4.0)),
    gate("P4", "token, keys, verification and API: CPU over its one GET", Loaded(Verified { many_keys: false }, 16), Cpu, Some(Blackbox), AtMost(0.55), AtMost(0.40)),
    gate("P5", "token: CPU over the bare client", Loaded(Token, 16), Cpu, Some(Bare), AtMost(1.5), AtMost(1.25)),
    gate("P5", "token and API, two origins: the same", Loaded(TwoOrigins, 16), Cpu, Some(Bare), AtMost(1.5), AtMost(1.25)),
    gate("P5", "token and API, one origin: the same", Loaded(OneOrigin, 16), Cpu, Some(Bare), AtMost(1.5), AtMost(1.25)),
    gate("P6", "memory: idle", InFlight(0), Memory, Some(Blackbox), AtMost(0.5), AtMost(0.33)),
    gate("P6", "memory: 128 in flight", InFlight(128), Memory, Some(Blackbox), AtMost(0.5), AtMost(0.33)),
    gate("P6", "memory: 1,000 in flight", InFlight(1000), Memory, Some(Blackbox), AtMost(0.4), AtMost(0.33)),
    gate("P6", "memory: kB a probe, 1,000 in flight", InFlight(1000), MemoryOfProbe, None, AtMost(100.0), AtMost(100.0)),
    gate("P7", "10,000 targets at 60 s: cores", Scheduled(60), Cores, None, AtMost(0.25), AtMost(0.15)),
    gate("P7", "10,000 targets at 60 s: p99 over its plain GET", Scheduled(60), P99, Some(Blackbox), AtMost(1.0), AtMost(0.7)),
    gate("P7", "10,000 targets at 60 s: p99 of the delay, ms", Scheduled(60), DelayP99, None, AtMost(20.0), AtMost(5.0)),
    gate("P7", "10,000 targets at 60 s: failed", Scheduled(60), Failed, None, AtMost(0.0), AtMost(0.0)),
    gate("P8", "10,000 targets at 15 s: failed", Scheduled(15), Failed, None, AtMost(0.0), AtMost(0.0)),
    gate("P8", "10,000 targets at 15 s: p99, ms", Scheduled(15), P99, None, AtMost(100.0), AtMost(50.0)),
    gate("P8", "10,000 targets at 15 s: cores", Scheduled(15), Cores, None, AtMost(1.0), AtMost(0.5)),
    gate("P9", "10,000 listed targets over 100: CPU", LISTED, Cpu, Some(FewTargets), AtMost(1.10), AtMost(1.0)),
    // Not over 100: each listed target has counters from 0 on, and a line in what is shown.
    gate("P9", "10,000 listed targets: kB a target", LISTED, MemoryOfTarget, None, AtMost(0.5), AtMost(0.25)),
    gate("P9", "10,000 targets of a pattern over 100: CPU", PATTERN, Cpu, Some(FewTargets), AtMost(1.10), AtMost(1.0)),
    gate("P9", "10,000 targets of a pattern over 100: memory", PATTERN, Memory, Some(FewTargets), AtMost(1.10), AtMost(1.0)),
    gate("P10", "9 redirects, one origin: CPU", Loaded(Redirects, 16), Cpu, Some(Blackbox), AtMost(0.15), AtMost(0.08)),
    gate("P11", "the same with 1,000 keys: CPU over its GET of the keys", Loaded(Verified { many_keys: true }, 16), Cpu, Some(Blackbox), AtMost(1.1), AtMost(0.9)),
    gate("P12", "signed metadata of 77 MB: CPU over xmlsec1", Aggregate, Cpu, Some(Xmlsec1), AtMost(0.5), AtMost(0.35)),
    gate("P12", "signed metadata of 77 MB: memory over xmlsec1", Aggregate, Memory, Some(Xmlsec1), AtMost(0.10), AtMost(0.05)),
    gate("P12", "signed metadata of 77 MB: MB above idle", Aggregate, MemoryAboveIdle, None, AtMost(32.0), AtMost(15.0)),
    gate("P13", "10,000 modules: ready time", Modules, Ready, Some(Blackbox), AtMost(0.4), AtMost(0.25)),
    gate("P13", "10,000 modules: reload time", Modules, Reload, Some(Blackbox), AtMost(0.4), AtMost(0.25)),
    gate("P13", "10,000 modules: memory", Modules, Memory, Some(Blackbox), AtMost(0.4), AtMost(0.25)),
    gate("P13", "10,000 modules: memory after 5 reloads", Modules, MemoryReloaded, Some(Blackbox), AtMost(0.4), AtMost(0.25)),
    gate("P13", "10,000 modules: the same over the first load", Modules, MemoryGrowth, None, AtMost(1.3), AtMost(1.1)),
    gate("P14", "login with a form: CPU over headless Chromium", Login, Cpu, Some(Chromium), AtMost(0.05), AtMost(0.02)),
    gate("P14", "login with a form: memory over the same", Login, Memory, Some(Chromium), AtMost(0.10), AtMost(0.05)),
    gate("P15", "ready time", Start, Ready, Some(Blackbox), AtMost(0.6), AtMost(0.4)),
    gate("P15", "start-up CPU", Start, StartCpu, Some(Blackbox), AtMost(0.5), AtMost(0.3)),
    gate("P15", "binary size", Start, Binary, Some(Blackbox), AtMost(1.0), AtMost(0.6)),
];

/// Numbers that stand beside the gates, of every contender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    /// The goal that it belongs to.
    id: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    /// Where it is measured.
    pub(crate) experiment: Experiment,
    /// What of.
    pub(crate) quantity: Quantity,
}

/// Every figure, in the order of the table.
#[rustfmt::skip]
const FIGURES: [Figure; 25] = [
    figure("P1", "token, 16 in flight: probes/s", Loaded(Token, 16), Rate),
    figure("P1", "token, 16 in flight: CPU a probe, µs", Loaded(Token, 16), Cpu),
    figure("P1", "token, 1 in flight: median, ms", Loaded(Token, 1), Median),
    figure("P1", "token, 1 in flight: p99, ms", Loaded(Token, 1), P99),
    figure("P1", "token, 16 in flight: median, ms", Loaded(Token, 16), Median),
    figure("P1", "token, 16 in flight: p99, ms", Loaded(Token, 16), P99),
    figure("P1", "answer to that probe, bytes", Sizes, ProbeSize),
    figure("P1", "the same with gzip, bytes", Sizes, ProbeSent),
    figure("P1", "/metrics after it, bytes", Sizes, MetricsSize),
    figure("P4", "token, keys, verification and API, 16 in flight: CPU, µs", Loaded(Verified { many_keys: false }, 16), Cpu),
    figure("P6", "memory: idle, MB", InFlight(0), Memory),
    figure("P6", "memory: 1 in flight, MB", InFlight(1), Memory),
    figure("P6", "memory: 128 in flight, MB", InFlight(128), Memory),
    figure("P6", "memory: 1,000 in flight, MB", InFlight(1000), Memory),
    figure("P7", "10,000 targets at 60 s: cores", Scheduled(60), Cores),
    figure("P7", "10,000 targets at 60 s: p99, ms", Scheduled(60), P99),
    figure("P7", "10,000 targets at 60 s: p99 of the delay, ms", Scheduled(60), DelayP99),
    figure("P8", "10,000 targets at 15 s: cores", Scheduled(15), Cores),
    figure("P8", "10,000 targets at 15 s: p99, ms", Scheduled(15), P99),
    figure("P13", "10,000 modules: ready, ms", Modules, Ready),
    figure("P13", "10,000 modules: reload, ms", Modules, Reload),
    figure("P13", "10,000 modules: memory, MB", Modules, Memory),
    figure("P15", "ready, ms", Start, Ready),
    figure("P15", "start-up CPU, ms", Start, StartCpu),
    figure("P15", "binary, MB", Start, Binary),
];

const fn figure(
    id: &'static str,
    about: &'static str,
    experiment: Experiment,
    quantity: Quantity,
) -> Figure {
    Figure { id, about, experiment, quantity }
}

/// The figures that belong to these gates.
pub(crate) fn figures(gates: &[Gate]) -> Vec<Figure> {
    let wanted = |figure: &Figure| gates.iter().any(|gate| gate.id == figure.id);
    FIGURES.into_iter().filter(wanted).collect()
}

const fn gate(
    id: &'static str,
    about: &'static str,
    experiment: Experiment,
    quantity: Quantity,
    over: Option<Who>,
    limit: Bound,
    aim: Bound,
) -> Gate {
    Gate { id, about, experiment, quantity, over, limit, aim }
}

/// The name of a gate, as the command line has it.
pub(crate) fn known(name: &str) -> Result<String, String> {
    if GATES.iter().any(|gate| gate.id == name) {
        return Ok(name.to_owned());
    }
    let mut names: Vec<&str> = GATES.iter().map(|gate| gate.id).collect();
    names.dedup();
    Err(format!("is no gate, expected one of: {}", names.join(", ")))
}

/// The gates of these names; all of them when there is none.
pub(crate) fn select(names: &[String]) -> Vec<Gate> {
    let wanted = |gate: &Gate| names.is_empty() || names.iter().any(|name| name == gate.id);
    GATES.into_iter().filter(wanted).collect()
}

/// What must be run for the gates, and for figures.
pub(crate) fn experiments(gates: &[Gate], figures: &[Figure]) -> Vec<Experiment> {
    let mut experiments = Vec::new();
    let of_gates = gates.iter().map(|gate| gate.experiment);
    for experiment in of_gates.chain(figures.iter().map(|figure| figure.experiment)) {
        if !experiments.contains(&experiment) {
            experiments.push(experiment);
        }
    }
    experiments
}

impl Figure {
    /// The number of a contender in each of the rounds.
    pub(crate) fn numbers(&self, who: Who, rounds: &[Round]) -> Vec<f64> {
        let number = |round: &Round| round.get(&who)?.get(&self.quantity).copied();
        rounds.iter().filter_map(number).collect()
    }
}

impl Gate {
    /// Its number in each of the rounds.
    pub(crate) fn numbers(&self, rounds: &[Round]) -> Vec<f64> {
        self.of(Who::Exporter, self.over, rounds)
    }

    /// The exporter over itself in each of the rounds.
    pub(crate) fn noise(&self, rounds: &[Round]) -> Vec<f64> {
        let mut noise = self.of(Who::Again, Some(Who::Exporter), rounds);
        // Nothing over nothing.
        noise.retain(|ratio| ratio.is_finite());
        noise
    }

    fn of(&self, who: Who, over: Option<Who>, rounds: &[Round]) -> Vec<f64> {
        let number = |round: &Round, who| round.get(&who)?.get(&self.quantity).copied();
        rounds
            .iter()
            .filter_map(|round| match over {
                Some(over) => Some(number(round, who)? / number(round, over)?),
                None => number(round, who),
            })
            .collect()
    }
}
