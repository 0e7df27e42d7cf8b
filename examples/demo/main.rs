//! The exporter together with a provider that it can probe, both on loopback.
//!
//! ```text
//! cargo run --release --example demo
//! ```
//!
//! Starts both, probes once, says what happened and where to look, and stays until Ctrl-C.
//! `--web.listen-address HOST:PORT` moves the exporter, `--once` ends after the first probes, and
//! `--alerts` starts Prometheus and Alertmanager too and shows which alert each fault leads to.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a demo speaks in the terminal and ends where its own parts do not fit"
)]

mod alerts;
#[allow(dead_code, reason = "the tests use the rest")]
mod provider;
#[allow(dead_code, reason = "the tests use the rest")]
mod scrape;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use alerts::Alerting;
use auth_exporter::config::{Config, ConfigStore};
use auth_exporter::modules::PROBERS;
use auth_exporter::server::{self, App};
use clap::Parser;
use provider::{Certificate, Credentials, Fault, Provider};
use tokio::net::TcpListener;

/// The exporter together with a provider that it can probe.
#[derive(Parser)]
#[command(name = "demo")]
struct Flags {
    /// Where the exporter listens.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:10115")]
    exporter: SocketAddr,
    /// Where the provider listens with plain http, on a free port by default.
    #[arg(long = "provider.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    provider: SocketAddr,
    /// End after the first probes; exit 1 when one did not end as it must.
    #[arg(long)]
    once: bool,
    /// Start Prometheus and Alertmanager too, break the provider in one way after the other, and show
    /// the alerts; exit 1 with --once when one was not as it must be.
    #[arg(long)]
    alerts: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Flags::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<bool, String> {
    let taken = |flag: &str, address: SocketAddr, error: std::io::Error| {
        format!(
            "cannot listen on {address}: {error}; stop what listens there, or choose another \
             with {flag} (127.0.0.1:0 is any free port)"
        )
    };
    let provider = Provider::start_with(credentials(), flags.provider)
        .await
        .map_err(|error| taken("--provider.listen-address", flags.provider, error))?;
    let listener = TcpListener::bind(flags.exporter)
        .await
        .map_err(|error| taken("--web.listen-address", flags.exporter, error))?;
    let exporter = listener.local_addr().map_err(|error| error.to_string())?;
    let folder =
        tempfile::tempdir().map_err(|error| format!("no folder for the files: {error}"))?;
    let ca_file = folder.path().join("ca.pem");
    let store = configured(&provider, folder.path(), &ca_file)?;
    let config = store.current();

    let interrupted = async { tokio::signal::ctrl_c().await.expect("signals can be handled") };
    // Where time runs faster, a scrape has a second.
    let app = Arc::new(App::new(store, if flags.alerts { 0.05 } else { 0.5 }));
    let mut exporting = tokio::spawn(server::run(app, vec![listener], interrupted));
    println!("The demo provider plays an OAuth 2 provider and two APIs at {}\n", provider.url());
    let mut as_it_must = show(&config, &provider, exporter)
        .await
        .map_err(|error| format!("the exporter does not answer: {error}"))?;
    let mut alerting = None;
    if flags.alerts {
        let alerts = alerting.insert(Alerting::start(folder.path(), exporter)?);
        alerts.look_here();
        tokio::select! {
            shown = alerts.show(&provider) => as_it_must &= shown?,
            _ = &mut exporting => return Ok(false),
        }
        alerts.look_here();
    }
    if !flags.once {
        look_here(&config, &provider, exporter, &ca_file);
        exporting.await.map_err(|error| error.to_string())?;
    }
    Ok(as_it_must)
}

/// Those of the environment, so that an exporter of the user's own can know them, else new ones.
fn credentials() -> Credentials {
    let made_up = Credentials::random();
    let given = |name, or| std::env::var(name).unwrap_or(or);
    Credentials {
        client_secret: given("DEMO_CLIENT_SECRET", made_up.client_secret),
        api_key: given("DEMO_API_KEY", made_up.api_key),
        password: given("DEMO_PASSWORD", made_up.password),
        ..made_up
    }
}

/// The configuration of the demo with its variables filled in, as a file like any other.
fn configured(provider: &Provider, folder: &Path, ca_file: &Path) -> Result<ConfigStore, String> {
    let file = folder.join("auth_exporter.yml");
    let write = |file: &Path, text: &str| {
        std::fs::write(file, text)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
    };
    write(ca_file, &provider.ca_pem())?;
    write(&file, &provider.fill_in(include_str!("auth_exporter.yml"), ca_file))?;
    ConfigStore::open(&file, PROBERS, None).map_err(|error| error.to_string())
}

/// Probes every listed target once, as a scraper does, and prints what the metrics say.
async fn show(config: &Config, provider: &Provider, exporter: SocketAddr) -> std::io::Result<bool> {
    let mut as_it_must = true;
    for (module, target) in listed(config) {
        let path = scrape::probe_path(module, target);
        let metrics = scrape::send(exporter, "GET", &path, &[]).await?.metrics();
        let expired = target == provider.tls_url(Certificate::Expired);
        as_it_must &= metrics.success() != expired;
        let verdict = if metrics.success() { "success" } else { "FAILURE" };
        let wanted = if expired { ", as it must: the certificate has expired" } else { "" };
        println!("{verdict}: {module} → {target}{wanted}");
        for step in metrics.steps() {
            let time = step.seconds.unwrap_or_default() * 1000.0;
            let outcome = match (step.success, step.reached, step.reason) {
                (true, false, _) => "not asked for".to_owned(),
                (true, true, _) => format!("ok in {time:.1} ms"),
                (false, false, _) => "not reached".to_owned(),
                (false, true, reason) => {
                    format!("FAILED, {}, in {time:.1} ms", reason.unwrap_or_default())
                }
            };
            println!("  {:<10} {outcome}", step.name);
        }
        println!();
    }
    Ok(as_it_must)
}

/// Each module with each of its targets.
fn listed(config: &Config) -> impl Iterator<Item = (&str, &str)> {
    config.modules.values().flat_map(|module| {
        let targets = module.targets.listed().iter();
        targets.map(|listed| (module.name.as_str(), &*listed.target))
    })
}

/// Prints the URLs to open and the switches to try.
fn look_here(config: &Config, provider: &Provider, exporter: SocketAddr, ca_file: &Path) {
    println!("Look here:");
    for path in ["/", "/metrics", "/config", "/sd"] {
        println!("  http://{exporter}{path}");
    }
    for (module, target) in listed(config) {
        println!("  http://{exporter}{}", scrape::probe_path(module, target));
    }
    println!("Add &debug=true to a probe for its story.");

    let faults = format!("{}/faults", provider.url());
    let probe = scrape::probe_path("client_credentials", provider.url());
    println!("\nBreak something, look again, and mend it:");
    println!("  curl -X PUT {faults}/{}", Fault::TokenRefusesClient.name());
    println!("  curl -s 'http://{exporter}{probe}' | grep -E '^probe_(success|auth_failure_info)'");
    println!("  curl -X DELETE {faults}");
    println!("  curl {faults}     # all that can be broken");

    println!("\nAn exporter of your own can load examples/demo/auth_exporter.yml when you set");
    println!(
        "DEMO_CLIENT_SECRET, DEMO_API_KEY and DEMO_PASSWORD for the demo and for it, and for it too:"
    );
    for (name, value) in provider.variables(ca_file) {
        if !matches!(name, "DEMO_CLIENT_SECRET" | "DEMO_API_KEY" | "DEMO_PASSWORD") {
            println!("  export {name}={value}");
        }
    }
    println!("\nCtrl-C ends the demo.");
}
