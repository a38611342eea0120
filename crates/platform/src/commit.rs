//! Group commit: concurrent writes share one transaction, one set of statements, one sync.
//!
//! While a batch commits, the next one gathers; nobody waits for company when the line is idle.
//! One bad command fails alone: refusals are answers of the batch, and when the transaction
//! itself fails its commands are tried one by one.

mod engine;

use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::idempotency::{Key, Reply};
use crate::tasks::Tasks;
use chrono::{DateTime, Utc};
use std::future::Future;
use tokio::sync::{mpsc, oneshot};

/// Commands in one transaction at most.
pub const MAX_BATCH: usize = 1_024;
/// Commands that may wait; beyond that callers are turned away at once.
const MAX_WAITING: usize = 16_384;

/// What a service does with a batch of commands.
pub trait Batch: Send + Sync + 'static {
    /// One caller's wish.
    type Command: Clone + Send + Sync + 'static;
    /// What the caller gets, and what is stored under its request id. No personal data.
    type Answer: prost::Message + Default + Clone;

    /// Applies the commands in order, set-based, in the transaction given, and returns one answer
    /// for each, in order. Writes nothing for a command it refuses. Locks rows in id order.
    /// Errors: only when the whole batch is undone, such as a database that is gone.
    fn apply(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        commands: &[Self::Command],
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer>>>> + Send;
}

/// Where callers hand in commands. Clones share the line.
pub struct Committer<B: Batch> {
    line: mpsc::Sender<Submission<B>>,
}

struct Submission<B: Batch> {
    key: Option<Key>,
    command: B::Command,
    answer: oneshot::Sender<Result<Reply<B::Answer>>>,
}

impl<B: Batch> Committer<B> {
    /// Starts the line. It ends when the last clone is gone, so that calls still in flight while
    /// the process stops are answered.
    pub fn start(tasks: &Tasks, clock: &Clock, db: &Db, name: &'static str, batch: B) -> Self {
        let (line, waiting) = mpsc::channel(MAX_WAITING);
        tasks.spawn(engine::run(name, db.clone(), clock.clone(), batch, waiting));
        Self { line }
    }

    /// Hands in one command and waits until it is durable. Errors: the refusal of the command;
    /// RESOURCE_EXHAUSTED / WRITE_QUEUE_FULL; UNAVAILABLE when the database is gone. Once handed
    /// in, a command is carried out even if the caller stops waiting.
    pub async fn submit(&self, key: Option<Key>, command: B::Command) -> Result<Reply<B::Answer>> {
        self.enqueue(key, command)?.await.map_err(|_| stopped())?
    }

    /// Hands in several commands together; the answers come in the same order.
    pub async fn submit_many(
        &self,
        commands: Vec<(Option<Key>, B::Command)>,
    ) -> Vec<Result<Reply<B::Answer>>> {
        let waiting: Vec<_> =
            commands.into_iter().map(|(key, command)| self.enqueue(key, command)).collect();
        let mut answers = Vec::with_capacity(waiting.len());
        for answer in waiting {
            answers.push(match answer {
                Ok(answer) => answer.await.map_err(|_| stopped()).and_then(|answer| answer),
                Err(error) => Err(error),
            });
        }
        answers
    }

    fn enqueue(
        &self,
        key: Option<Key>,
        command: B::Command,
    ) -> Result<oneshot::Receiver<Result<Reply<B::Answer>>>> {
        let (answer, receiver) = oneshot::channel();
        self.line.try_send(Submission { key, command, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Error::exhausted("WRITE_QUEUE_FULL", "too many writes are waiting")
                    .retry_after(std::time::Duration::from_millis(100))
            }
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        Ok(receiver)
    }
}

fn stopped() -> Error {
    Error::unavailable("STOPPING", "the service is stopping")
}

impl<B: Batch> Clone for Committer<B> {
    fn clone(&self) -> Self {
        Self { line: self.line.clone() }
    }
}

impl<B: Batch> std::fmt::Debug for Committer<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committer").finish_non_exhaustive()
    }
}
