//! The process that the exporter is.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::catalogue as m;
use super::{Samples, number};

/// What the other Prometheus clients say of their process. Linux only; elsewhere, and
/// where /proc is hidden, there are no such metrics.
pub(super) fn samples(samples: &mut Samples) {
    let Ok(process) = procfs() else { return };
    samples.set(&m::PROCESS_CPU, process.cpu_seconds);
    if let Some(open) = process.open_fds {
        samples.set(&m::PROCESS_OPEN_FDS, number(open));
    }
    if let Some(max) = process.max_fds {
        samples.set(&m::PROCESS_MAX_FDS, max);
    }
    samples.set(&m::PROCESS_VIRTUAL, process.virtual_bytes);
    samples.set(&m::PROCESS_RESIDENT, process.resident_bytes);
    if let Some(start) = process.start_seconds {
        samples.set(&m::PROCESS_START, start);
    }
}

struct Process {
    cpu_seconds: f64,
    open_fds: Option<u64>,
    max_fds: Option<f64>,
    virtual_bytes: f64,
    resident_bytes: f64,
    start_seconds: Option<f64>,
}

/// Linux counts CPU time in hundredths of a second for every architecture (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// When the process first looked at itself, in Unix seconds.
pub(super) static FIRST_SEEN: LazyLock<f64> = LazyLock::new(|| {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
});

fn procfs() -> std::io::Result<Process> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is the name in parentheses, which may hold spaces.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // Numbers of proc(5) count from 1 and the rest begins with field 3.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let max_fds = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let boot = std::fs::read_to_string("/proc/stat")
        .ok()
        .and_then(|stat| stat.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok()));
    Ok(Process {
        cpu_seconds: (field(14) + field(15)) / TICKS_PER_SECOND,
        // The listing itself holds one descriptor.
        open_fds: std::fs::read_dir("/proc/self/fd")
            .ok()
            .map(|entries| (entries.count() as u64).saturating_sub(1)),
        max_fds,
        virtual_bytes: field(23),
        resident_bytes: kilobytes("VmRSS") * 1024.0,
        // Where nothing is seen but processes, the first look at it tells.
        start_seconds: Some(
            boot.map_or(*FIRST_SEEN, |boot: f64| boot + field(22) / TICKS_PER_SECOND),
        ),
    })
}
