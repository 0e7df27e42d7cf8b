//! A program that runs as long as the test needs it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a program may take until it says that it is ready.
const START: Duration = Duration::from_secs(60);

/// A running program, killed when it is dropped. What it printed is shown when the test fails.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
    printed: String,
}

impl Running {
    /// Starts the program.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Self {
        // The other end of the pipes is closed when the test dies, whichever way.
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (sender, lines) = channel();
        send_lines(child.stdout.take().expect("a pipe"), sender.clone());
        send_lines(child.stderr.take().expect("a pipe"), sender);
        Self { name, child, lines, printed: String::new() }
    }

    /// Shows lines to `find` until it has found what it looks for.
    pub(crate) fn wait_for<T>(&mut self, what: &str, mut find: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + START;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|error| {
                panic!("{} ended or never said its {what}: {error}", self.name)
            });
            self.remember(&line);
            if let Some(found) = find(&line) {
                return found;
            }
        }
    }

    /// The most memory that it ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("what Linux tells of the process");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes =
            peak.and_then(|peak| peak.trim().strip_suffix(" kB")).map(str::parse::<u64>);
        kilobytes.expect("VmHWM").expect("a number") * 1024
    }

    /// Sends it a signal, as TERM.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh");
        assert!(status.success(), "{kill}: {status}");
    }

    /// Whether it says this before it ends.
    pub(crate) fn says(&mut self, what: &str) -> bool {
        let deadline = Instant::now() + START;
        while !self.printed.contains(what) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.remember(&line),
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{} neither ends nor says {what}", self.name)
                }
            }
        }
        true
    }

    /// Its status once it has ended.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < deadline, "{} does not end", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it printed until it ended, or was ended here.
    pub(crate) fn all(mut self) -> String {
        let _ = self.child.kill();
        for line in self.lines.iter().collect::<Vec<_>>() {
            self.remember(&line);
        }
        std::mem::take(&mut self.printed)
    }

    fn remember(&mut self, line: &str) {
        self.printed.push_str(line);
        self.printed.push('\n');
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let rest: Vec<String> = self.lines.iter().collect();
            for line in rest {
                self.remember(&line);
            }
            eprintln!("---- {} printed:\n{}", self.name, self.printed);
        }
    }
}

fn send_lines(pipe: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
}
