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
use Experiment::{Aggregate, InFlight, Loaded, Login, Start};
use Quantity::{
    Binary, Cpu, Median, Memory, MemoryAboveIdle, MemoryOfProbe, MemoryOfTarget, Rate, Ready,
    StartCpu,
};
use Who::{Bare, Blackbox, Chromium, FewTargets, Xmlsec1};
use Work::{OneOrigin, Redirects, Token, TwoOrigins, Verified};

const LISTED: Experiment = Experiment::Targets { listed: true };
const PATTERN: Experiment = Experiment::Targets { listed: false };

/// Every gate.
#[rustfmt::skip]
const GATES: [Gate; 29] = [
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
    gate("P14", "login with a form: CPU over headless Chromium", Login, Cpu, Some(Chromium), AtMost(0.05), AtMost(0.02)),
    gate("P14", "login with a form: memory over the same", Login, Memory, Some(Chromium), AtMost(0.10), AtMost(0.05)),
    gate("P15", "ready time", Start, Ready, Some(Blackbox), AtMost(0.6), AtMost(0.4)),
    gate("P15", "start-up CPU", Start, StartCpu, Some(Blackbox), AtMost(0.5), AtMost(0.3)),
    gate("P15", "binary size", Start, Binary, Some(Blackbox), AtMost(1.0), AtMost(0.6)),
];

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

/// What must be run for the gates.
pub(crate) fn experiments(gates: &[Gate]) -> Vec<Experiment> {
    let mut experiments = Vec::new();
    for gate in gates {
        if !experiments.contains(&gate.experiment) {
            experiments.push(gate.experiment);
        }
    }
    experiments
}

impl Gate {
    /// Its number in each of the rounds.
    pub(crate) fn numbers(&self, rounds: &[Round]) -> Vec<f64> {
        self.of(Who::Exporter, self.over, rounds)
    }

    /// The exporter over itself in each of the rounds.
    pub(crate) fn noise(&self, rounds: &[Round]) -> Vec<f64> {
        self.of(Who::Again, Some(Who::Exporter), rounds)
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
