//! Jobs: work that falls due by itself. Each finds its work by a due index, does a batch, and is
//! called again until nothing is due.

use crate::db::Db;
use crate::error::Result;
use crate::work::Worker;
use futures::FutureExt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Work that falls due.
pub trait Job: Send + Sync + 'static {
    /// Name for logs and the lease: "loyalty.expire_lots".
    const NAME: &'static str;
    /// Replicas may run it at the same time, because it claims its rows itself.
    const SHARED: bool = false;

    /// How often to look when nothing wakes it.
    fn every(&self) -> Duration;

    /// Does one batch of what is due and returns its size; 0 when nothing is due. Safe to run
    /// again after a crash at any point.
    fn run_once(&self) -> impl Future<Output = Result<u64>> + Send;
}

/// The worker that runs a job, one replica at a time unless it is [`Job::SHARED`].
pub fn worker<J: Job>(db: &Db, job: J) -> Worker {
    let every = job.every();
    let job = Arc::new(job);
    let db = db.clone();
    Worker::new(J::NAME, every, move || {
        let (job, db) = (Arc::clone(&job), db.clone());
        async move {
            if J::SHARED {
                return job.run_once().await;
            }
            match db.lease(J::NAME).await? {
                Some(_lease) => job.run_once().await,
                None => Ok(0),
            }
        }
        .boxed()
    })
}
