//! The real binary as a child process: started, killed, started again on the same data.

use crate::clients::Clients;
use crate::programs;
use perennial_testkit::{TestDatabase, free_port};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use toml::Table;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// The services, in the order of their ports.
pub const SERVICES: [&str; 4] = ["identity", "feedback", "loyalty", "notification"];

/// How long a start may take: a loaded machine with a debug build.
const START: Duration = Duration::from_mins(1);

/// An installation: its own data, databases, ports and settings. Outlives the processes on it.
#[derive(Debug)]
pub struct Setup {
    folder: TempDir,
    ports: [u16; 4],
    settings: Table,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    databases: Vec<TestDatabase>,
}

impl Setup {
    /// A fresh one on the engine that PERENNIAL_TEST_DATABASE names.
    ///
    /// # Panics
    /// When there is no room for it.
    pub async fn fresh() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let mut setup = Self {
            folder,
            ports,
            settings: Table::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            databases: Vec::new(),
        };
        for (service, port) in SERVICES.into_iter().zip(ports) {
            let database = TestDatabase::fresh().await;
            setup = setup.with(&format!(
                "[ports]\n{service} = {port}\n[{service}.database]\nurl = {:?}",
                database.config().url
            ));
            setup.databases.push(database);
        }
        setup.with("[telemetry]\nlog_format = \"json\"")
    }

    /// Adds settings, written as TOML.
    ///
    /// # Panics
    /// When it is not TOML.
    #[must_use]
    pub fn with(mut self, settings: &str) -> Self {
        merge(&mut self.settings, settings.parse().expect("settings as TOML"));
        self
    }

    /// Lets the suite run in simulated time from this moment (RFC 3339) on.
    #[must_use]
    pub fn simulated(mut self, from: &str) -> Self {
        self.arguments = vec!["--clock".into(), format!("simulated={from}")];
        self
    }

    /// Sets a variable of the processes' environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Port of each service.
    pub fn ports(&self) -> [u16; 4] {
        self.ports
    }

    /// The binary with the settings of this installation: `command("check")`.
    ///
    /// # Panics
    /// When the settings cannot be written.
    pub fn command(&self, subcommand: &str) -> Command {
        let file = self.folder.path().join("perennial.toml");
        std::fs::write(&file, self.settings.to_string()).expect("the settings on disk");
        let mut command = Command::new(programs::perennial());
        command.arg(subcommand).arg("all").arg("--config").arg(file);
        command.arg("--data").arg(self.folder.path());
        command.envs(self.environment.clone());
        command
    }

    /// What the processes on this installation have logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts the suite and waits until all its services answer that they serve.
    ///
    /// # Panics
    /// When it does not come up; the message has the end of its log.
    pub async fn start(&self) -> Running {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log file");
        let mut command = self.command("serve");
        command.args(&self.arguments).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle of the log")).stderr(log);
        let child = command.spawn().expect("the binary starts");
        let mut running = Running { child, channels: self.ports.map(channel) };
        let until = Instant::now() + START;
        while !running.serves().await {
            let ended = running.child.try_wait().ok().flatten();
            let waiting = ended.is_none() && Instant::now() < until;
            assert!(waiting, "the suite did not come up ({ended:?}):\n{}", tail(&self.log()));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        running
    }
}

/// A process of the suite; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    channels: [Channel; 4],
}

impl Running {
    /// A connection to each service.
    pub fn channels(&self) -> [Channel; 4] {
        self.channels.clone()
    }

    /// Clients of all services.
    pub fn clients(&self) -> Clients {
        Clients::new(self.channels())
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// SIGTERM; returns how it ended.
    ///
    /// # Panics
    /// When it has not ended after 40 seconds.
    pub async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let _sent = Command::new("kill").args(["-TERM", &id]).status();
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(Instant::now() < until, "the suite ignores SIGTERM");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn serves(&self) -> bool {
        for channel in self.channels() {
            let request = HealthCheckRequest { service: String::new() };
            match HealthClient::new(channel).check(request).await {
                Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {}
                _ => return false,
            }
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A connection that is made when first used, and again after a restart.
fn channel(port: u16) -> Channel {
    Endpoint::from_shared(format!("http://127.0.0.1:{port}"))
        .expect("an address")
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(2))
        .connect_lazy()
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(existing)), toml::Value::Table(more)) => merge(existing, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// The last lines of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
