//! The exporter for a long time and in hostile company: under faults that come and go, under a
//! flood, and while what it stands on is taken away.
//!
//! What is measured here is measured alone: the tests of this program wait for each other.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, tells what it measured, and calculates with counts"
)]

#[path = "../../examples/soak/exporter.rs"]
#[allow(dead_code, reason = "the soak uses the rest")]
mod exporter;
#[path = "../../examples/soak/faults.rs"]
mod faults;
#[path = "../../examples/soak/judge.rs"]
mod judge;
#[path = "../../examples/soak/report.rs"]
mod report;
#[path = "../../examples/soak/soak.rs"]
mod soak;

#[path = "../it/expected.rs"]
mod expected;
#[path = "../it/modules.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod modules;
#[path = "../it/canary/needle.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod needle;
#[path = "../../examples/demo/provider/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod provider;
#[path = "../../examples/demo/scrape.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod scrape;

mod chaos;
mod flood;
mod flooded;
mod soaked;

use std::path::Path;

use tokio::sync::{Mutex, MutexGuard};

/// The built program.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_auth_exporter"))
}

/// Waits until no other test runs.
async fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}
