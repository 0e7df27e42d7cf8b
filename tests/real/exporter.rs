//! The exporter as users run it.

use std::process::Command;

use tempfile::TempDir;

use super::http::{get, with_query};
use super::running::Running;

/// A running exporter.
pub(crate) struct Exporter {
    /// Where it listens.
    pub(crate) address: String,
    pub(crate) running: Running,
    _folder: TempDir,
}

impl Exporter {
    /// Starts the exporter with this configuration, on a port that the system chooses.
    pub(crate) fn start(configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("auth_exporter.yml");
        std::fs::write(&file, configuration).expect("a configuration file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth_exporter"));
        command.arg("--config.file").arg(file);
        command.args([
            "--web.listen-address",
            "127.0.0.1:0",
            "--log.level",
            "debug",
            "--log.prober",
            "debug",
        ]);
        let mut running = Running::start("auth_exporter", &mut command);
        let address = running.wait_for("address", |line| {
            Some(line.split_once("msg=listening address=")?.1.to_owned())
        });
        Self { address, running, _folder: folder }
    }

    /// Probes in the classic format.
    pub(crate) fn probe(&self, module: &str, target: &str) -> String {
        get(&self.address, &probe_path(module, target), "*/*")
    }
}

/// The steps of a probe on one line: `discovery ok, token rate_limited, call_api -`, where `-` was
/// not reached, `unneeded` is a step that the provider did not ask for, and warnings follow in
/// brackets.
pub(crate) fn story(metrics: &str) -> String {
    let label = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        rest.split('"').next().map(str::to_owned)
    };
    let of = |metric: &str, step: &str, name: &str| -> Vec<String> {
        let start = format!("{metric}{{step=\"{step}\"");
        metrics
            .lines()
            .filter(|line| line.starts_with(&start))
            .filter_map(|line| label(line, name))
            .collect()
    };
    let planned = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix("probe_auth_step_success{")?;
        Some((label(rest, "step")?, rest.ends_with(" 1")))
    });
    let reached =
        |step: &str| metrics.contains(&format!("probe_auth_step_reached{{step=\"{step}\"}} 1\n"));
    let steps = planned.map(|(step, success)| {
        let state = match (success, of("probe_auth_failure_info", &step, "reason").pop()) {
            (true, None) if reached(&step) => "ok".to_owned(),
            (true, None) => "unneeded".to_owned(),
            (false, None) => "-".to_owned(),
            (false, Some(reason)) => reason,
            (true, Some(reason)) => panic!("{step} succeeded with {reason}\n{metrics}"),
        };
        let warnings = of("probe_auth_warning_info", &step, "warning");
        let warnings =
            if warnings.is_empty() { String::new() } else { format!(" [{}]", warnings.join(" ")) };
        format!("{step} {state}{warnings}")
    });
    steps.collect::<Vec<_>>().join(", ")
}

/// The path of a probe.
pub(crate) fn probe_path(module: &str, target: &str) -> String {
    with_query("/probe", &[("module", module), ("target", target)])
}
