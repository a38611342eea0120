//! Calls at the same time: in one batch of one process, and in two processes on one database.

use super::{Call, Check, Reply, Site, World};
use crate::simulation::trap::Blow;
use perennial_platform::Result;

/// Does something in the second process while the first is paused within its transaction; the
/// first goes on when the second begins one of its own, or has no need to.
pub(super) async fn behind<T>(first: &Site, second: &Site, work: impl Future<Output = T>) -> T {
    first.trap.stopped.notified().await;
    second.trap.watch();
    let work = async {
        let done = work.await;
        second.trap.begins.notify_one();
        done
    };
    let release = async {
        second.trap.begins.notified().await;
        first.trap.release.notify_one();
    };
    tokio::join!(work, release).0
}

impl World {
    /// Several calls that arrive together; some twice.
    pub(super) async fn batch(&mut self) -> Result<Check> {
        let size = 2 + self.random.below(7);
        let mut calls: Vec<Call> = Vec::with_capacity(size);
        for _ in 0..size {
            let twin = self.random.pick(&calls).cloned();
            calls.push(match twin.filter(|_| self.random.one_in(4)) {
                Some(twin) => {
                    self.report.fault("twins in one batch");
                    twin
                }
                None => self.wish(),
            });
        }
        let blow = self.random.one_in(5).then(|| self.arm());
        let sending = calls.iter().map(|call| call.clone().send(&self.site.points));
        let replies = futures::future::join_all(sending).await;
        let fell = match blow {
            Some(blow) => self.aftermath(blow).await?,
            None => None,
        };
        let mut users = Vec::new();
        for (call, reply) in calls.iter().zip(replies) {
            if reply == Reply::Unknown && fell.is_none() {
                return Ok(Err(format!("{call:?}: no answer without a fault")));
            }
            let (reply, again) = match reply {
                Reply::Unknown => {
                    let reply = self.decide(call).await;
                    let again = matches!(&reply, Reply::Done(_, true));
                    (reply, again)
                }
                known => (known, false),
            };
            match self.judge(call, &reply, again) {
                Ok(user) => users.push(user),
                Err(violation) => return Ok(Err(violation)),
            }
        }
        users.sort_unstable();
        users.dedup();
        for user in users {
            if let Err(violation) = self.compare(&user).await {
                return Ok(Err(violation));
            }
        }
        Ok(Ok(()))
    }

    /// Two processes at once: the same call, the same business event, or two that want the same
    /// points.
    pub(super) async fn at_once(&mut self) -> Result<Check> {
        let first = self.wish();
        let second = match self.random.below(3) {
            0 => first.clone(),
            1 => first.under(&format!("other{}", self.step)),
            _ => self.wish(),
        };
        let (here, there) = (&self.site, &self.other);
        // Begin, the look-up of the request id, the lock, and then whatever comes.
        here.trap.arm(3, Blow::Pause);
        let one = async {
            let reply = first.clone().send(&here.points).await;
            here.trap.stopped.notify_one();
            reply
        };
        let two = behind(here, there, second.clone().send(&there.points));
        let (one, two) = tokio::join!(one, two);
        let stopped = here.trap.disarm();
        there.trap.disarm();
        if stopped.is_some() {
            self.report.fault("two replicas at once");
        }
        // Both have happened, so balances are compared after both were judged.
        if let Err(violation) = self.judge(&first, &one, false) {
            return Ok(Err(violation));
        }
        Ok(self.settle_with(&second, two, false).await)
    }
}
