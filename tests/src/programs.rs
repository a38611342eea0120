//! Other people's programs that tests start: found by name or address, never installed here
//! (`make test` does that).

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The suite's own binary: built beside the tests by `make test`.
///
/// # Panics
/// When it has not been built.
#[expect(clippy::panic, reason = "a test without the binary cannot go on")]
pub fn perennial() -> PathBuf {
    let tests = std::env::current_exe().unwrap_or_default();
    let binary = tests.ancestors().nth(2).map(|target| target.join("perennial"));
    match binary.filter(|path| path.is_file()) {
        Some(path) => path,
        None => panic!("the binary is not built: run `cargo build --workspace --bins` first"),
    }
}

/// Keeps a process, all its threads, on one core. Without effect where there is no such core.
pub fn pin(process: u32, core: usize) {
    let (core, process) = (core.to_string(), process.to_string());
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", &core, &process]).stdout(Stdio::null()).stderr(Stdio::null());
    let _without_effect = command.status();
}

/// A child process that is killed when dropped.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program that is on the PATH and waits until it listens on the loopback port.
    ///
    /// # Panics
    /// When it cannot be started or does not listen in time.
    #[expect(clippy::panic, reason = "a test without the program cannot go on")]
    pub fn start(command: &mut Command, port: u16) -> Self {
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?} did not start ({error}); `make test` installs what tests need")
        });
        let program = Self(child);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            assert!(Instant::now() < until, "{command:?} does not listen on port {port}");
            std::thread::sleep(Duration::from_millis(50));
        }
        program
    }

    /// Sends a signal such as "STOP" or "CONT".
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let _sent = Command::new("kill").arg(format!("-{name}")).arg(id).status();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}
