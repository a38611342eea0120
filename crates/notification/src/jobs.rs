//! Work that falls due by itself.

use crate::app::{App, DISPATCH};
use crate::delivery::Delivery;
use futures::{StreamExt, stream};
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::sync::Arc;
use std::time::Duration;

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
}

impl Job for Dispatch {
    const NAME: &'static str = DISPATCH;
    const SHARED: bool = true;

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        let (looked_at, handovers) = self.app.claim().await?;
        let ended: Vec<_> = stream::iter(handovers)
            .map(async |handover| {
                let result = self.delivery.hand_over(&handover).await;
                (handover.message, result)
            })
            .buffer_unordered(self.concurrency)
            .collect()
            .await;
        self.app.record(ended).await?;
        Ok(looked_at)
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
