//! tinyproxy, a forward proxy that wants credentials.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

use super::authority::write;
use super::running::Running;
use super::{installed, port};

const USER: &str = "monitor-proxy";
/// The right password.
pub(crate) const PASSWORD: &str = "proxy-password";

/// A running proxy.
pub(crate) struct Tinyproxy {
    folder: TempDir,
    port: u16,
    _running: Running,
}

impl Tinyproxy {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, here) = (port::free(), folder.path().display());
        let configuration = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n\
             BasicAuth {USER} {PASSWORD}\nLogFile \"{here}/log\"\nLogLevel Info\n"
        );
        write(folder.path(), "tinyproxy.conf", &configuration);
        let mut command = installed::debian("tinyproxy");
        command.arg("-d").arg("-c").arg(folder.path().join("tinyproxy.conf"));
        let running = Running::start("tinyproxy", &mut command);
        port::wait_until_it_listens(port);
        Self { folder, port, _running: running }
    }

    /// Its URL with the user and this password.
    pub(crate) fn url(&self, password: &str) -> String {
        format!("http://{USER}:{password}@127.0.0.1:{}", self.port)
    }

    /// Its URL alone.
    pub(crate) fn url_without_credentials(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The request lines that it read, those that it refused among them.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).expect("a log");
        let line = |line: &str| {
            let (_, rest) = line.split_once("Request (file descriptor ")?;
            Some(rest.split_once("): ")?.1.to_owned())
        };
        log.lines().filter_map(line).collect()
    }
}

/// What nobody behind the proxy may see: user, password, and how they are sent.
pub(crate) fn credentials() -> [String; 3] {
    let pair = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    [USER.to_owned(), PASSWORD.to_owned(), pair]
}
