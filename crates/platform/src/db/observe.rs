//! What is told about connections and statements, by the OpenTelemetry conventions for database
//! clients (1.45).

use super::Engine;
use crate::telemetry;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use sea_orm::DatabaseConnection;
use sqlx::{Database, Pool};
use std::sync::Arc;
use std::time::Duration;

/// Bounds of the histograms in seconds, as the conventions advise.
const BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Statements told apart; all others are [`OTHER`].
const OPERATIONS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COMMIT"];
const OTHER: &str = "_OTHER";

/// The instruments of one service's database. Without metrics nothing is measured.
pub(super) struct Figures(Option<Instruments>);

#[derive(Clone)]
struct Instruments {
    waits: Histogram<f64>,
    pool: [KeyValue; 1],
    operations: Operations,
}

#[derive(Clone)]
struct Operations {
    durations: Histogram<f64>,
    system: KeyValue,
    service: KeyValue,
}

impl Figures {
    /// Begins to watch the connections of a service.
    pub(super) fn of(
        service: &str,
        engine: Engine,
        reader: &mut DatabaseConnection,
        writer: &mut DatabaseConnection,
    ) -> Self {
        if !telemetry::measured() {
            return Self(None);
        }
        let system = match engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgresql",
        };
        // Counted, so that each statement shares the name instead of copying it.
        let name: Arc<str> = Arc::from(service);
        let operations = Operations {
            durations: durations(),
            system: KeyValue::new("db.system.name", system),
            service: KeyValue::new("db.namespace", name),
        };
        operations.watch(reader);
        operations.watch(writer);
        let pool = match engine {
            Engine::Postgres => {
                connections(service.to_owned(), writer.get_postgres_connection_pool())
            }
            Engine::Sqlite => {
                let reading = reader.get_sqlite_connection_pool();
                connections(format!("{service}.read"), reading);
                let writing = writer.get_sqlite_connection_pool();
                connections(format!("{service}.write"), writing)
            }
        };
        Self(Some(Instruments { waits: waits(), pool: [pool], operations }))
    }

    /// A transaction began after waiting so long.
    pub(super) fn waited(&self, time: Duration) {
        if let Some(instruments) = &self.0 {
            instruments.waits.record(time.as_secs_f64(), &instruments.pool);
        }
    }

    /// A transaction was committed within this time.
    pub(super) fn committed(&self, time: Duration) {
        if let Some(instruments) = &self.0 {
            instruments.operations.record("COMMIT", time, false);
        }
    }
}

impl Operations {
    /// Measures every statement on a connection, in transactions and outside of them.
    fn watch(&self, connection: &mut DatabaseConnection) {
        let operations = self.clone();
        connection.set_metric_callback(move |done| {
            operations.record(&done.statement.sql, done.elapsed, done.failed);
        });
    }

    fn record(&self, sql: &str, time: Duration, failed: bool) {
        let operation = KeyValue::new("db.operation.name", operation(sql));
        let (system, service) = (self.system.clone(), self.service.clone());
        if failed {
            let error = KeyValue::new("error.type", OTHER);
            self.durations.record(time.as_secs_f64(), &[system, service, operation, error]);
        } else {
            self.durations.record(time.as_secs_f64(), &[system, service, operation]);
        }
    }
}

/// What a statement does: one of a few words, whatever it says.
fn operation(sql: &str) -> &'static str {
    let word = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
    let known = OPERATIONS.into_iter().find(|known| known.eq_ignore_ascii_case(word));
    known.unwrap_or(OTHER)
}

fn durations() -> Histogram<f64> {
    opentelemetry::global::meter("perennial")
        .f64_histogram("db.client.operation.duration")
        .with_description("Time of a statement, without the wait for a connection")
        .with_unit("s")
        .with_boundaries(BOUNDS.to_vec())
        .build()
}

fn waits() -> Histogram<f64> {
    opentelemetry::global::meter("perennial")
        .f64_histogram("db.client.connection.wait_time")
        .with_description("Time until a transaction has a connection and has begun")
        .with_unit("s")
        .with_boundaries(BOUNDS.to_vec())
        .build()
}

/// Tells how many connections of a pool are in use, idle, and allowed, whenever metrics are
/// collected; reads counters only. Answers the pool's label.
fn connections<D: Database>(name: String, pool: &Pool<D>) -> KeyValue {
    let meter = opentelemetry::global::meter("perennial");
    let label = KeyValue::new("db.client.connection.pool.name", name);
    let (counted, counted_label) = (pool.clone(), label.clone());
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_description("Open connections by what they do")
        .with_unit("{connection}")
        .with_callback(move |told| {
            let idle = i64::try_from(counted.num_idle()).unwrap_or(i64::MAX);
            let used = (i64::from(counted.size()) - idle).max(0);
            for (state, count) in [("idle", idle), ("used", used)] {
                let state = KeyValue::new("db.client.connection.state", state);
                told.observe(count, &[counted_label.clone(), state]);
            }
        })
        .build();
    let (most, most_label) = (pool.options().get_max_connections(), label.clone());
    meter
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_description("Connections that may be open")
        .with_unit("{connection}")
        .with_callback(move |told| {
            told.observe(i64::from(most), std::slice::from_ref(&most_label));
        })
        .build();
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart_by_their_first_word() {
        assert_eq!(operation("SELECT 1"), "SELECT");
        assert_eq!(operation("  insert into t values (1)"), "INSERT");
        assert_eq!(operation("WITH w0 AS (..) SELECT 1"), "WITH");
        assert_eq!(operation("PRAGMA wal_checkpoint"), OTHER);
        assert_eq!(operation(""), OTHER);
    }
}
