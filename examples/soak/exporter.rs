//! The exporter as a program: its log, line by line, and what /proc says of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long its start may take.
const SOON: Duration = Duration::from_secs(30);

/// A running exporter, killed when it is dropped.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Mutex<Receiver<String>>,
}

/// What a process holds at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    /// What it has allocated of memory, in KiB. The pages of its file that have ever run are not
    /// in it: they become more until all have, and the system may take them back.
    pub(crate) memory: u64,
    /// All that is resident, in KiB.
    pub(crate) resident: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
}

impl Exporter {
    /// Starts the program on a free port.
    pub(crate) fn start(program: &Path, configuration: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .arg("--config.file")
            .arg(configuration)
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(flags);
        Self::spawn(command)
    }

    /// Starts what this command starts, and waits until it listens.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let (sender, log) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut before = Vec::new();
        let address = loop {
            let Ok(line) = log.recv_timeout(SOON) else {
                panic!("it does not say where it listens: {before:?}");
            };
            if let Some((_, address)) = line.split_once("msg=listening address=") {
                break address.parse().expect("an address");
            }
            before.push(line);
        };
        Self { address, child, log: Mutex::new(log) }
    }

    /// The lines of its log since the last call.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).try_iter().collect()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().expect("a child").map(|status| status.to_string())
    }

    /// Its process.
    #[allow(dead_code)] // by the tests alone
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it holds now.
    pub(crate) fn held(&self) -> Held {
        let process = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{process}/status")).expect("a running exporter");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        let descriptors = fs::read_dir(format!("{process}/fd")).expect("its descriptors").count();
        Held {
            memory: field("RssAnon:"),
            resident: field("VmRSS:"),
            descriptors: descriptors as u64,
            threads: field("Threads:"),
        }
    }

    /// How long it has computed so far, in steps of 10 ms.
    pub(crate) fn computed(&self) -> Duration {
        computed(&self.child.id().to_string())
    }

    /// How long its threads have waited for a core so far, in all.
    pub(crate) fn waited(&self) -> Duration {
        waited(&self.child.id().to_string())
    }
}

/// How long a process has computed so far: `self`, or its number.
pub(crate) fn computed(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    // Of the fields after the name, 11 and 12 are the ticks that it and the kernel took.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    Duration::from_millis(10 * ticks.map(|ticks| ticks.expect("a number")).sum::<u64>())
}

/// How long the threads of a process have waited for a core so far: `self`, or its number.
pub(crate) fn waited(process: &str) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("a running process");
    let waits = tasks.map_while(Result::ok).filter_map(|task| {
        // A thread may end meanwhile.
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(waits.sum())
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
