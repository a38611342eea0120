//! Copies of the databases as docs/operations.md has them made and put in place.

use perennial_platform::db::Engine;
use perennial_testkit::{TestDatabase, environment, free_port};
use perennial_tests::Setup;
use perennial_tests::running::SERVICES;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A backup, in a folder of its own; gone when dropped, with the server that was started on it.
pub(super) struct Copies {
    folder: TempDir,
    server: Option<u16>,
}

impl Copies {
    /// Takes one while the suite runs.
    pub(super) async fn make(setup: &Setup) -> Self {
        // Postgres runs as a user of its own, who has to get there.
        let folder =
            tempfile::Builder::new().prefix("perennial-drill-").tempdir_in("/tmp").unwrap();
        let copies = Self { folder, server: None };
        let mut command = match TestDatabase::engine() {
            Engine::Sqlite => {
                let mut command = setup.command("backup");
                command.arg("--to").arg(copies.path());
                command
            }
            Engine::Postgres => {
                let mut command = postgres("pg_basebackup");
                let address = environment("PERENNIAL_TEST_POSTGRES_URL").unwrap();
                command.arg("-d").arg(address).arg("-D").arg(copies.path());
                command.args(["-X", "stream", "-c", "fast"]);
                give_to_postgres(copies.folder.path());
                command
            }
        };
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        println!("{}", succeeded(&output));
        copies
    }

    /// Puts them where another installation looks for its data; it has the same master key.
    pub(super) fn restore(mut self, setup: &Setup) -> Restored {
        let mut restored = setup.replica("restored");
        match TestDatabase::engine() {
            Engine::Sqlite => {
                let data = self.folder.path().join("restored");
                std::fs::create_dir(&data).unwrap();
                for service in SERVICES {
                    let file = data.join(format!("{service}.db"));
                    std::fs::copy(self.path().join(format!("{service}.db")), &file).unwrap();
                    let url = format!("sqlite://{}", file.display());
                    restored = restored.with(&format!("[{service}.database]\nurl = {url:?}"));
                }
            }
            Engine::Postgres => {
                let port = free_port();
                let mut command = postgres("pg_ctl");
                let options = format!(
                    "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
                );
                command.arg("-D").arg(self.path()).args(["-w", "-o", &options]);
                command.arg("-l").arg(self.path().join("log")).arg("start");
                let started = command.status();
                self.server = Some(port);
                assert!(started.unwrap().success(), "the copy does not start");
                for (service, url) in SERVICES.into_iter().zip(setup.databases()) {
                    let (_, database) = url.rsplit_once('/').unwrap();
                    let url = format!("postgres://postgres@127.0.0.1:{port}/{database}");
                    restored = restored.with(&format!("[{service}.database]\nurl = {url:?}"));
                }
            }
        }
        Restored { setup: restored, _copies: self }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("backup")
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        if self.server.is_some() {
            let mut command = postgres("pg_ctl");
            command.arg("-D").arg(self.path()).args(["-m", "immediate", "-w", "stop"]);
            let _gone_with_its_folder = command.status();
        }
    }
}

/// An installation on restored data.
pub(super) struct Restored {
    setup: Setup,
    _copies: Copies,
}

impl std::ops::Deref for Restored {
    type Target = Setup;
    fn deref(&self) -> &Setup {
        &self.setup
    }
}

/// A program of Postgres, run as its own user where we are root, which it refuses to be.
fn postgres(program: &str) -> Command {
    let program = match environment("PERENNIAL_TEST_POSTGRES_BIN") {
        Some(folder) => Path::new(&folder).join(program),
        None => PathBuf::from(program),
    };
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

fn give_to_postgres(folder: &Path) {
    if is_root() {
        let status = Command::new("chown").arg("postgres").arg(folder).status();
        assert!(status.unwrap().success());
    }
}

fn succeeded(output: &Output) -> String {
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{printed}");
    printed.trim().to_owned()
}
