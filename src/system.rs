//! What the exporter asks of the system that starts it: sockets and word to systemd, and to be
//! kept from what it never does.

use std::io;
use std::time::Duration;

use landlock::{ABI, AccessFs, Ruleset, RulesetAttr, RulesetError, RulesetStatus};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use sd_notify::NotifyState;
use tokio::net::TcpListener;

/// The sockets that systemd listens on for us (`sd_listen_fds(3)`). To be called once, before
/// there are other threads: it takes the variables out of the environment.
///
/// # Errors
/// When there is none, or one is no TCP socket.
pub fn activated() -> io::Result<Vec<std::net::TcpListener>> {
    let mut handed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed.len() {
        if let Some(listener) = handed.take_tcp_listener(index)? {
            listener.set_nonblocking(true)?;
            listeners.push(listener);
        }
    }
    if listeners.is_empty() {
        return Err(io::Error::other("systemd handed over no socket"));
    }
    Ok(listeners)
}

/// The same for the runtime that this is called in.
///
/// # Errors
/// When the runtime cannot watch one.
pub fn watched(listeners: Vec<std::net::TcpListener>) -> io::Result<Vec<TcpListener>> {
    listeners.into_iter().map(TcpListener::from_std).collect()
}

/// Gives up what is never needed: core dumps, which would hold the secrets, and changes to any
/// file. Takes as many descriptors as are allowed. To be called before there are other threads.
/// What the system does not have is told, and the exporter runs without.
pub fn confine() -> Vec<String> {
    let mut refused = Vec::new();
    // Also keeps other processes of the same user out of its memory.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        refused.push(format!("core dumps: {error}"));
    }
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = limit(Resource::Core, none) {
        refused.push(format!("core dumps: {error}"));
    }
    // Go's programs do the same: the lower limit is there for those that use select(2).
    let files = getrlimit(Resource::Nofile);
    if let Err(error) = limit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        refused.push(format!("file descriptors: {error}"));
    }
    match forbid_writes() {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => {}
        Ok(RulesetStatus::NotEnforced) => tracing::debug!("this kernel has no Landlock"),
        Err(error) => refused.push(format!("files: {error}")),
    }
    refused
}

/// Sets what is not set already: a service manager may have done so, and forbidden it since.
fn limit(resource: Resource, wanted: Rlimit) -> rustix::io::Result<()> {
    if getrlimit(resource) == wanted { Ok(()) } else { setrlimit(resource, wanted) }
}

/// No file is made, changed, removed or run from now on, as far as the kernel knows Landlock.
fn forbid_writes() -> Result<RulesetStatus, RulesetError> {
    let forbidden = AccessFs::from_write(ABI::V3) | AccessFs::Execute;
    Ok(Ruleset::default().handle_access(forbidden)?.create()?.restrict_self()?.ruleset)
}

/// Tells systemd that requests are answered from now on.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells systemd that the configuration is read again; [`ready`] ends that.
pub fn reloading() {
    // The time lets systemd tell this reload from the one before (`sd_notify(3)`).
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// Tells systemd that this is the end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells systemd again and again that the runtime is alive, when it wants to know.
pub async fn keep_watchdog_quiet() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    // Half of the limit, as sd_watchdog_enabled(3) has it.
    let mut ticks = tokio::time::interval((limit / 2).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

/// Nothing happens where systemd does not listen.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is forbidden is forbidden to the thread, and to those that it starts.
    #[test]
    fn no_file_is_written_or_run_where_the_kernel_has_landlock() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("file"), folder.path().join("other"));
        std::fs::write(&file, "text").unwrap();
        let confined = std::thread::spawn(move || {
            let status = forbid_writes().unwrap();
            let written = std::fs::write(&other, "text").is_ok();
            let removed = std::fs::remove_file(&file).is_ok();
            let run = std::process::Command::new("true").status().is_ok();
            (status, std::fs::read_to_string(&file).is_ok(), [written, removed, run])
        });
        let (status, read, done) = confined.join().unwrap();
        let enforced = status != RulesetStatus::NotEnforced;
        assert_eq!((read, done), (enforced, [!enforced; 3]), "{status:?}");
        println!("Landlock: {status:?}");
    }
}
