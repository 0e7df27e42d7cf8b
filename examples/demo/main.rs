//! The exporter together with a provider that it can probe, both on loopback.
//!
//! ```text
//! cargo run --release --example demo
//! ```
//!
//! Starts both, probes once, says what happened and where to look, and stays until Ctrl-C.
//! `--web.listen-address HOST:PORT` moves the exporter, `--once` ends after the first probes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a demo speaks in the terminal and ends where its own parts do not fit"
)]

#[allow(dead_code, reason = "the tests use the rest")]
mod provider;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use auth_exporter::config::ConfigStore;
use auth_exporter::modules::PROBERS;
use auth_exporter::probe::{self, Target};
use auth_exporter::report::{ProbeReport, StepOutcome};
use auth_exporter::server;
use clap::Parser;
use provider::{Credentials, Provider};
use tokio::net::TcpListener;

/// The exporter together with a provider that it can probe.
#[derive(Parser)]
struct Flags {
    /// Where the exporter listens.
    #[arg(long = "web.listen-address", default_value = "127.0.0.1:10115")]
    listen_address: String,
    /// End after the first probes; exit 1 when one failed.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    match run(&flags).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<bool, String> {
    let listener = TcpListener::bind(&flags.listen_address).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; choose another with --web.listen-address",
            flags.listen_address
        )
    })?;
    let exporter = listener.local_addr().map_err(|error| error.to_string())?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let provider = Provider::start_with(Credentials::random(), any)
        .await
        .map_err(|error| format!("cannot start the provider: {error}"))?;
    let folder =
        tempfile::tempdir().map_err(|error| format!("no folder for the files: {error}"))?;
    let store = configured(&provider, folder.path())?;

    println!("The demo provider plays an OAuth 2 provider and two APIs at {}\n", provider.url());
    let mut all = true;
    for module in store.current().modules.values() {
        for listed in &module.targets.listed {
            let budget = module.timeout.unwrap_or_default();
            let report = probe::run(module, &listed.target, budget).await;
            tell(&report);
            all &= report.success();
        }
    }
    if !flags.once {
        look_here(&exporter, &provider, &store);
        let shutdown = async { tokio::signal::ctrl_c().await.expect("signals can be handled") };
        let app = Arc::new(server::App::new(store, 0.5));
        server::run(app, vec![listener], shutdown).await;
    }
    Ok(all)
}

/// The configuration of the demo with its variables filled in, as a file like any other.
fn configured(provider: &Provider, folder: &Path) -> Result<ConfigStore, String> {
    let ca_file = folder.join("ca.pem");
    let file = folder.join("auth_exporter.yml");
    let write = |file: &Path, text: &str| {
        std::fs::write(file, text)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
    };
    write(&ca_file, &provider.ca_pem())?;
    write(&file, &provider.fill_in(include_str!("auth_exporter.yml"), &ca_file))?;
    ConfigStore::open(&file, PROBERS).map_err(|error| error.to_string())
}

fn tell(report: &ProbeReport) {
    let verdict = if report.success() { "success" } else { "FAILURE" };
    println!("{verdict}: {} ({}) → {}", report.module, report.prober, report.target);
    for step in &report.steps {
        let time = step.duration.unwrap_or_default().as_secs_f64() * 1000.0;
        let outcome = match &step.outcome {
            StepOutcome::NotReached => "not reached".to_owned(),
            StepOutcome::Passed => format!("ok in {time:.1} ms"),
            StepOutcome::Failed(failure) => {
                format!("FAILED, {}: {}", failure.reason, failure.detail)
            }
        };
        println!("  {:<10} {outcome}", step.step.as_str());
    }
    println!();
}

fn look_here(exporter: &SocketAddr, provider: &Provider, store: &ConfigStore) {
    println!("Look here:\n  http://{exporter}/");
    for module in store.current().modules.values() {
        for listed in &module.targets.listed {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("module", &module.name)
                .append_pair("target", Target::as_str(&listed.target))
                .finish();
            println!("  http://{exporter}/probe?{query}");
        }
    }
    let faults = format!("{}/faults", provider.url());
    println!("\nBreak something, look again, and mend it:");
    println!("  curl -X PUT {faults}/token_refuses_client");
    println!("  curl -X DELETE {faults}");
    println!("  curl {faults}     # all that can be broken");
    println!("\nCtrl-C ends the demo.");
}
