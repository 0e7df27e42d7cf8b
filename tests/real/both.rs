//! The exporter and Debian's `blackbox_exporter`, to be held beside each other.

use std::path::Path;
use std::process::Command;

use super::installed;
use super::running::Running;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    AuthExporter,
    BlackboxExporter,
}

impl Program {
    /// Both of them.
    pub(crate) const BOTH: [Self; 2] = [Self::AuthExporter, Self::BlackboxExporter];

    /// As its project is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AuthExporter => "auth_exporter",
            Self::BlackboxExporter => "blackbox_exporter",
        }
    }

    /// The file name of its configuration.
    pub(crate) fn file(self) -> String {
        format!("{}.yml", self.name())
    }

    /// The program, with no flags.
    pub(crate) fn bare(self) -> Command {
        match self {
            Self::AuthExporter => Command::new(env!("CARGO_BIN_EXE_auth_exporter")),
            Self::BlackboxExporter => installed::debian("prometheus-blackbox-exporter"),
        }
    }

    /// The program with its configuration in this folder, on a port that the system chooses.
    pub(crate) fn command(self, folder: &Path) -> Command {
        let mut command = self.bare();
        command.arg(format!("--config.file={}", folder.join(self.file()).display()));
        command.arg("--web.listen-address=127.0.0.1:0");
        command
    }

    /// Starts it, and says where it listens.
    pub(crate) fn start(self, command: &mut Command) -> (String, Running) {
        let mut running = Running::start(self.name(), command);
        let address = running.wait_for("address", |line| {
            let (_, rest) = line.split_once("address")?;
            let (_, port) = rest.split_once("127.0.0.1:")?;
            let port = port.split(|c: char| !c.is_ascii_digit()).next()?;
            Some(format!("127.0.0.1:{port}"))
        });
        (address, running)
    }
}
