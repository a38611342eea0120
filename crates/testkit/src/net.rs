//! Ports for servers of tests.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel hands out ports to outgoing connections, so that a port
/// stays free while its server is down.
const FIRST: u16 = 20_000;
const PORTS: u16 = 10_000;

/// A port on loopback that nothing listens on now, and that this process gives out once.
///
/// # Panics
/// When all are taken.
#[expect(clippy::panic, reason = "a test without a port cannot go on")]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes run side by side; each begins elsewhere.
    #[expect(clippy::cast_possible_truncation, reason = "any spread will do")]
    let offset = (std::process::id() as u16).wrapping_mul(97);
    for _ in 0..PORTS {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + offset.wrapping_add(next) % PORTS;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on loopback");
}
