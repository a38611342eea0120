//! A suite of its own for a command that needs one: this very binary as a child process, on free
//! ports, in a folder of its own, gone when the command ends.

use crate::cli::ClockChoice;
use crate::client::Addresses;
use anyhow::{Context as _, bail};
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tonic::transport::Endpoint;

/// How long it may take to come up.
const START: Duration = Duration::from_mins(1);

/// The services in the order of [`OwnSuite::ports`].
const SERVICES: [&str; 4] = ["identity", "feedback", "loyalty", "notification"];

/// A running suite; stopped when dropped.
#[derive(Debug)]
pub struct OwnSuite {
    child: Child,
    ports: [u16; 4],
    log: PathBuf,
}

impl OwnSuite {
    /// Starts one in a folder, with settings (TOML) beside those of its ports.
    pub async fn start(folder: &Path, clock: ClockChoice, settings: &str) -> anyhow::Result<Self> {
        let ports = free_ports()?;
        let lines: Vec<String> = SERVICES
            .iter()
            .zip(ports)
            .map(|(service, port)| format!("{service} = {port}"))
            .collect();
        let file = folder.join("perennial.toml");
        std::fs::write(&file, format!("[ports]\n{}\n{settings}", lines.join("\n")))?;
        let log = folder.join("log");
        let output = File::create(&log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", "all", "--clock", &clock.to_string()])
            .arg("--config")
            .arg(file)
            .arg("--data")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("the suite could not be started")?;
        let mut suite = Self { child, ports, log };
        suite.wait().await?;
        Ok(suite)
    }

    /// The process that it is.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where its services are.
    pub fn addresses(&self) -> Addresses {
        let [identity, _, loyalty, notification] = self.ports.map(address);
        Addresses { identity, loyalty, notification }
    }

    async fn wait(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + START;
        for port in self.ports {
            while Endpoint::from_shared(address(port))?.connect().await.is_err() {
                if self.child.try_wait()?.is_some() || Instant::now() > until {
                    let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                    bail!("the suite did not come up:\n{log}");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }
}

impl Drop for OwnSuite {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Four ports that are free now; all are held until the last is found, so that they differ.
fn free_ports() -> std::io::Result<[u16; 4]> {
    let mut held = Vec::new();
    let mut ports = [0; 4];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
