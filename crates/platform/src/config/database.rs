//! Where a service keeps its data.

use serde::{Deserialize, Serialize, Serializer};
use std::path::Path;
use std::time::Duration;

/// Where a service keeps its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host/database` or `sqlite://path`; empty means an SQLite file
    /// named after the service in the data folder.
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// Connections at most: to Postgres (at least 6: each running job keeps one), or readers of an
    /// SQLite file (it has one writer).
    pub max_connections: u32,
    /// Milliseconds to wait for a free connection before the call is answered UNAVAILABLE.
    pub acquire_timeout_ms: u64,
    /// Milliseconds after which Postgres gives up on a statement; 0 means never.
    pub statement_timeout_ms: u64,
    /// Bring the tables up to date at start. SQLite files always are; for Postgres the usual way
    /// is `perennial migrate`, run once before the new version starts.
    pub migrate_on_start: bool,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            max_connections: 10,
            acquire_timeout_ms: 1_000,
            statement_timeout_ms: 10_000,
            migrate_on_start: true,
        }
    }
}

impl DatabaseConfig {
    /// The address to open for a service whose data folder is `data`.
    pub fn url_for(&self, service: &str, data: &Path) -> String {
        if self.url.is_empty() {
            format!("sqlite://{}", data.join(format!("{service}.db")).display())
        } else {
            self.url.clone()
        }
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }
}

/// Settings are printed and logged; the password in an address is not.
fn without_password<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let hidden = url.split_once("://").and_then(|(scheme, rest)| {
        let (credentials, place) = rest.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:[hidden]@{place}"))
    });
    serializer.serialize_str(hidden.as_deref().unwrap_or(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let url = |url: &str| DatabaseConfig { url: url.to_owned(), ..Default::default() };
        let printed = toml::to_string(&url("postgres://crm:p:a@ss@db/loyalty")).unwrap();
        assert!(printed.contains("postgres://crm:[hidden]@db/loyalty"), "{printed}");
        for plain in ["", "sqlite://data/a.db", "postgres://db/loyalty", "postgres://crm@db/x"] {
            assert!(toml::to_string(&url(plain)).unwrap().contains(&format!("{plain:?}")));
        }
    }
}
