//! Flags → logging → configuration → bind → serve.

// What a person asked for on the command line is answered there, and not in the log.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::net::{Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use auth_exporter::cli::{self, Cli, Command, Flags};
use auth_exporter::config::ConfigStore;
use auth_exporter::logging;
use auth_exporter::modules::PROBERS;
use auth_exporter::server::{self, WebConfig};
use clap::Parser;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

fn main() -> ExitCode {
    let Cli { flags, command } = Cli::parse();
    logging::init(flags.log_level, flags.log_format);
    let store = match ConfigStore::open(&flags.config_file, PROBERS) {
        Ok(store) => store,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(cli::USAGE);
        }
    };
    for warning in &store.current().warnings {
        tracing::warn!(warning, "configuration");
    }
    let web = match flags.web_config_file.as_deref().map(WebConfig::open).transpose() {
        Ok(web) => web.unwrap_or_default(),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(cli::USAGE);
        }
    };
    for warning in web.warnings() {
        tracing::warn!(warning, "web configuration");
    }
    if flags.config_check {
        let modules = match store.current().modules.len() {
            1 => "1 module".to_owned(),
            count => format!("{count} modules"),
        };
        println!("{}: {modules}, all fine", flags.config_file.display());
        if let Some(file) = &flags.web_config_file {
            println!("{}: all fine", file.display());
        }
        return ExitCode::SUCCESS;
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match command {
        Some(Command::Probe { module, target }) => {
            runtime.block_on(cli::probe(&store, &flags, &module, &target))
        }
        None => match runtime.block_on(serve(store, web, &flags)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(error, "cannot serve");
                ExitCode::FAILURE
            }
        },
    }
}

/// One thread where there is one core: a worker beside the main thread would bring nothing, and
/// cost a tenth of the CPU time of a probe.
fn runtime() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut builder =
        if cores == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}

async fn serve(store: ConfigStore, web: WebConfig, flags: &Flags) -> Result<(), String> {
    // Before anybody can know that we are here: a signal that is not handled ends the process.
    let on = |kind| signal(kind).map_err(|error| format!("cannot handle signals: {error}"));
    let hangup = on(SignalKind::hangup())?;
    let (mut terminate, mut interrupt) =
        (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    if web.has_tls() {
        tracing::info!("TLS is enabled");
    }
    let app = Arc::new(server::App::new(store, flags.timeout_offset).with_web_config(web));
    let mut listeners = Vec::new();
    for address in &flags.listen_addresses {
        let listener =
            bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
        if let Ok(local) = listener.local_addr() {
            tracing::info!(address = %local, "listening");
        }
        listeners.push(listener);
    }
    tokio::spawn(reload_on(hangup, app.clone()));
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server::run(app, listeners, shutdown).await;
    Ok(())
}

async fn reload_on(mut hangup: Signal, app: Arc<server::App>) {
    while hangup.recv().await.is_some() {
        // A bad file is in the log and in the metrics; the old configuration stays.
        let _ = app.reload().await;
    }
}

/// Binds `HOST:PORT`, or `:PORT` for every address of the machine, IPv6 and IPv4.
async fn bind(address: &str) -> std::io::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else {
        return TcpListener::bind(address).await;
    };
    let port = port.parse().map_err(std::io::Error::other)?;
    let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let listen = || {
        let socket = TcpSocket::new_v6()?;
        socket.set_reuseaddr(true)?;
        socket.bind(every)?;
        socket.listen(1024)
    };
    match listen() {
        Ok(listener) => Ok(listener),
        // A machine without IPv6.
        Err(_) => TcpListener::bind(("0.0.0.0", port)).await,
    }
}
