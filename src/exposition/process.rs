//! The process that the exporter is.

use std::sync::LazyLock;
use std::time::SystemTime;

use super::catalogue as m;
use super::{Samples, number, unix_seconds};

/// Linux counts CPU time in hundredths of a second for every architecture (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// When the process first looked at itself, in Unix seconds.
pub(super) static FIRST_SEEN: LazyLock<f64> = LazyLock::new(|| unix_seconds(SystemTime::now()));

/// What the other Prometheus clients say of their process. Linux only; elsewhere, and
/// where /proc is hidden, there are no such metrics.
pub(super) fn samples(samples: &mut Samples) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}"));
    let (Ok(stat), Ok(status)) = (read("stat"), read("status")) else { return };
    // The second field is the name in parentheses, which may hold spaces.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // Numbers of proc(5) count from 1 and the rest begins with field 3.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    samples.set(&m::PROCESS_CPU, (field(14) + field(15)) / TICKS_PER_SECOND);
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // The listing itself holds one descriptor.
        samples.set(&m::PROCESS_OPEN_FDS, number((open.count() as u64).saturating_sub(1)));
    }
    let limits = read("limits").unwrap_or_default();
    let max_fds = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    if let Some(max) = max_fds {
        samples.set(&m::PROCESS_MAX_FDS, max);
    }
    samples.set(&m::PROCESS_VIRTUAL, field(23));
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    samples.set(&m::PROCESS_RESIDENT, resident.unwrap_or(0.0) * 1024.0);
    let boot = std::fs::read_to_string("/proc/stat")
        .ok()
        .and_then(|stat| stat.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok()));
    // Where nothing is seen but processes, the first look at it tells.
    let began = boot.map_or(*FIRST_SEEN, |boot: f64| boot + field(22) / TICKS_PER_SECOND);
    samples.set(&m::PROCESS_START, began);
}
