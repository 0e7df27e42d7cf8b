//! The tables: each gate with its verdict, and the numbers behind them.

use crate::contenders::Who;
use crate::experiments::{Experiment, Quantity, Round};
use crate::gates::{Bound, Figure, Gate};

/// Prints what was found; whether every gate holds.
pub(crate) fn print(gates: &[Gate], results: &[(Experiment, Vec<Round>)]) -> bool {
    println!("Medians of each contender\n");
    for (experiment, rounds) in results {
        println!("{}", experiment.name());
        contenders(rounds);
        println!();
    }
    println!("Gates: the exporter's number over the other's, median of the rounds\n");
    println!(
        "{:<4} {:<48} {:>8} {:>8} {:>8} {:>15} {:>12}",
        "", "", "limit", "aim", "median", "min to max", "noise"
    );
    let mut all_hold = true;
    for gate in gates {
        let rounds = rounds_of(gate.experiment, results);
        let numbers = sorted(gate.numbers(rounds));
        let result = median(&numbers);
        all_hold &= gate.limit.holds(result);
        let verdict = match (gate.limit.holds(result), gate.aim.holds(result)) {
            (false, _) => "MISSED",
            (true, true) => "holds, aim too",
            (true, false) => "holds",
        };
        println!(
            "{:<4} {:<48} {:>8} {:>8} {result:>8.2} {:>15} {:>12}  {verdict}",
            gate.id,
            gate.about,
            bound(gate.limit),
            bound(gate.aim),
            range(&numbers),
            range(&sorted(gate.noise(rounds))),
        );
    }
    all_hold
}

/// Who has a column of figures.
const BESIDE: [Who; 3] = [Who::Exporter, Who::Blackbox, Who::Bare];

/// Prints the same as tables of Markdown, and the figures; whether every gate holds.
pub(crate) fn print_markdown(
    gates: &[Gate],
    figures: &[Figure],
    results: &[(Experiment, Vec<Round>)],
) -> bool {
    println!("| goal | auth_exporter beside | must | aim | median | of the rounds | |");
    println!("|---|---|---:|---:|---:|---:|---|");
    let mut all_hold = true;
    for gate in gates {
        let numbers = sorted(gate.numbers(rounds_of(gate.experiment, results)));
        let result = median(&numbers);
        let unit = if gate.over.is_some() { " ×" } else { "" };
        let verdict = match (gate.limit.holds(result), gate.aim.holds(result)) {
            (false, _) => "missed",
            (true, true) => "aim reached",
            (true, false) => "holds",
        };
        all_hold &= gate.limit.holds(result);
        println!(
            "| {} | {} | {}{unit} | {}{unit} | {result:.2}{unit} | {} | {verdict} |",
            gate.id,
            gate.about,
            bound(gate.limit),
            bound(gate.aim),
            range(&numbers)
        );
    }
    println!("\n| | auth_exporter | blackbox_exporter | bare client |");
    println!("|---|---:|---:|---:|");
    for figure in figures {
        let rounds = rounds_of(figure.experiment, results);
        let numbers = BESIDE.map(|who| plain(median(&sorted(figure.numbers(who, rounds)))));
        println!("| {} | {} |", figure.about, numbers.join(" | "));
    }
    all_hold
}

fn rounds_of(wanted: Experiment, results: &[(Experiment, Vec<Round>)]) -> &[Round] {
    let found = results.iter().find(|(experiment, _)| *experiment == wanted);
    found.map_or(&[], |(_, rounds)| rounds)
}

/// Three digits that say something; a contender without the number has a dash.
fn plain(number: f64) -> String {
    if number.is_nan() {
        "–".to_owned()
    } else if number >= 100.0 {
        format!("{number:.0}")
    } else if number >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}

fn contenders(rounds: &[Round]) {
    let Some(first) = rounds.first() else { return };
    for who in first.keys() {
        let samples = || rounds.iter().filter_map(|round| round.get(who));
        let mut line = format!("  {:<20}", who.name());
        for quantity in first.get(who).into_iter().flat_map(|sample| sample.keys()) {
            let of_rounds = samples().filter_map(|sample| sample.get(quantity).copied()).collect();
            line = format!("{line}  {}", shown(*quantity, median(&sorted(of_rounds))));
        }
        println!("{line}");
    }
}

fn shown(quantity: Quantity, number: f64) -> String {
    match quantity {
        Quantity::Cpu => format!("{number:>6.0} µs CPU"),
        Quantity::Rate => format!("{number:>6.0} probes/s"),
        Quantity::Median => format!("median {number:>6.2} ms"),
        Quantity::P99 => format!("p99 {number:>6.2} ms"),
        Quantity::DelayP99 => format!("p99 of the delay {number:>5.2} ms"),
        Quantity::LateP99 => format!("p99 of the load's own {number:>5.2} ms"),
        Quantity::Cores => format!("{number:>5.3} cores"),
        Quantity::Failed => format!("{number:.0} failed"),
        Quantity::MemoryReloaded => format!("{number:>6.1} MB after reloads"),
        Quantity::MemoryGrowth => format!("{number:>4.2} times the first"),
        Quantity::Reload => format!("reload in {number:>5.1} ms"),
        Quantity::ProbeSize => format!("probe {number:.0} B"),
        Quantity::ProbeSent => format!("{number:.0} B sent"),
        Quantity::MetricsSize => format!("/metrics {number:.0} B"),
        Quantity::Memory => format!("{number:>6.1} MB"),
        Quantity::MemoryAboveIdle => format!("{number:>5.1} MB above idle"),
        Quantity::MemoryOfProbe => format!("{number:>5.0} kB a probe"),
        Quantity::MemoryOfTarget => format!("{number:>5.2} kB a target"),
        Quantity::Ready => format!("ready in {number:>5.1} ms"),
        Quantity::StartCpu => format!("{number:>5.1} ms CPU"),
        Quantity::Binary => format!("binary {number:>5.1} MB"),
        Quantity::Connections => format!("{number:.1} connections"),
        Quantity::Resumptions => format!("{number:.1} resumed"),
    }
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::AtMost(number) => format!("≤ {number}"),
        Bound::AtLeast(number) => format!("≥ {number}"),
    }
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers
}

/// Without numbers it is none, which no bound holds.
fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn range(sorted: &[f64]) -> String {
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) => format!("{least:.2} to {most:.2}"),
        _ => "–".to_owned(),
    }
}
