//! The limit on calls in flight: one for the whole process, whoever connects how often.
//!
//! Deadlines alone do not save an overloaded server: in a queue every call it gets to has spent
//! its deadline already. Turning calls away at once keeps most of the throughput.
//!
//! How many calls are too many depends on how fast they are answered, which nobody knows
//! beforehand. So `max_in_flight` is only the most there can be, and the calls at work keep to a
//! pace: by Little's law a server that answers `n` calls in a time answers each within that time
//! if it has no more than `n` at work. A call that took more than half of what it was given shows
//! that there were too many; it also counted how many were answered meanwhile, so the limit is
//! right at once and need not be searched for. Calls that are answered quickly raise it again, one
//! by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::ServerConfig;
use crate::error::{Error, Result};
use crate::host::jitter;
use crate::telemetry;

/// When a caller that was turned away should come back, on average.
const COME_BACK: Duration = Duration::from_millis(200);
/// Calls that are always let in: a few slow ones must not close a server that is not busy.
const FLOOR: usize = 16;
/// A caller with less patience learns nothing about the server.
const LEAST_PATIENCE: Duration = Duration::from_millis(50);

/// Lets so many calls in and turns the rest away. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    slots: Arc<Semaphore>,
    pace: Option<Arc<Pace>>,
}

/// One call that is in, stream included; dropping it lets the next in.
pub(super) type Pass = OwnedSemaphorePermit;

impl Gate {
    /// As `server.max_in_flight` and `server.adaptive_limit` say.
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let most = config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        telemetry::max_in_flight(most);
        let pace = config.adaptive_limit.then(|| Arc::new(Pace::new(most)));
        Self { slots: Arc::new(Semaphore::new(most)), pace }
    }

    /// Never waits. `patience` is the time in which the head of the answer is due; without one the
    /// call is not judged.
    ///
    /// Errors: RESOURCE_EXHAUSTED / OVERLOADED with the time to wait, spread so that those turned
    /// away together do not return together.
    pub(super) fn enter(&self, patience: Option<Duration>) -> Result<(Pass, Work)> {
        let slot = self.slots.clone().try_acquire_owned().ok();
        let work = slot.and_then(|slot| Some((slot, self.begin(patience)?)));
        work.ok_or_else(|| {
            telemetry::shed("in_flight");
            Error::exhausted("OVERLOADED", "too many calls at once; try again a little later")
                .retry_after(jitter(COME_BACK, 0.5))
        })
    }

    fn begin(&self, patience: Option<Duration>) -> Option<Work> {
        match &self.pace {
            None => Some(Work(None)),
            Some(pace) => pace.begin(patience).map(|at_work| Work(Some(at_work))),
        }
    }
}

/// A call from the moment it is let in until the head of its answer; streams may go on after it.
#[derive(Debug)]
pub(super) struct Work(Option<AtWork>);

impl Work {
    /// The head of the answer is there. A call that is dropped without it was given up.
    pub(super) fn answered(self) {
        if let Some(mut at_work) = self.0 {
            at_work.answered = true;
        }
    }
}

/// How many calls may be at work so that they are answered in time.
#[derive(Debug)]
struct Pace {
    most: usize,
    floor: usize,
    limit: AtomicUsize,
    at_work: AtomicUsize,
    answered: AtomicU64,
}

#[derive(Debug)]
struct AtWork {
    pace: Arc<Pace>,
    since: Instant,
    /// The time that it should not take longer than: half of what it has.
    target: Option<Duration>,
    /// Answers that were given before it came.
    before: u64,
    answered: bool,
}

impl Pace {
    fn new(most: usize) -> Self {
        Self {
            most,
            floor: FLOOR.min(most),
            limit: AtomicUsize::new(most),
            at_work: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
        }
    }

    fn begin(self: &Arc<Self>, patience: Option<Duration>) -> Option<AtWork> {
        let limit = self.limit.load(Ordering::Relaxed);
        let one_more = |count: usize| (count < limit).then_some(count + 1);
        self.at_work.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(AtWork {
            pace: Arc::clone(self),
            since: Instant::now(),
            target: patience.map(|patience| patience.max(LEAST_PATIENCE) / 2),
            before: self.answered.load(Ordering::Relaxed),
            answered: false,
        })
    }

    /// Judges by one call: what it took, what it should take, and how many were answered meanwhile.
    fn judge(&self, took: Duration, target: Duration, answered: u64) {
        if took > target {
            let share = target.as_secs_f64() / took.as_secs_f64();
            let fitting = Duration::from_secs(answered).mul_f64(share).as_secs();
            let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).max(self.floor);
            self.limit.fetch_min(fitting, Ordering::Relaxed);
        } else if took <= target / 2 {
            let raise = |limit: usize| (limit < self.most).then_some(limit + 1);
            let _ = self.limit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise);
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.pace.at_work.fetch_sub(1, Ordering::Relaxed);
        let total = if self.answered {
            self.pace.answered.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.pace.answered.load(Ordering::Relaxed)
        };
        let took = self.since.elapsed();
        match self.target {
            // A caller that gave up early says nothing about the server.
            Some(target) if self.answered || took > target => {
                self.pace.judge(took, target, total - self.before);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    fn gate(max_in_flight: usize) -> Gate {
        Gate::new(&ServerConfig { max_in_flight, ..ServerConfig::default() })
    }

    fn limit(gate: &Gate) -> usize {
        gate.pace.as_ref().unwrap().limit.load(Ordering::Relaxed)
    }

    /// Lets in as many as there is room for.
    fn fill(gate: &Gate) -> Vec<(Pass, Work)> {
        std::iter::from_fn(|| gate.enter(SECOND).ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_becomes_what_is_answered_in_half_the_time() {
        let gate = gate(256);
        let mut calls = fill(&gate);
        assert_eq!(calls.len(), 256);
        // 100 a second: 50 of them within half a second, and the rest wait.
        for _ in 0..52 {
            tokio::time::advance(Duration::from_millis(10)).await;
            calls.remove(0).1.answered();
        }
        assert!((48..=52).contains(&limit(&gate)), "{}", limit(&gate));
        assert!(gate.enter(SECOND).is_err());
        // Given up by their callers: none was answered, so they teach what those before them did.
        tokio::time::advance(Duration::from_millis(480)).await;
        drop(calls);
        assert!((24..=52).contains(&limit(&gate)), "{}", limit(&gate));
    }

    #[tokio::test(start_paused = true)]
    async fn quick_answers_raise_it_again_and_no_further_than_it_was() {
        let gate = gate(64);
        let stuck = fill(&gate);
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(stuck);
        assert_eq!(limit(&gate), FLOOR);
        for _ in 0..100 {
            gate.enter(SECOND).unwrap().1.answered();
        }
        assert_eq!(limit(&gate), 64);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_early_or_has_no_deadline_changes_nothing() {
        let gate = gate(64);
        for patience in [Some(Duration::from_millis(1)), None] {
            let call = gate.enter(patience).unwrap();
            tokio::time::advance(Duration::from_millis(20)).await;
            drop(call);
            assert_eq!(limit(&gate), 64);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn open_streams_count_among_all_but_not_as_work() {
        let gate = gate(20);
        let streams: Vec<Pass> = (0..18)
            .map(|_| {
                let (pass, work) = gate.enter(SECOND).unwrap();
                work.answered();
                pass
            })
            .collect();
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!((limit(&gate), fill(&gate).len()), (20, 2));
        drop(streams);
        assert_eq!(fill(&gate).len(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn switched_off_only_the_most_counts() {
        let config =
            ServerConfig { max_in_flight: 64, adaptive_limit: false, ..ServerConfig::default() };
        let gate = Gate::new(&config);
        let stuck = fill(&gate);
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(stuck);
        assert_eq!(fill(&gate).len(), 64);
    }
}
