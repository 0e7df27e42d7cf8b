//! Flags, and the subcommands: one probe in the terminal, what shells complete, the man page.

mod json;
mod probe;
mod text;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::logging;

pub use probe::probe;

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

impl Cli {
    /// What the program was started with.
    ///
    /// # Errors
    /// With the exit code where there is nothing to run: only help was asked for, or what nobody knows.
    /// That is told.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse_from(switched(std::env::args_os())).map_err(|told| {
            match told.print().and_then(|()| io::stdout().flush()) {
                Ok(()) => ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(USAGE)),
                Err(error) => unwritten(&error),
            }
        })
    }
}

/// Flags that are on or off, each once and as clap has them.
fn switched(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let command = Cli::command();
    let is_switch = |name: &str| {
        command.get_arguments().any(|known| {
            known.get_long() == Some(name) && matches!(known.get_action(), ArgAction::SetTrue)
        })
    };
    let mut switched: Vec<OsString> = Vec::new();
    for argument in arguments {
        let flag = argument.to_str().and_then(|text| text.strip_prefix("--")).unwrap_or_default();
        let (name, on) = match (flag.strip_prefix("no-"), flag.split_once('=')) {
            (None, Some((name, "true"))) => (name, true),
            (Some(name), _) | (None, Some((name, "false"))) => (name, false),
            (None, _) => (flag, true),
        };
        if is_switch(name) {
            let flag: OsString = format!("--{name}").into();
            // The last one counts.
            switched.retain(|other| *other != flag);
            switched.extend(on.then_some(flag));
        } else {
            switched.push(argument);
        }
    }
    switched
}

/// Flags, named as in `blackbox_exporter`. As there, what is on or off is also written `--flag=true`,
/// `--flag=false` and `--no-flag`.
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
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":10115", value_parser = listen_address)]
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
    /// How many probes are kept for the landing page and /logs, and as many failed ones beside them.
    #[arg(long = "history.limit", value_name = "PROBES", default_value_t = 100)]
    pub history_limit: usize,
    /// Probes that run at once at most; as many more wait, and what has no turn fails with `overloaded`. 0 is no limit.
    #[arg(long = "probe.max-in-flight", value_name = "PROBES", default_value_t = 1000)]
    pub max_in_flight: usize,
    /// Networks that nothing is sent to, with commas: `10.0.0.0/8`, or `private`, as without a value, for all that are not of the public Internet.
    #[arg(
        long = "probe.block-networks",
        value_name = "NETWORKS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "private",
        value_delimiter = ',',
        global = true
    )]
    pub block_networks: Vec<String>,
    /// Exceptions from --probe.block-networks, with commas.
    #[arg(
        long = "probe.allow-networks",
        value_name = "NETWORKS",
        value_delimiter = ',',
        global = true
    )]
    pub allow_networks: Vec<String>,
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
    /// 2 on a usage or configuration error, and where nothing can be printed.
    Probe(ProbeArguments),
    /// Print what a shell needs to complete the flags.
    #[command(hide = true)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the man page.
    #[command(hide = true)]
    Man,
}

/// What the `probe` subcommand is told.
#[derive(Debug, Args)]
pub struct ProbeArguments {
    /// Name of a module of the configuration.
    pub module: String,
    /// The target to point it at.
    pub target: String,
    /// Form of what is printed.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub format: Format,
    /// Probe again and again, with so many seconds between two probes, until interrupted; the last
    /// probe decides the exit code.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10",
        value_parser = offset
    )]
    pub watch: Option<f64>,
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table of the steps, and what to do about those that failed.
    Text,
    /// One JSON object a line and probe.
    Json,
    /// The metrics that a scrape would get.
    Prometheus,
}

/// `HOST:PORT`, or `:PORT`. Whether the host is one of this machine shows when it starts.
fn listen_address(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_address = !host.contains(':') || host.starts_with('[') && host.ends_with(']');
    if is_address && port.parse::<u16>().is_ok() {
        return Ok(text.to_owned());
    }
    Err("must be HOST:PORT or :PORT, an address of IPv6 in brackets".to_owned())
}

fn offset(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
        .ok_or_else(|| "must be a number of seconds, 0 or more".to_owned())
}

/// Exit code of a failed probe.
const FAILED: u8 = 1;
/// Exit code of a usage or configuration error, and where what was asked for could not be printed.
pub const USAGE: u8 = 2;

/// Prints what was asked for; with which code the program is to end then.
pub fn print(text: &[u8]) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => unwritten(&error),
    }
}

/// The exit code where that failed. Who closed a pipe has read enough, and is told nothing.
fn unwritten(error: &io::Error) -> ExitCode {
    if error.kind() != io::ErrorKind::BrokenPipe {
        complain(format_args!("cannot write to standard output: {error}"));
    }
    ExitCode::from(USAGE)
}

/// Says what is wrong on standard error. Where that cannot be written either, nobody is to be told.
pub fn complain(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// What a shell needs to complete the flags.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auth_exporter", &mut text);
    text
}

/// The man page, with what there is to say of the subcommand: that has no page of its own.
///
/// # Errors
/// When it cannot be made.
pub fn man() -> io::Result<Vec<u8>> {
    let command = Cli::command().disable_help_subcommand(true);
    let page = Man::new(command.clone()).section("8");
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    for subcommand in command.get_subcommands().filter(|known| !known.is_hide_set()) {
        let name = subcommand.get_name();
        let mut named = subcommand.clone().bin_name(format!("auth_exporter {name}"));
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        let mut section = Roff::new();
        section.control("SH", [format!("THE SUBCOMMAND {}", name.to_uppercase()).as_str()]);
        section.text([roman(named.render_usage().to_string())]);
        section.control("PP", []);
        section.text([roman(about)]);
        section.to_writer(&mut text)?;
        let own = subcommand.clone().disable_help_flag(true);
        let own = own.mut_args(|argument| argument.help_heading("Its options"));
        Man::new(own).render_options_section(&mut text)?;
    }
    page.render_version_section(&mut text)?;
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn flags_that_are_on_or_off_are_written_as_in_blackbox_exporter() {
        let read = |arguments: &[&str]| {
            let all = std::iter::once(&"auth_exporter").chain(arguments);
            let flags = Cli::try_parse_from(switched(all.map(Into::into))).expect("flags").flags;
            [flags.config_check, flags.auto_reload, flags.systemd_socket]
        };
        assert_eq!(read(&[]), [false, false, false]);
        assert_eq!(read(&["--config.check", "--web.systemd-socket"]), [true, false, true]);
        assert_eq!(read(&["--config.enable-auto-reload=true"]), [false, true, false]);
        assert_eq!(read(&["--config.check=false", "--no-web.systemd-socket"]), [false; 3]);
        assert_eq!(read(&["--config.check", "--no-config.check"]), [false; 3]);
        assert_eq!(read(&["--no-config.check", "--config.check"]), [true, false, false]);
        assert_eq!(read(&["--config.check", "--config.check=true"]), [true, false, false]);
        // Nothing else is touched.
        for unknown in ["--no-config.file=x", "--no-nothing", "--config.check=maybe"] {
            let all = switched(["auth_exporter", unknown].map(Into::into).into_iter());
            assert!(Cli::try_parse_from(all).is_err(), "{unknown}");
        }
    }
}
