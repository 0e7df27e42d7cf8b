//! One probe in the terminal, or one after the other.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::{FAILED, Flags, Format, ProbeArguments, USAGE, complain, json, text, unwritten};
use crate::config::{Config, ConfigStore};
use crate::exposition::{self, probe_samples};
use crate::probe::{self, Memory, Module, Target, budget};
use crate::report::ProbeReport;

/// Runs one probe as a scrape without a timeout header would, and prints what it found; or one
/// after the other, until `interrupted` completes.
pub async fn probe(
    store: &ConfigStore,
    flags: &Flags,
    arguments: &ProbeArguments,
    interrupted: impl Future<Output = ()>,
) -> ExitCode {
    let config = store.current();
    let checked = checked(&config, flags, arguments);
    let (module, target, budget) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            complain(error);
            return ExitCode::from(USAGE);
        }
    };
    // Before the clock runs.
    store.load_roots();
    // One probe leaves to the next what it leaves in the running exporter.
    let memory = Arc::new(Memory::default());
    let screen = Screen::new(arguments);
    let mut code = ExitCode::from(FAILED);
    let probing = async {
        loop {
            let report = probe::run(module, &target, budget, &memory).await.report;
            code = if report.success() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
            if let Err(error) = screen.show(&report) {
                code = unwritten(&error);
                break;
            }
            match arguments.watch.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                Some(interval) => tokio::time::sleep(interval).await,
                None => break,
            }
        }
    };
    tokio::select! {
        () = probing => {}
        () = interrupted => {}
    }
    code
}

/// What the arguments mean, or what is wrong with them.
fn checked<'c>(
    config: &'c Config,
    flags: &Flags,
    arguments: &ProbeArguments,
) -> Result<(&'c Arc<Module>, Target, Duration), String> {
    let module = config.modules.get(&arguments.module).ok_or_else(|| {
        let names: Vec<_> = config.modules.keys().map(String::as_str).collect();
        format!("Unknown module {:?}; there are: {}", arguments.module, names.join(", "))
    })?;
    let target = Target::parse(&arguments.target).map_err(|error| format!("The target {error}"))?;
    if !module.targets.allow(&target) {
        return Err(format!(
            "Module {:?} may not be pointed at this target: it is neither in targets nor in allowed_targets",
            module.name
        ));
    }
    let budget =
        budget(None, flags.timeout_offset, module.timeout).map_err(|error| error.to_string())?;
    Ok((module, target, budget))
}

/// How a report is shown.
struct Screen {
    format: Format,
    colours: bool,
    /// Each report takes the place of the one before it.
    redraws: bool,
}

impl Screen {
    fn new(arguments: &ProbeArguments) -> Self {
        let terminal = io::stdout().is_terminal();
        // https://no-color.org: set, and not to an empty text.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let redraws = terminal && !dumb && arguments.watch.is_some();
        Self { format: arguments.format, colours: terminal && !dumb && !refused, redraws }
    }

    fn show(&self, report: &ProbeReport) -> io::Result<()> {
        let mut shown = match self.format {
            Format::Text => text::table(report, self.colours),
            Format::Json => format!("{}\n", json::object(report)),
            Format::Prometheus => exposition::Format::Classic.encode(probe_samples(report)),
        };
        if self.redraws && self.format == Format::Text {
            // Clears the screen and goes to its top (ECMA-48 ED and CUP).
            shown.insert_str(0, "\x1b[2J\x1b[H");
        }
        let mut out = io::stdout().lock();
        out.write_all(shown.as_bytes())?;
        out.flush()
    }
}
