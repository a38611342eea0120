//! Callers in another language: `callers.py` beside this file.

use super::Tally;
use super::calls::Call;
use perennial_tests::running::SERVICES;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running `callers.py`.
pub(super) struct Python {
    child: Child,
    input: ChildStdin,
}

impl Python {
    /// Callers that know the ports of all replicas: one array of four for each.
    pub(super) fn start(replicas: &[[u16; 4]]) -> Self {
        let root = perennial_tests::workspace::root();
        let mut command = Command::new("python3");
        command.arg(root.join("tests/load/rolling/callers.py"));
        command.arg(root.join(super::SERVICE_CONFIG));
        for place in 0..SERVICES.len() {
            let addresses: Vec<String> =
                replicas.iter().map(|ports| format!("127.0.0.1:{}", ports[place])).collect();
            command.arg(format!("ipv4:{}", addresses.join(",")));
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let input = child.stdin.take().unwrap();
        Self { child, input }
    }

    pub(super) fn send(&mut self, call: &Call) {
        let mut line = format!("{} {} ", call.service, call.path);
        for byte in &call.request {
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        self.input.write_all(line.as_bytes()).unwrap();
    }

    /// Waits for the last answers.
    pub(super) fn end(self) -> Tally {
        drop(self.input);
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "callers.py needs grpcio: `make test` installs it");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut tally = Tally { answered: said["answered"].as_u64().unwrap(), ..Tally::default() };
        for (why, count) in said["failed"].as_object().unwrap() {
            let (code, what) = why.split_once(' ').unwrap();
            tally.fail(code.parse::<i32>().unwrap().into(), what, count.as_u64().unwrap());
        }
        assert_eq!(said["open"], 0, "calls without an answer");
        tally
    }
}
