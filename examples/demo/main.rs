//! Starts the embedded provider and an exporter that probes it, probes once, says what
//! happened and where to look, and stays up until Ctrl-C.
//!
//! ```sh
//! cargo run --release --example demo
//! ```
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a demo prints, and its provider may fail at once where it was built wrong"
)]

#[allow(dead_code, reason = "the tests use more of it")]
mod provider;
#[allow(dead_code, reason = "the tests use more of it")]
mod scrape;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use auth_exporter::config::{Config, ConfigStore};
use auth_exporter::modules::PROBERS;
use auth_exporter::server::{self, App};
use clap::Parser;
use provider::{Certificate, Credentials, Fault, Provider};
use tokio::net::TcpListener;

/// Starts an identity provider and an exporter that probes it, both on this machine alone.
#[derive(Parser)]
#[command(name = "demo")]
struct Flags {
    /// Where the exporter listens.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:10115")]
    exporter: SocketAddr,
    /// Where the provider listens with plain http, on a free port by default.
    #[arg(long = "provider.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    provider: SocketAddr,
    /// The configuration of the exporter.
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo/auth_exporter.yml")
    )]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<(), String> {
    let taken = |flag: &str, address: SocketAddr, error: std::io::Error| {
        format!(
            "cannot listen on {address}: {error}. Stop what listens there, or choose another \
             address with {flag} (127.0.0.1:0 takes a free port)"
        )
    };
    let provider = Provider::start_with(credentials(), flags.provider)
        .await
        .map_err(|error| taken("--provider.listen-address", flags.provider, error))?;
    let listener = TcpListener::bind(flags.exporter)
        .await
        .map_err(|error| taken("--web.listen-address", flags.exporter, error))?;
    let exporter = listener.local_addr().map_err(|error| error.to_string())?;

    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, provider.ca_pem())
        .map_err(|error| format!("cannot write {}: {error}", ca_file.display()))?;
    serve(flags, &provider, &ca_file, listener, exporter).await
}

async fn serve(
    flags: &Flags,
    provider: &Provider,
    ca_file: &Path,
    listener: TcpListener,
    exporter: SocketAddr,
) -> Result<(), String> {
    let variables = provider.variables(ca_file);
    let environment = variables.clone();
    let store = ConfigStore::open_with(&flags.config, PROBERS, move |name| {
        environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    })
    .map_err(|error| error.to_string())?;
    let config = store.current();
    for warning in &config.warnings {
        println!("warning: {warning}");
    }
    let interrupted = async {
        // Without a handler for Ctrl-C the process ends by it.
        let _ = tokio::signal::ctrl_c().await;
    };
    let exporting =
        tokio::spawn(server::run(Arc::new(App::new(store, 0.5)), vec![listener], interrupted));
    let probed = show(&config, provider, exporter).await;
    probed.map_err(|error| format!("the exporter does not answer: {error}"))?;
    guide(&config, provider, exporter, &variables);
    exporting.await.map_err(|error| error.to_string())
}

/// Those of the environment, so that an exporter of the user's own can know them, else new ones.
fn credentials() -> Credentials {
    let made_up = Credentials::random();
    let given = |name, or| std::env::var(name).unwrap_or(or);
    Credentials {
        client_secret: given("DEMO_CLIENT_SECRET", made_up.client_secret),
        api_key: given("DEMO_API_KEY", made_up.api_key),
    }
}

/// Probes every listed target once and prints what the metrics say.
async fn show(config: &Config, provider: &Provider, exporter: SocketAddr) -> std::io::Result<()> {
    for module in config.modules.values() {
        for listed in &module.targets.listed {
            let target = listed.target.as_str();
            let path = scrape::probe_path(&module.name, target);
            let metrics = scrape::send(exporter, "GET", &path, &[]).await?.metrics();
            let verdict = if metrics.success() { "succeeded" } else { "FAILED" };
            let expected = if target == provider.tls_url(Certificate::Expired) {
                ", as it must: the certificate has expired"
            } else {
                ""
            };
            println!("{} ({}) → {target}: {verdict}{expected}", module.name, module.prober);
            for step in metrics.steps() {
                let time = step
                    .seconds
                    .map_or_else(|| "-".to_owned(), |time| format!("{:.1} ms", time * 1000.0));
                let state = match (step.success, step.reached, step.reason) {
                    (true, ..) => "ok".to_owned(),
                    (false, false, _) => "not reached".to_owned(),
                    (false, true, reason) => reason.unwrap_or_default(),
                };
                println!("  {:<10} {time:>10}  {state}", step.name);
            }
            println!();
        }
    }
    Ok(())
}

/// Prints the URLs to open and the switches to try.
fn guide(
    config: &Config,
    provider: &Provider,
    exporter: SocketAddr,
    variables: &BTreeMap<&'static str, String>,
) {
    println!("Exporter, with its modules:   http://{exporter}/");
    println!("Its own metrics:              http://{exporter}/metrics");
    println!("Its configuration:            http://{exporter}/config");
    println!("Targets for Prometheus:       http://{exporter}/sd");
    for module in config.modules.values() {
        for listed in &module.targets.listed {
            let path = scrape::probe_path(&module.name, listed.target.as_str());
            println!("Probe:                        http://{exporter}{path}");
            println!("  with its story:             http://{exporter}{path}&debug=true");
        }
    }
    let switches = format!("{}/faults", provider.url());
    println!("\nFaults to switch on:          {switches}");
    println!("  curl -X PUT {switches}/{}", Fault::Token429.name());
    if let Some(url) = variables.get("DEMO_PROVIDER") {
        let path = scrape::probe_path("oauth_cc", url);
        println!(
            "  curl -s 'http://{exporter}{path}' | grep -E '^probe_(success|auth_failure_info)'"
        );
    }
    println!("  curl -X DELETE {switches}");
    println!(
        "\nFor an exporter of your own set DEMO_CLIENT_SECRET and DEMO_API_KEY before this demo and,"
    );
    println!("beside them, for the exporter:");
    for (name, value) in variables {
        if !matches!(*name, "DEMO_CLIENT_SECRET" | "DEMO_API_KEY") {
            println!("  export {name}={value}");
        }
    }
    println!("\nCtrl-C ends the demo.");
}
