//! A database of its own for every test, on the engine that PERENNIAL_TEST_DATABASE names:
//! `sqlite` (a temporary file, the default) or `postgres` (a new database on the server at
//! PERENNIAL_TEST_POSTGRES_URL, dropped when the test ends).

use crate::environment;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Engine;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use tempfile::TempDir;

/// An empty database; gone when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    cleanup: Cleanup,
}

#[derive(Debug)]
enum Cleanup {
    Folder { _folder: TempDir },
    Drop { server: String, name: String },
}

impl TestDatabase {
    /// Which engine the tests run on.
    ///
    /// # Panics
    /// When PERENNIAL_TEST_DATABASE names none.
    #[expect(clippy::panic, reason = "a misspelt engine must not pass as the other one")]
    pub fn engine() -> Engine {
        match environment("PERENNIAL_TEST_DATABASE").as_deref() {
            None | Some("sqlite") => Engine::Sqlite,
            Some("postgres") => Engine::Postgres,
            Some(other) => panic!("PERENNIAL_TEST_DATABASE is {other:?}; use sqlite or postgres"),
        }
    }

    /// A new one on the engine of this run.
    pub async fn fresh() -> Self {
        match Self::engine() {
            Engine::Sqlite => Self::sqlite(),
            Engine::Postgres => Self::postgres().await,
        }
    }

    /// A new SQLite file.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self { url, cleanup: Cleanup::Folder { _folder: folder } }
    }

    /// A new Postgres database.
    ///
    /// # Panics
    /// When PERENNIAL_TEST_POSTGRES_URL is not set or its server refuses.
    pub async fn postgres() -> Self {
        let server = environment("PERENNIAL_TEST_POSTGRES_URL")
            .expect("PERENNIAL_TEST_POSTGRES_URL must name a server; `make test` starts one");
        let name = format!("perennial_test_{}", uuid::Uuid::new_v4().simple());
        execute(&server, &format!("CREATE DATABASE {name}")).await.expect("a new database");
        let (address, _) = server.rsplit_once('/').expect("the address ends in /database");
        let url = format!("{address}/{name}");
        Self { url, cleanup: Cleanup::Drop { server, name } }
    }

    /// Settings of a service that keeps its data here.
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig { url: self.url.clone(), max_connections: 6, ..DatabaseConfig::default() }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Cleanup::Drop { server, name } = &self.cleanup else {
            return;
        };
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let server = server.clone();
        // A thread with a runtime of its own: drop cannot wait inside the test's.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(&server, &statement)).map_err(std::io::Error::other)
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            failed => eprintln!("the database {name} was left behind: {failed:?}"),
        }
    }
}

async fn execute(server: &str, statement: &str) -> Result<(), sea_orm::DbErr> {
    let mut options = ConnectOptions::new(server);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    connection.execute_unprepared(statement).await?;
    connection.close().await
}
