//! The benchmark: the running exporter against a local TLS target, beside `blackbox_exporter`
//! 0.28 on the same work and beside a bare client, which is the floor; beside `xmlsec1`, where
//! a signature is verified, and beside headless Chromium, where somebody logs in.
//!
//! ```text
//! examples/bench/install.sh                                    once: unpacks blackbox_exporter
//! apt-get install xmlsec1 chromium chromium-driver             once, for P12 and P14
//! cargo run --release --example bench                          every gate
//! cargo run --release --example bench -- P1 P5 --rounds 3      some of them, sooner
//! cargo run --release --example bench -- --markdown            as tables for the README
//! cargo run --release --example bench -- --scale GRAPH.svg     10,000 targets, three minutes
//! ```
//!
//! A contender runs on one core, the target and the load on another. In each round the
//! contenders are loaded one after the other, forwards and backwards in turn, and a ratio
//! is formed of numbers of one round; the median of the ratios is the result. The exporter
//! takes part twice: the ratio of it to itself is the noise. Exits 1 when a gate is missed.
//!
//! ```text
//! gates ── experiments ── contenders ── process   who runs, on which core, and what it cost
//!                      ── load                    scrapes, each checked for success
//!                      ── schedule                the same, each at its moment
//!                      ── target                  what they probe
//!          work        what a probe does, for each of them    bare   the floor
//!          aggregate   metadata, for it and for xmlsec1
//!          browser     a login by Chromium
//! scale ── graph        many targets at a farm of endpoints, drawn
//! ```

// What it finds is its output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod aggregate;
mod bare;
mod browser;
mod contenders;
mod experiments;
mod gates;
mod graph;
mod load;
mod process;
mod report;
mod scale;
mod schedule;
mod target;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use contenders::Programs;
use experiments::Bench;

/// Any error ends the benchmark: a number that is only nearly right is none.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

/// Measures the exporter and exits 1 when a gate is missed.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The gates to measure, as P1 P5; all of them when none is named.
    #[arg(value_name = "GATE", value_parser = gates::known)]
    gates: Vec<String>,
    /// Rounds of each experiment; fewer than 7 are a glance.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=101))]
    rounds: u16,
    /// The exporter to measure; without it this package's is built.
    #[arg(long, value_name = "BINARY")]
    exporter: Option<PathBuf>,
    /// Another build of it in place of its twin: the column of the noise then compares the two.
    #[arg(long, value_name = "BINARY")]
    again: Option<PathBuf>,
    /// The `blackbox_exporter` beside it; without it the one that install.sh unpacked.
    #[arg(long, value_name = "BINARY")]
    blackbox: Option<PathBuf>,
    /// The host in the URLs of the target; with a name, each connection resolves it.
    #[arg(long, default_value = "127.0.0.1", value_parser = ["127.0.0.1", "localhost"])]
    host: String,
    /// Print tables of Markdown, and figures of each contender beside the gates.
    #[arg(long)]
    markdown: bool,
    /// No gates: 10,000 targets at 60 s for three intervals, drawn into this file.
    #[arg(long, value_name = "SVG", conflicts_with = "gates")]
    scale: Option<PathBuf>,
    /// Be the bare client: for the benchmark itself, which tells it what to do.
    #[arg(long, hide = true)]
    bare_client: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every gate holds.
fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.bare_client {
        bare::serve()?;
        return Ok(true);
    }
    let Arguments { exporter, again, blackbox, .. } = arguments;
    let programs = Programs::find(exporter.clone(), again.clone(), blackbox.clone())?;
    process::pin_this_thread(process::LOAD_CORE)?;
    process::enough_descriptors()?;
    if let Some(graph) = &arguments.scale {
        return scale::run(&programs, graph);
    }
    let bench = Bench::new(programs, &arguments.host, arguments.rounds.into())?;
    let selected = gates::select(&arguments.gates);
    let figures = if arguments.markdown { gates::figures(&selected) } else { Vec::new() };
    let mut results = Vec::new();
    for experiment in gates::experiments(&selected, &figures) {
        results.push((experiment, bench.run(experiment)?));
    }
    if arguments.markdown {
        return Ok(report::print_markdown(&selected, &figures, &results));
    }
    Ok(report::print(&selected, &results))
}
