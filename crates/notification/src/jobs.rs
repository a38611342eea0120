//! Work that falls due by itself.

use crate::app::{App, DISPATCH, Ended, Handover};
use crate::delivery::Delivery;
use futures::{StreamExt, stream};
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Works off due messages: decides, hands over, records. Claims its rows itself, so every replica
/// runs it.
pub struct Dispatch {
    /// Use cases.
    pub app: App,
    /// Channels.
    pub delivery: Arc<Delivery>,
    /// How often to look.
    pub every: Duration,
    /// Hand-overs at the same time.
    pub concurrency: usize,
    /// Cancelled when the process is to stop.
    pub stopping: CancellationToken,
}

impl Job for Dispatch {
    const NAME: &'static str = DISPATCH;
    const SHARED: bool = true;

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        let (looked_at, handovers) = self.app.claim().await?;
        self.hand_over(handovers).await?;
        Ok(looked_at)
    }
}

impl Dispatch {
    /// Hands messages over and records each group as soon as it has ended: one that hangs must
    /// not keep the others unrecorded until the process is told to stop. From then on nothing more is
    /// handed over: what was begun ends, the rest is given back.
    async fn hand_over(&self, handovers: Vec<Handover>) -> Result<()> {
        // While nothing can be recorded nothing more is handed over.
        let behind = AtomicBool::new(false);
        let mut waiting = handovers.into_iter();
        let next = iter::from_fn(|| {
            let halted = behind.load(Ordering::Relaxed) || self.stopping.is_cancelled();
            if halted { None } else { waiting.next() }
        });
        let mut ends = stream::iter(next)
            .map(|handover| self.delivery.attempt(handover))
            .buffer_unordered(self.concurrency)
            .ready_chunks(self.concurrency);
        let mut unrecorded = Vec::new();
        let mut outcome = Ok(());
        while let Some(ended) = ends.next().await {
            unrecorded.extend(ended);
            outcome = self.record(&unrecorded).await;
            behind.store(outcome.is_err(), Ordering::Relaxed);
            if outcome.is_ok() {
                unrecorded.clear();
            }
        }
        drop(ends);
        if self.stopping.is_cancelled() && outcome.is_ok() {
            self.app.release(waiting.map(|handover| handover.message).collect()).await?;
        }
        outcome
    }

    async fn record(&self, ended: &[Ended]) -> Result<()> {
        let erased = self.app.record(ended).await?;
        self.delivery.forget(&erased).await
    }
}

/// Plans reminders for users who have been silent long enough.
pub struct Remind {
    /// Use cases.
    pub app: App,
    /// How often to look.
    pub every: Duration,
}

impl Job for Remind {
    const NAME: &'static str = "notification.remind";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.remind().await
    }
}
