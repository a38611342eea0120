//! Background work: once, twice at once, killed midway.

use super::{Check, World};
use crate::simulation::trap::Blow;
use perennial_platform::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Settle,
    Warn,
    Judge,
}

async fn work(app: &crate::app::App, what: Work) -> Result<u64> {
    match what {
        Work::Settle => app.settle_due().await,
        Work::Warn => app.warn_expiring().await,
        Work::Judge => app.judge_due().await,
    }
}

impl World {
    /// A job runs; it may be killed at any step, or meet its own twin.
    pub(super) async fn job(&mut self) -> Result<Check> {
        let what = [Work::Settle, Work::Settle, Work::Warn, Work::Judge][self.random.below(4)];
        match self.random.below(3) {
            0 => Box::pin(self.killed(what)).await,
            1 => Box::pin(self.twice(what)).await?,
            _ => {}
        }
        work(&self.site.app, what).await?;
        self.report.saw(match what {
            Work::Settle => "settled",
            Work::Warn => "warned",
            Work::Judge => "judged",
        });
        if what == Work::Settle {
            let now = self.now();
            self.oracle.settle_due(now);
        }
        let user = self.user();
        Ok(self.compare(&user).await)
    }

    async fn killed(&mut self, what: Work) {
        let trap = &self.site.trap;
        trap.arm(u32::try_from(self.random.below(9)).unwrap_or(0), Blow::Hang);
        let killed = tokio::select! {
            biased;
            _ = work(&self.site.app, what) => false,
            () = trap.stopped.notified() => true,
        };
        trap.disarm();
        if killed {
            self.report.fault("job killed midway");
        }
    }

    /// The second begins while the first is within its transaction.
    async fn twice(&mut self, what: Work) -> Result<()> {
        let (first, second) = (&self.site, &self.other);
        first.trap.arm(3, Blow::Pause);
        let one = async {
            let done = work(&first.app, what).await;
            first.trap.stopped.notify_one();
            done
        };
        let two = super::together::behind(first, second, work(&second.app, what));
        let (one, two) = tokio::join!(one, two);
        let stopped = first.trap.disarm();
        second.trap.disarm();
        one?;
        two?;
        if stopped.is_some() {
            self.report.fault("two sweeps at once");
        }
        Ok(())
    }
}
