//! The soak: the built exporter for an hour against the provider of the demo, while the faults of
//! the provider are switched at random. Each answer is judged, and so are the memory, the
//! descriptors and the threads of the exporter.
//!
//! ```text
//! cargo run --release --example soak -- --minutes 60
//! cargo run --release --example soak -- --minutes 5 --seed 7 --exporter target/release/auth_exporter
//! ```
//!
//! Ends with a table, and exits 1 when an answer was wrong or late, a secret was seen, or the
//! exporter holds more than it did after its start.
//!
//! ```text
//! soak ── faults     which fault is on, since when
//!      ── judge      what an answer must say under it
//!      ── exporter   the program, its log, and what /proc says of it
//!      ── report     the table, and what is wrong with it
//! ```
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it speaks in the terminal, ends where its own parts do not fit, and calculates with counts"
)]

mod exporter;
mod faults;
mod judge;
mod report;
mod soak;

#[path = "../../tests/it/expected.rs"]
mod expected;
#[path = "../../tests/it/modules.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod modules;
#[path = "../../tests/it/canary/needle.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod needle;
#[path = "../demo/provider/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod provider;
#[path = "../demo/scrape.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod scrape;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;

use soak::Plan;

/// Probes under switching faults, and exits 1 when something is wrong.
#[derive(Parser)]
#[command(name = "soak")]
struct Flags {
    /// How long it probes.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Probes per second in all.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// What the order of the faults comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The exporter; without it this package's is built.
    #[arg(long, value_name = "BINARY")]
    exporter: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let exporter = match flags.exporter.map_or_else(built, Ok) {
        Ok(exporter) => exporter,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let plan = Plan {
        lasting: Duration::from_secs_f64(flags.minutes * 60.0),
        rate: flags.rate,
        seed: flags.seed,
        told_every: Some(Duration::from_secs(60)),
    };
    let report = soak::run(&exporter, &plan).await;
    println!("{report}");
    if report.wrong().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The exporter of this package, in its release build.
fn built() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--bin", "auth_exporter"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the exporter is not built: {status}"));
    }
    // Beside this example's folder, wherever the target directory is.
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.ancestors().nth(3).ok_or("no target directory")?;
    Ok(folder.join("release/auth_exporter"))
}
