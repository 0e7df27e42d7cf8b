//! What the exporter asks of the system that starts it: sockets and word to systemd.

use std::io;
use std::time::Duration;

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
