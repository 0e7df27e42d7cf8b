//! Ports of servers that do not tell which one they took.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A port of loopback that was free a moment ago.
pub(crate) fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Returns when a server listens there.
pub(crate) fn wait_until_it_listens(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nothing listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same without a connection, by what Linux tells of its sockets (proc(5)).
pub(crate) fn wait_until_somebody_listens(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(30);
    // The state 0A is that of a socket that listens.
    let socket = format!(":{port:04X} 00000000:0000 0A ");
    while !std::fs::read_to_string("/proc/net/tcp").is_ok_and(|all| all.contains(&socket)) {
        assert!(Instant::now() < deadline, "nothing listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
