//! The exporter as users run it.

use std::process::Command;

use tempfile::TempDir;

use super::http::{get, with_query};
use super::running::Running;

/// A running exporter.
pub(crate) struct Exporter {
    /// Where it listens.
    pub(crate) address: String,
    _running: Running,
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
        command.args(["--web.listen-address", "127.0.0.1:0", "--log.level", "debug"]);
        let mut running = Running::start("auth_exporter", &mut command);
        let address = running.wait_for("address", |line| {
            Some(line.split_once("msg=listening address=")?.1.to_owned())
        });
        Self { address, _running: running, _folder: folder }
    }

    /// Probes in the classic format.
    pub(crate) fn probe(&self, module: &str, target: &str) -> String {
        get(&self.address, &probe_path(module, target), "*/*")
    }
}

/// The path of a probe.
pub(crate) fn probe_path(module: &str, target: &str) -> String {
    with_query("/probe", &[("module", module), ("target", target)])
}
