//! The exporter as its built program: for signals, exit codes and its log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::scrape::{self, Answer};

/// How long anything may take that should happen at once.
const SOON: Duration = Duration::from_secs(20);

/// A running exporter, killed when it is dropped. Its log is shown when the test fails.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
}

/// The program with these arguments and variables, and no others of ours.
pub(crate) fn command(arguments: &[&str], variables: &BTreeMap<&str, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth_exporter"));
    // Whom it trusts is the test's to say.
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command.args(arguments).envs(variables).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str], variables: &BTreeMap<&str, String>) -> Output {
    command(arguments, variables).output().expect("the built program")
}

impl Program {
    /// Starts the exporter on a free port.
    pub(crate) async fn start(
        configuration: &Path,
        more: &[&str],
        variables: &BTreeMap<&str, String>,
    ) -> Self {
        let file = configuration.to_str().expect("a path in UTF-8");
        let mut arguments = vec!["--config.file", file, "--web.listen-address", "127.0.0.1:0"];
        arguments.extend(more);
        let mut child = command(&arguments, variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program");
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stdout.take().expect("a pipe"), log.clone());
        keep(child.stderr.take().expect("a pipe"), log.clone());
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { address: unknown, child, log };
        program.address = program.find("where it listens", listening).await;
        program
    }

    /// Everything that it printed so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until its log shows this.
    pub(crate) async fn find<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let mut found = None;
        eventually(what, || {
            found = find(&self.log());
            found.is_some()
        })
        .await;
        found.expect("what was found")
    }

    /// Sends a request without a body.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        scrape::send(self.address, method, path, headers).await.expect("an answer")
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[]).await
    }

    /// Sends it a signal, as TERM.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh");
        assert!(status.success(), "{kill}: {status}");
    }

    /// The most memory that it had so far, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How long it has computed so far, in steps of 10 ms.
    pub(crate) fn computed(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("Linux");
        // Of the fields after the name, 11 and 12 are the ticks that it and the kernel took.
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
        Duration::from_millis(10 * ticks.map(|ticks| ticks.expect("a number")).sum::<u64>())
    }

    /// Waits until it ends.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the end of the program", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        })
        .await;
        status.expect("the status")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- the program printed:\n{}", self.log());
        }
    }
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The address in the log, in either format.
fn listening(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("listening"))?;
    let rest = line.split_once("address")?.1;
    rest.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

fn keep(pipe: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}
