//! What people who come from `blackbox_exporter` rely on, as one list of behaviours that is held
//! against both programs: what its own tests assert of `/probe`, timeouts, debug pages, history,
//! reloads and configurations, and what its users see beside that.
//!
//! A row asks a program for something and says in words what it saw. Where the two differ on
//! purpose, the row has both words, and the README's table of differences is made of them.

mod calls;
mod configuration;
mod exporter;
mod metrics;
mod pages;
mod reload;
mod requests;
mod start;
mod target;
mod timeouts;
mod tls;

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::both::Program;
use crate::section;

/// A behaviour.
struct Row {
    /// What it is about, as a person would say it.
    name: &'static str,
    /// Asks one of the programs, and says what was seen.
    observe: fn(Program) -> String,
    expected: Expected,
}

/// What is to be seen.
enum Expected {
    /// The same of both.
    Same(&'static str),
    /// Not the same, on purpose.
    Differs { blackbox: &'static str, ours: &'static str, why: &'static str },
}

impl Expected {
    const fn of(&self, program: Program) -> &'static str {
        match (self, program) {
            (Self::Same(expected), _)
            | (Self::Differs { ours: expected, .. }, Program::AuthExporter)
            | (Self::Differs { blackbox: expected, .. }, Program::BlackboxExporter) => expected,
        }
    }
}

/// The list.
const LIST: [&[Row]; 9] = [
    requests::ROWS,
    timeouts::ROWS,
    pages::ROWS,
    metrics::ROWS,
    calls::ROWS,
    tls::ROWS,
    reload::ROWS,
    start::ROWS,
    configuration::ROWS,
];

/// So many rows are asked about at once: each starts programs of its own.
const AT_ONCE: usize = 4;

/// Asks both programs about every row, and shows all that is not as it should be.
fn hold(rows: &'static [Row]) {
    let mut wrong = String::new();
    for some in rows.chunks(AT_ONCE) {
        let asked: Vec<_> = some
            .iter()
            .flat_map(|row| Program::BOTH.map(|program| (row, program)))
            .map(|(row, program)| {
                let seen = std::thread::spawn(move || (row.observe)(program));
                (row, program, seen)
            })
            .collect();
        for (row, program, seen) in asked {
            let seen = seen.join().unwrap_or_else(|_| "a panic, see above".to_owned());
            let expected = row.expected.of(program);
            if seen != expected {
                let _ = write!(
                    wrong,
                    "\n{}\n  {} is expected to show: {expected}\n  and shows: {seen}\n",
                    row.name,
                    program.name(),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn requests() {
    hold(requests::ROWS);
}

#[test]
fn timeouts() {
    hold(timeouts::ROWS);
}

#[test]
fn pages() {
    hold(pages::ROWS);
}

#[test]
fn metrics() {
    hold(metrics::ROWS);
}

#[test]
fn calls() {
    hold(calls::ROWS);
}

#[test]
fn tls() {
    hold(tls::ROWS);
}

#[test]
fn reload() {
    hold(reload::ROWS);
}

#[test]
fn start() {
    hold(start::ROWS);
}

#[test]
fn configuration() {
    hold(configuration::ROWS);
}

#[test]
fn every_row_is_another_one_and_a_difference_is_one() {
    let rows: Vec<&Row> = LIST.into_iter().flatten().collect();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "two rows have one name");
    for row in rows {
        if let Expected::Differs { blackbox, ours, .. } = row.expected {
            assert_ne!(blackbox, ours, "{}", row.name);
        }
    }
}

#[test]
fn the_readme_tells_of_every_difference() {
    let mut table = "| | blackbox_exporter | auth_exporter | why |\n|---|---|---|---|\n".to_owned();
    for row in LIST.into_iter().flatten() {
        if let Expected::Differs { blackbox, ours, why } = row.expected {
            let cells = [row.name, blackbox, ours, why];
            assert!(!cells.concat().contains('|'), "{} would break the table", row.name);
            // What is seen is text, and no markup.
            let line = cells.map(|cell| cell.replace('<', "\\<")).join(" | ");
            let _ = writeln!(table, "| {line} |");
        }
    }
    section::holds("differences", &table);
}
