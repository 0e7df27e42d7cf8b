//! The exporter as a program, against software that nobody here wrote: an identity
//! server, Prometheus, and the parsers of others.
//!
//! `tests/install.sh` installs that software. A test that misses some of it fails.
#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, shows the logs then, and compares whole numbers"
)]

mod authority;
mod authorization_server;
mod blocks;
mod both;
mod certificate_dates;
mod chromium;
mod client_auth;
mod django_oauth_toolkit;
mod drop_in;
mod exporter;
mod formats;
mod guarded_api;
mod http;
mod installed;
mod jwt;
mod login;
mod mutual_tls;
mod nginx;
mod oidc_provider;
mod port;
mod prometheus;
mod provider;
mod proxies;
mod requests;
mod running;
mod saml;
#[path = "../readme/section.rs"]
mod section;
mod served;
mod signed_tokens;
mod tinyproxy;
mod web_config;
mod xml;
