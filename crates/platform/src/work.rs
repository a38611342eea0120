//! Background work: jobs and event consumers alike are workers that are turned until nothing is
//! due, then sleep until woken or until their interval has passed.

use crate::error::{Error, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

/// One piece of background work.
pub struct Worker {
    name: String,
    every: Duration,
    once: Box<dyn Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync>,
    /// One turn at a time: a loop in the background and a call of `settle` never overlap.
    turning: Mutex<()>,
    wake: Notify,
}

/// Somebody who looked in vain does not look again so soon, however often woken: one who follows a
/// busy log for a rare event would look once for every commit of it.
const REST: Duration = Duration::from_millis(20);
/// Longest pause after repeated errors.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

impl Worker {
    /// Work done by `once`, which answers how many units it did; 0 means nothing is due.
    pub fn new(
        name: impl Into<String>,
        every: Duration,
        once: impl Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            every,
            once: Box::new(once),
            turning: Mutex::new(()),
            wake: Notify::new(),
        }
    }

    /// Name for logs: "loyalty.expire_lots".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lets a sleeping worker look again at once. Never blocks.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Works until nothing is due or the process is to stop. Returns the units of work done.
    pub async fn turn(&self, stop: &CancellationToken) -> Result<u64> {
        let _turn = self.turning.lock().await;
        let mut done = 0;
        while !stop.is_cancelled() {
            // A panic is a bug of one piece of work; without this it would end it for good, and
            // nobody would notice while health stays SERVING.
            let once = AssertUnwindSafe(async { (self.once)().await }).catch_unwind().await;
            match once.unwrap_or_else(|_| Err(Error::internal("background work panicked")))? {
                0 => break,
                units => done += units,
            }
        }
        Ok(done)
    }

    /// Turns again and again until told to stop; errors are logged and waited out.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut failures = 0_u32;
        let meter = opentelemetry::global::meter("perennial");
        let label = [opentelemetry::KeyValue::new("worker", self.name.clone())];
        let units = meter
            .u64_counter("perennial.worker.units")
            .with_description("Work done in the background: events handled, rows of jobs")
            .build();
        let failed = meter
            .u64_counter("perennial.worker.failures")
            .with_description("Turns of background work that failed and will be tried again")
            .build();
        while !stop.is_cancelled() {
            let mut rest = Duration::ZERO;
            let pause = match self.turn(&stop).await {
                Ok(done) => {
                    units.add(done, &label);
                    failures = 0;
                    if done == 0 {
                        rest = REST;
                    }
                    self.every
                }
                // Services that stop together lose each other on the way.
                Err(_) if stop.is_cancelled() => break,
                Err(error) => {
                    failures += 1;
                    failed.add(1, &label);
                    tracing::warn!(worker = self.name, failures, %error, "background work failed");
                    self.every
                        .saturating_mul(2_u32.saturating_pow(failures.min(10)))
                        .min(LONGEST_BACKOFF)
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.woken_after(rest), if failures == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// A wake-up that comes meanwhile is kept.
    async fn woken_after(&self, rest: Duration) {
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
        self.wake.notified().await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All workers of one process, in the order in which they were added. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Workers(Arc<RwLock<Vec<Arc<Worker>>>>);

/// A round in which nobody finds anything to do ends a settling; work that feeds itself for ever
/// is a bug and is cut off here.
const ROUNDS: usize = 1_000;

impl Workers {
    /// Adds one.
    pub fn add(&self, worker: Worker) -> Arc<Worker> {
        let worker = Arc::new(worker);
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&worker));
        worker
    }

    /// All of them.
    pub fn list(&self) -> Vec<Arc<Worker>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all of them, and with them what they hold, when the process ends.
    pub fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Turns every worker until a whole round finds nothing to do. Returns the units done.
    /// Errors: the first error of any worker.
    pub async fn settle(&self, stop: &CancellationToken) -> Result<u64> {
        let mut total = 0;
        for _ in 0..ROUNDS {
            let mut round = 0;
            for worker in self.list() {
                round += worker.turn(stop).await?;
            }
            total += round;
            if round == 0 || stop.is_cancelled() {
                return Ok(total);
            }
        }
        tracing::error!(rounds = ROUNDS, "background work does not come to rest");
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A worker in the background that is woken every millisecond for a tenth of a second; how
    /// often it looked.
    async fn looks(found: u64) -> u64 {
        let looks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&looks);
        let worker = Arc::new(Worker::new("looks", Duration::from_mins(1), move || {
            // Every second look finds nothing, and ends the turn.
            let vain = counted.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            async move { Ok(if vain { 0 } else { found }) }.boxed()
        }));
        let stop = CancellationToken::new();
        let running = crate::tasks::Tasks::new().spawn(Arc::clone(&worker).run(stop.clone()));
        for _ in 0..100 {
            worker.wake();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
        running.await.unwrap();
        looks.load(Ordering::SeqCst)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_woken_in_vain_rests_and_who_finds_something_does_not() {
        assert!((4..=7).contains(&looks(0).await), "a look in twenty milliseconds");
        assert!(looks(1).await >= 180, "two looks a wake-up");
    }
}
