//! A program in Python that makes one call after another.

use super::gate::Gate;
use perennial_tests::Setup;
use perennial_tests::workspace::{files, root};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// The one that callers are told to use.
pub const SERVICE_CONFIG: &str = include_str!("../../../deploy/clients/service-config.json");

/// The code that Python needs for the contracts, made once for all tests.
static GENERATED: LazyLock<TempDir> = LazyLock::new(|| {
    let (folder, contracts) = (tempfile::tempdir().unwrap(), root().join("proto"));
    let mut command = Command::new("python3");
    command.args(["-m", "grpc_tools.protoc", "-I"]).arg(contracts);
    command.arg(format!("--python_out={}", folder.path().display()));
    command.arg(format!("--grpc_python_out={}", folder.path().display()));
    let output = command.args(files("proto", &["proto"])).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n`make test` installs what tests need");
    folder
});

/// A program that finds the generated code, the example, and this installation.
pub fn python(program: &str, setup: &Setup) -> Command {
    let mut command = prepared(program);
    command.env("LOYALTY", format!("127.0.0.1:{}", setup.ports()[2])).env_remove("TOKEN");
    command
}

fn prepared(program: &str) -> Command {
    let mut command = Command::new(program);
    let example = root().join("examples/python");
    let path = format!("{}:{}", GENERATED.path().display(), example.display());
    command.env("PYTHONPATH", path).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(root());
    command
}

/// Its process; killed when dropped.
pub struct Caller {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    _config: TempDir,
}

impl Caller {
    /// One that calls through these gates, with this service config.
    pub fn of(gates: &[&Gate], config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("service-config.json");
        std::fs::write(&file, config).unwrap();
        let addresses: Vec<_> =
            gates.iter().map(|gate| format!("127.0.0.1:{}", gate.port)).collect();
        let mut command = prepared("python3");
        command.arg(root().join("tests/it/python/calls.py"));
        command.arg(format!("ipv4:{}", addresses.join(","))).arg(file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, requests, answers, _config: folder }
    }

    /// Gives ada a point: "OK new", "OK replayed", or the code and the message.
    pub fn earn(&mut self, request_id: &str) -> String {
        let request = serde_json::json!({
            "user_id": "ada", "points": 1, "reason": "test", "request_id": request_id,
        });
        writeln!(self.requests, "{request}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
