//! What is due and not done yet, told as metrics: each queue looks a few times a minute, however
//! often metrics are collected, and reads no more of its due index than [`MOST`] rows.

use crate::clock::Clock;
use crate::error::Result;
use crate::tasks::Tasks;
use crate::telemetry;
use chrono::{DateTime, Utc};
use opentelemetry::KeyValue;
use std::future::Future;
use std::time::Duration;

/// Rows that a queue counts at most; one that is longer tells this many.
pub const MOST: u64 = 1_000;

/// How often a queue is looked at.
const EVERY: Duration = Duration::from_secs(15);

/// What waits in a queue: the times at which things fell due, of [`MOST`] of them at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many wait.
    pub waiting: u64,
    /// When the first of them fell due.
    pub since: Option<DateTime<Utc>>,
}

impl Backlog {
    /// Of the times at which things fell due.
    pub fn of(times: &[DateTime<Utc>]) -> Self {
        Self { waiting: times.len() as u64, since: times.iter().min().copied() }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let since = [self.since, other.since].into_iter().flatten().min();
        Self { waiting: self.waiting + other.waiting, since }
    }

    fn lateness(&self, now: DateTime<Utc>) -> f64 {
        self.since.and_then(|since| (now - since).to_std().ok()).unwrap_or_default().as_secs_f64()
    }
}

/// Tells what `look` finds until the process stops. A look that fails leaves the figures as they
/// are: what is wrong with the database is told elsewhere.
pub(crate) fn watch<F>(
    tasks: &Tasks,
    clock: &Clock,
    queue: &'static str,
    look: impl Fn() -> F + Send + Sync + 'static,
) where
    F: Future<Output = Result<Backlog>> + Send,
{
    if !telemetry::measured() {
        return;
    }
    let meter = opentelemetry::global::meter("perennial");
    let label = [KeyValue::new("queue", queue)];
    let waiting = meter
        .u64_gauge("perennial.due.backlog")
        .with_description("Things that are due and not done; counted up to 1000")
        .build();
    let lateness = meter
        .f64_gauge("perennial.due.lateness")
        .with_description("Time since the first thing that waits fell due, by the suite's clock")
        .with_unit("s")
        .build();
    let (stop, clock) = (tasks.stopping().clone(), clock.clone());
    let looking = async move {
        loop {
            if let Ok(backlog) = look().await {
                waiting.record(backlog.waiting, &label);
                lateness.record(backlog.lateness(clock.now()), &label);
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tasks.spawn(async move { stop.run_until_cancelled(looking).await });
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn lateness_is_that_of_the_first() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let backlog = Backlog::of(&[now - TimeDelta::seconds(5), now - TimeDelta::seconds(9)]);
        assert_eq!(backlog.waiting, 2);
        assert!((backlog.lateness(now) - 9.0).abs() < 1e-9);
        let more = backlog.and(Backlog::of(&[now - TimeDelta::seconds(60)]));
        assert_eq!(more.waiting, 3);
        assert!((more.lateness(now) - 60.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_queue_is_not_late() {
        let now = DateTime::UNIX_EPOCH;
        assert!(Backlog::default().lateness(now).abs() < 1e-9);
        let ahead = Backlog::of(&[now + TimeDelta::seconds(1)]);
        assert!(ahead.lateness(now).abs() < 1e-9);
    }
}
