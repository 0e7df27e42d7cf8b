//! The tables: each gate with its verdict, and the numbers behind them.

use crate::experiments::{Experiment, Quantity, Round};
use crate::gates::{Bound, Gate};

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
        let rounds = results
            .iter()
            .find(|(experiment, _)| *experiment == gate.experiment)
            .map_or(&[][..], |(_, rounds)| rounds);
        let numbers = sorted(gate.numbers(rounds));
        let result = median(&numbers);
        let verdict = if !gate.limit.holds(result) {
            all_hold = false;
            "MISSED"
        } else if gate.aim.holds(result) {
            "holds, aim too"
        } else {
            "holds"
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
