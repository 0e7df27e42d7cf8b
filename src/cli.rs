//! Flags, and the `probe` subcommand that runs one probe in the terminal.

// The terminal is where it answers.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::config::ConfigStore;
use crate::logging;
use crate::probe::{self, Memory, Target, budget};
use crate::report::{ProbeReport, StepOutcome};

/// A Prometheus exporter that tells whether people and programs can still authenticate,
/// and if not, at which step and why.
#[derive(Debug, Parser)]
#[command(name = "auth_exporter", version, about)]
pub struct Cli {
    /// Flags of the server and of the subcommands.
    #[command(flatten)]
    pub flags: Flags,
    /// Without a subcommand the exporter serves.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags, named as in `blackbox_exporter`.
#[derive(Debug, Args)]
pub struct Flags {
    /// The configuration file.
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = "auth_exporter.yml",
        global = true
    )]
    pub config_file: PathBuf,
    /// Check the configuration file (and that of --web.config.file) and exit.
    #[arg(long = "config.check")]
    pub config_check: bool,
    /// Read the configuration file again when it has changed.
    #[arg(long = "config.enable-auto-reload")]
    pub auto_reload: bool,
    /// Seconds between two looks at the configuration file.
    #[arg(long = "config.auto-reload-interval", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub auto_reload_interval: u32,
    /// Address to listen on, repeatable; without a host, on all addresses.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":10115")]
    pub listen_addresses: Vec<String>,
    /// Listen on the sockets that systemd hands over, and on no address.
    #[arg(long = "web.systemd-socket")]
    pub systemd_socket: bool,
    /// URL under which the exporter is reached from outside, as behind a proxy: for service discovery and redirects.
    #[arg(long = "web.external-url", value_name = "URL")]
    pub external_url: Option<String>,
    /// Prefix of all paths; without it, the path of --web.external-url.
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    pub route_prefix: Option<String>,
    /// File with TLS, users and headers of the exporter's own port, in the format of the Prometheus exporter-toolkit.
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub web_config_file: Option<PathBuf>,
    /// Seconds that an answer keeps free of the scrape timeout.
    #[arg(long = "timeout-offset", value_name = "SECONDS", default_value_t = 0.5, value_parser = offset)]
    pub timeout_offset: f64,
    /// Log what has this level and above.
    #[arg(
        long = "log.level",
        value_name = "LEVEL",
        value_enum,
        default_value = "info",
        global = true
    )]
    pub log_level: logging::Level,
    /// Log of probes what has this level and above, whatever --log.level says.
    #[arg(long = "log.prober", value_name = "LEVEL", value_enum, default_value = "info")]
    pub log_prober: logging::Level,
    /// Form of the log lines.
    #[arg(
        long = "log.format",
        value_name = "FORMAT",
        value_enum,
        default_value = "logfmt",
        global = true
    )]
    pub log_format: logging::Format,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one probe and print its steps: exit 0 on success, 1 on a failed probe,
    /// 2 on a usage or configuration error.
    Probe {
        /// Name of a module of the configuration.
        module: String,
        /// The target to point it at.
        target: String,
    },
}

fn offset(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
        .ok_or_else(|| "must be a number of seconds, 0 or more".to_owned())
}

/// Exit code of a failed probe.
const FAILED: u8 = 1;
/// Exit code of a usage or configuration error.
pub const USAGE: u8 = 2;

/// Runs one probe as a scrape without a timeout header would, and prints what it found.
pub async fn probe(store: &ConfigStore, flags: &Flags, module: &str, target: &str) -> ExitCode {
    let config = store.current();
    let Some(module) = config.modules.get(module) else {
        let names: Vec<_> = config.modules.keys().map(String::as_str).collect();
        eprintln!("Unknown module {module:?}; there are: {}", names.join(", "));
        return ExitCode::from(USAGE);
    };
    let target = match Target::parse(target) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("The target {error}");
            return ExitCode::from(USAGE);
        }
    };
    if !module.targets.allow(&target) {
        eprintln!(
            "Module {:?} may not be pointed at this target: it is neither in targets nor in allowed_targets",
            module.name
        );
        return ExitCode::from(USAGE);
    }
    let budget = match budget(None, flags.timeout_offset, module.timeout) {
        Ok(budget) => budget,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(USAGE);
        }
    };
    // Before the clock runs.
    store.load_roots();
    let memory = Arc::new(Memory::default());
    let report = probe::run(module, &target, budget, &memory).await.report;
    print!("{}", table(&report));
    if report.success() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// The steps with times, status and reason, and what to do about them.
fn table(report: &ProbeReport) -> String {
    let mut text = format!("{} {} → {}\n\n", report.prober, report.module, report.target);
    // Writing into a String cannot fail.
    let _ =
        writeln!(text, "{:<12} {:<12} {:>10} {:>7}  REASON", "STEP", "RESULT", "TIME", "STATUS");
    for step in &report.steps {
        let (result, reason) = match &step.outcome {
            StepOutcome::NotReached => ("not reached", ""),
            StepOutcome::Passed => ("ok", ""),
            StepOutcome::NotNeeded => ("not needed", ""),
            StepOutcome::Failed(failure) => ("FAILED", failure.reason.as_str()),
        };
        let time = step.duration.map_or_else(
            || "-".to_owned(),
            |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        );
        let status = step.last_status().map_or_else(|| "-".to_owned(), |status| status.to_string());
        let row =
            format!("{:<12} {result:<12} {time:>10} {status:>7}  {reason}", step.step.as_str());
        let _ = writeln!(text, "{}", row.trim_end());
    }
    for step in &report.steps {
        if let Some(failure) = step.failure() {
            let _ = write!(
                text,
                "\n{}: {}\n  {}\n  What to do: {}\n",
                step.step,
                failure.reason.meaning(),
                failure.detail,
                failure.reason.advice()
            );
        }
        for warning in &step.warnings {
            let _ = write!(
                text,
                "\n{}: warning {warning}: {}\n  What to do: {}\n",
                step.step,
                warning.meaning(),
                warning.advice()
            );
        }
    }
    let verdict = if report.success() { "succeeded" } else { "FAILED" };
    let total = report.duration.as_secs_f64() * 1000.0;
    let _ = writeln!(text, "\nProbe {verdict} in {total:.1} ms.");
    text
}
