//! Processes that stay on one core, and what /proc says of their cost.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, io, thread};

use crate::Result;

/// Where the contenders run, one at a time.
const CONTENDER_CORE: usize = 0;
/// Where the target and the load run.
pub(crate) const LOAD_CORE: usize = 1;

/// Linux counts CPU time in hundredths of a second for every architecture (`USER_HZ`, proc(5)).
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A running contender. It is killed when this is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a program on the contenders' core.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&OsStr],
        environment: &[(&str, &OsStr)],
        complaints: Stdio,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            // Whom to trust is ours to say, or the system's.
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints);
        // A child has the cores of the thread that starts it: so nothing but the program
        // itself is in its CPU time.
        let starting = thread::spawn(move || {
            pin_this_thread(CONTENDER_CORE)?;
            command.spawn()
        });
        let started = starting.join().map_err(|_| "the starting thread panicked")?;
        let child = started.map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Self(child))
    }

    /// User and system time of the process so far, in ticks.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = self.proc("stat")?;
        // The second field is the name in parentheses, which may hold spaces; what follows
        // begins with field 3, and the times are fields 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut ticks = 0;
        for field in fields.split_whitespace().skip(14 - 3).take(2) {
            ticks += field.parse::<u32>()?;
        }
        Ok(TICK * ticks)
    }

    /// The same from the scheduler, exact, but without the threads that have ended: for a
    /// start, which takes less than a tick.
    pub(crate) fn cpu_of_threads(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let on_cpu = text.split_whitespace().next().unwrap_or_default();
            nanoseconds += on_cpu.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory that the process ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    /// The memory that it has resident, in bytes.
    pub(crate) fn resident_memory(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    fn memory(&self, field: &str) -> Result<u64> {
        let status = self.proc("status")?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"))
            .ok_or_else(|| format!("no {field} in /proc"))?;
        Ok(kilobytes.parse::<u64>()? * 1024)
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0.id()))?.count())
    }

    fn proc(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.0.id()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps the calling thread, and all that it starts from now on, on one core.
pub(crate) fn pin_this_thread(core: usize) -> io::Result<()> {
    // PID/task/TID
    let this = fs::read_link("/proc/thread-self")?;
    let status = Command::new("taskset")
        .args(["--cpu-list", "--pid", &core.to_string()])
        .arg(this.file_name().unwrap_or_default())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("taskset: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("taskset cannot pin to core {core}: two cores are needed")))
    }
}

/// A thousand probes in flight are two thousand connections in the contender, and as many here.
pub(crate) fn enough_descriptors() -> Result<()> {
    const NEEDED: u64 = 4096;
    let limits = fs::read_to_string("/proc/self/limits")?;
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next())
        .ok_or("no limit of open files in /proc")?;
    match soft.parse::<u64>() {
        Ok(soft) if soft < NEEDED => {
            Err(format!("{soft} open files are too few: ulimit -n {NEEDED}").into())
        }
        // Or unlimited.
        _ => Ok(()),
    }
}
