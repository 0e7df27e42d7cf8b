//! The dashboards of `grafana/`: held against the types that Grafana publishes and the catalogue
//! of metrics, and filled by a real Prometheus that scrapes the demo. And the manifests among the
//! examples, held against those of the Prometheus Operator.
//!
//! Grafana itself is in none of the registries that the tests may use. What it publishes on npm
//! is: the types of dashboards and panels, the lists of units and colours, and the code of its
//! transformations. `tests/install.sh` installs these.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and shows the logs then"
)]

#[path = "../it/exporter.rs"]
#[allow(dead_code, reason = "the tests of the exporter use the rest")]
mod exporter;
#[path = "../real/http.rs"]
#[allow(dead_code, reason = "the tests with real servers use the rest")]
mod http;
#[path = "../real/installed.rs"]
#[allow(dead_code, reason = "the tests with real servers use the rest")]
mod installed;
#[path = "../../examples/demo/provider/mod.rs"]
#[allow(dead_code, reason = "the tests of the exporter use the rest")]
mod provider;
#[path = "../real/running.rs"]
#[allow(dead_code, reason = "the tests with real servers use the rest")]
mod running;
#[path = "../../examples/demo/scrape.rs"]
#[allow(dead_code, reason = "the tests of the exporter use the rest")]
mod scrape;

mod board;
mod expression;
mod filled;
mod form;
mod names;
mod prometheus;
mod published;
