//! The real binary as a child process: started, killed, started again on the same data.

use crate::clients::Clients;
use crate::programs;
use perennial_testkit::{TestDatabase, free_port};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
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
    folder: Arc<TempDir>,
    /// Of its settings and its log in the folder.
    name: String,
    /// "all", or the one service that it runs.
    service: &'static str,
    ports: [u16; 4],
    settings: Table,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    databases: Arc<Vec<TestDatabase>>,
}

impl Setup {
    /// A fresh one on the engine that PERENNIAL_TEST_DATABASE names.
    ///
    /// # Panics
    /// When there is no room for it.
    pub async fn fresh() -> Self {
        let setup = Self {
            folder: Arc::new(TempDir::new().expect("a temporary folder")),
            name: "perennial".into(),
            service: "all",
            ports: [0; 4],
            settings: Table::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            databases: Arc::default(),
        };
        setup.with("[telemetry]\nlog_format = \"json\"").on_fresh_databases().await.elsewhere()
    }

    /// The same installation, moved to databases of its own that have nothing in them.
    ///
    /// # Panics
    /// When there is no room for them.
    pub async fn on_fresh_databases(mut self) -> Self {
        let mut databases = Vec::new();
        for service in SERVICES {
            let database = TestDatabase::fresh().await;
            let url = database.config().url;
            self = self.with(&format!("[{service}.database]\nurl = {url:?}"));
            databases.push(database);
        }
        self.databases = Arc::new(databases);
        self
    }

    /// On other ports.
    fn elsewhere(mut self) -> Self {
        self.ports = [free_port(), free_port(), free_port(), free_port()];
        for (service, port) in SERVICES.into_iter().zip(self.ports) {
            self = self.with(&format!("[ports]\n{service} = {port}"));
        }
        self
    }

    /// Another one with the same settings, data folder and databases, on ports of its own.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn replica(&self, name: &str) -> Self {
        let replica = Self {
            folder: Arc::clone(&self.folder),
            name: name.into(),
            service: self.service,
            ports: self.ports,
            settings: self.settings.clone(),
            arguments: self.arguments.clone(),
            databases: Arc::clone(&self.databases),
            environment: self.environment.clone(),
        };
        replica.elsewhere()
    }

    /// Runs this service alone.
    #[must_use]
    pub fn only(mut self, service: &'static str) -> Self {
        self.service = service;
        self
    }

    /// Address of each service's database.
    pub fn databases(&self) -> Vec<String> {
        self.databases.iter().map(|database| database.config().url).collect()
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
        self.command_of(&programs::perennial(), subcommand)
    }

    /// The same of another build of the suite.
    ///
    /// # Panics
    /// When the settings cannot be written.
    pub fn command_of(&self, program: &Path, subcommand: &str) -> Command {
        let file = self.folder.path().join(format!("{}.toml", self.name));
        std::fs::write(&file, self.settings.to_string()).expect("the settings on disk");
        let mut command = Command::new(program);
        command.arg(subcommand).arg(self.service).arg("--config").arg(file);
        command.arg("--data").arg(self.folder.path());
        command.envs(self.environment.clone());
        command
    }

    /// What the processes on this installation have logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join(format!("{}.log", self.name))
    }

    /// Starts the suite and waits until all its services answer that they serve.
    ///
    /// # Panics
    /// When it does not come up; the message has the end of its log.
    pub async fn start(&self) -> Running {
        self.start_of(&programs::perennial()).await
    }

    /// The same with another build of the suite.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start_of(&self, program: &Path) -> Running {
        let log =
            File::options().create(true).append(true).open(self.log_file()).expect("a log file");
        let mut command = self.command_of(program, "serve");
        command.args(&self.arguments).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle of the log")).stderr(log);
        let child = command.spawn().expect("the binary starts");
        let runs = |service| self.service == "all" || self.service == service;
        let serving = SERVICES.map(runs);
        let mut running = Running { child, channels: self.ports.map(channel), serving };
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
    /// Which of the services it runs.
    serving: [bool; 4],
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
        let serving = self.channels().into_iter().zip(self.serving).filter(|(_, runs)| *runs);
        for (channel, _) in serving {
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
