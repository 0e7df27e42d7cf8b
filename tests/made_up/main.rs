//! Made-up input for what reads tokens, claims, key sets and XML: nothing panics, and each reader
//! agrees with a slow and simple one.
//!
//! `cargo test` makes up some hundred inputs a test. For a longer run:
//!
//! ```text
//! PROPTEST_CASES=1000000 cargo test --release --test made_up
//! ```
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests end where something is not as it must be"
)]

mod claims;
mod json;
mod key_sets;
mod tokens;
mod xml;

use proptest::test_runner::Config;

/// As many cases as the environment asks for, else few enough for every run of the tests.
fn cases() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: cases.unwrap_or(500), failure_persistence: None, ..Config::default() }
}
