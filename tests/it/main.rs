//! The exporter through its HTTP interface and as a program, against the embedded provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects, and fails by panicking"
)]

#[path = "../../examples/demo/provider/mod.rs"]
#[allow(dead_code, reason = "the demo uses the rest")]
mod provider;

mod budget;
mod canary;
mod examples;
mod exporter;
mod faults;
mod five_targets;
mod http;
mod lifecycle;
mod routes;
