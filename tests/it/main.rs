//! The exporter through HTTP, against the embedded provider of the demo.
//!
//! In process where that is enough, as the built program where signals, flags or its log
//! matter. Everything listens on free ports of loopback.
#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, shows the logs then, and compares whole numbers"
)]

#[path = "../../examples/demo/provider/mod.rs"]
mod provider;
#[path = "../../examples/demo/scrape.rs"]
mod scrape;
mod tls;

mod budget;
mod canary;
mod demo;
mod examples;
mod expected;
mod exporter;
mod faults;
mod five_targets;
mod history;
mod http;
mod jwt;
mod lifecycle;
mod login;
mod min_interval;
mod modules;
mod networks;
mod operation;
mod outages;
mod peculiar;
mod program;
mod saml;
mod status_page;
mod terminal;
mod tokens;
mod web_config;
