//! Flags → logging → configuration → bind → serve.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use auth_exporter::cli::{self, Cli, Command, Flags};
use auth_exporter::config::ConfigStore;
use auth_exporter::modules::PROBERS;
use auth_exporter::net::Networks;
use auth_exporter::server::{self, App, Paths, WebConfig};
use auth_exporter::steps::make_no_more_keys;
use auth_exporter::{logging, system};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A probe takes a tenth less CPU time with it than with glibc's, and a long run no more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { flags, command } = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    logging::init(flags.log_level, flags.log_prober, flags.log_format);
    let code = run(&flags, command).unwrap_or_else(|error| {
        cli::complain(error);
        ExitCode::from(cli::USAGE)
    });
    // AWS-LC aborts the program when it is asked for random bytes while the program ends.
    make_no_more_keys();
    code
}

/// What it fails with is wrong in a flag or a file.
fn run(flags: &Flags, command: Option<Command>) -> Result<ExitCode, String> {
    match command {
        Some(Command::Completions { shell }) => return Ok(cli::print(&cli::completions(shell))),
        Some(Command::Man) => {
            return Ok(cli::print(&cli::man().map_err(|error| error.to_string())?));
        }
        Some(Command::Probe(_)) | None => {}
    }
    let networks = Networks::parse(&flags.block_networks, &flags.allow_networks)
        .map_err(|error| format!("--probe.block-networks or --probe.allow-networks: {error}"))?;
    let store =
        ConfigStore::open(&flags.config_file, PROBERS, networks).map_err(|e| e.to_string())?;
    let config = store.current();
    let warnings = match &command {
        Some(Command::Probe(arguments)) => config.warnings_of(&arguments.module),
        _ => &config.warnings,
    };
    for warning in warnings {
        tracing::warn!(warning, "configuration");
    }
    let web = flags.web_config_file.as_deref().map(WebConfig::open).transpose();
    let web = web.map_err(|error| error.to_string())?.unwrap_or_default();
    for warning in web.warnings() {
        tracing::warn!(warning, "web configuration");
    }
    let paths = Paths::new(flags.external_url.as_deref(), flags.route_prefix.as_deref())?;
    if flags.config_check {
        let modules = match store.current().modules.len() {
            1 => "1 module".to_owned(),
            count => format!("{count} modules"),
        };
        let web = flags.web_config_file.as_deref();
        let web = web.map(|file| format!("{}: all fine\n", file.display())).unwrap_or_default();
        let fine = format!("{}: {modules}, all fine\n{web}", flags.config_file.display());
        return Ok(cli::print(fine.as_bytes()));
    }
    for error in system::confine() {
        tracing::warn!(error, "not confined");
    }
    if let Some(Command::Probe(arguments)) = command {
        return Ok(match runtime() {
            Ok(runtime) => {
                let code = runtime.block_on(cli::probe(&store, flags, &arguments, interrupted()));
                runtime.shutdown_timeout(LAST_WORDS);
                code
            }
            Err(error) => cannot_start(&error),
        });
    }
    let app = App::new(store, flags.timeout_offset)
        .with_web_config(web)
        .with_paths(paths)
        .with_limit(flags.max_in_flight)
        .with_history_limit(flags.history_limit);
    // The environment is changed while there is one thread.
    let handed = if flags.systemd_socket { system::activated() } else { Ok(Vec::new()) };
    let serving = handed.and_then(|handed| Ok((handed, runtime()?)));
    let (handed, runtime) = match serving {
        Ok(serving) => serving,
        Err(error) => return Ok(cannot_start(&error)),
    };
    let served = runtime.block_on(serve(app, handed, flags));
    runtime.shutdown_timeout(LAST_WORDS);
    Ok(match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "cannot serve");
            ExitCode::FAILURE
        }
    })
}

/// For threads to end that have nothing to do any more. A resolver that is silent is not waited for.
const LAST_WORDS: Duration = Duration::from_millis(100);

fn cannot_start(error: &std::io::Error) -> ExitCode {
    cli::complain(format_args!("cannot start: {error}"));
    ExitCode::FAILURE
}

/// Ends when the person at the terminal has had enough.
async fn interrupted() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    // Where signals cannot be handled they end the process.
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// How long a thread for what blocks waits for more of it. Tasks go around all that wait: with the
/// ten seconds of the runtime, a moment with many of them would keep as many for as long as one a
/// second comes for each, and what every one of them has allocated.
const BLOCKING_THREAD_KEPT: Duration = Duration::from_millis(20);

/// One thread where there is one core: a worker beside the main thread would bring nothing, and
/// cost a tenth of the CPU time of a probe.
fn runtime() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut builder =
        if cores == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().thread_keep_alive(BLOCKING_THREAD_KEPT).build()
}

async fn serve(app: App, handed: Vec<std::net::TcpListener>, flags: &Flags) -> Result<(), String> {
    // Before anybody can know that we are here: a signal that is not handled ends the process.
    let on = |kind| signal(kind).map_err(|error| format!("cannot handle signals: {error}"));
    let hangup = on(SignalKind::hangup())?;
    let (mut terminate, mut interrupt) =
        (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let app = Arc::new(app);
    let mut listeners =
        system::watched(handed).map_err(|error| format!("cannot take a socket: {error}"))?;
    if listeners.is_empty() {
        for address in &flags.listen_addresses {
            let listener = bind(address)
                .await
                .map_err(|error| format!("cannot listen on {address}: {error}"))?;
            listeners.push(listener);
        }
    }
    if app.has_tls() {
        tracing::info!("TLS is enabled");
    }
    for listener in &listeners {
        if let Ok(local) = listener.local_addr() {
            tracing::info!(address = %local, "listening");
        }
    }
    tokio::spawn(reload_on(hangup, app.clone()));
    if flags.auto_reload {
        let interval = Duration::from_secs(flags.auto_reload_interval.into());
        tokio::spawn(reload_each(interval, app.clone()));
    }
    tokio::spawn(system::keep_watchdog_quiet());
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        system::stopping();
    };
    system::ready();
    server::run(app, listeners, shutdown).await;
    Ok(())
}

async fn reload_on(mut hangup: Signal, app: Arc<App>) {
    while hangup.recv().await.is_some() {
        system::reloading();
        // A bad file is in the log and in the metrics; the old configuration stays.
        let _ = app.reload().await;
        system::ready();
    }
}

async fn reload_each(interval: Duration, app: Arc<App>) {
    loop {
        tokio::time::sleep(interval).await;
        app.reload_if_changed().await;
    }
}

/// Binds `HOST:PORT`, or `:PORT` for every address of the machine, IPv6 and IPv4.
async fn bind(address: &str) -> std::io::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else {
        let mut bound = Err(std::io::Error::other("the name has no address"));
        for address in tokio::net::lookup_host(address).await? {
            bound = bound.or_else(|_| listen(address));
        }
        return bound;
    };
    let port = port.parse().map_err(std::io::Error::other)?;
    listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).or_else(|error| {
        match Errno::from_io_error(&error) {
            // A machine without IPv6.
            Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => {
                listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
            }
            _ => Err(error),
        }
    })
}

/// Connections that wait to be accepted: as many as Linux lets wait, so that a flood of them does
/// not turn others away, who would come again after a second.
const BACKLOG: u32 = 4096;

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
