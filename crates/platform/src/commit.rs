//! Group commit: concurrent writes share one transaction, one set of statements, one sync.
//!
//! While a batch commits, the next one gathers; nobody waits for company when the line is idle.
//! One bad command fails alone: refusals are answers of the batch, and when the transaction
//! itself fails its commands are tried in halves, and halves of these.

mod engine;

use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::idempotency::{Key, Reply};
use crate::tasks::Tasks;
use crate::telemetry;
use chrono::{DateTime, Utc};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Commands in one transaction at most, and what they may weigh together: a batch has to be over
/// well within the deadline of those who wait for it.
pub const MAX_BATCH: usize = 1_024;
const MAX_BATCH_WEIGHT: u32 = 1_024;
/// Weight that may wait; beyond that callers are turned away at once.
const MAX_WAITING: u32 = 65_536;

/// What a service does with a batch of commands.
pub trait Batch: Send + Sync + 'static {
    /// One caller's wish.
    type Command: Clone + Send + Sync + 'static;
    /// What the caller gets, and what is stored under its request id. No personal data.
    type Answer: prost::Message + Default + Clone;

    /// What a command weighs: the rows it stands for, where that is more than a few.
    fn weight(_: &Self::Command) -> usize {
        1
    }

    /// Applies the commands in order, set-based, in the transaction given, and returns one answer
    /// for each, in order. Writes nothing for a command it refuses. Locks rows in id order. Makes
    /// events in [`Tx::on_behalf_of`] their command, so that they go on with its caller's trace.
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
    line: mpsc::UnboundedSender<Submission<B>>,
    room: Arc<Semaphore>,
}

struct Submission<B: Batch> {
    key: Option<Key>,
    command: B::Command,
    /// Its place in the line; given back when it has been answered.
    place: OwnedSemaphorePermit,
    /// The caller's, so that the events of its command go on with its trace.
    span: tracing::Span,
    /// When it was handed in.
    since: Instant,
    answer: oneshot::Sender<Result<Reply<B::Answer>>>,
}

impl<B: Batch> Committer<B> {
    /// Starts the line. It ends when the last clone is gone, so that calls still in flight while
    /// the process stops are answered.
    pub fn start(tasks: &Tasks, clock: &Clock, db: &Db, name: &'static str, batch: B) -> Self {
        // Bounded by weight rather than by number: a place in the line is a permit.
        let (line, waiting) = mpsc::unbounded_channel();
        tasks.spawn(engine::run(name, db.clone(), clock.clone(), batch, waiting));
        Self { line, room: Arc::new(Semaphore::new(MAX_WAITING as usize)) }
    }

    /// Hands in one command and waits until it is durable. Errors: the refusal of the command;
    /// RESOURCE_EXHAUSTED / WRITE_QUEUE_FULL; UNAVAILABLE when the database is gone. Dropped before
    /// its turn in the line, a command is not carried out; dropped later, it is, unless the batch fails
    /// at first and nobody is left who waits.
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
        let weight = u32::try_from(B::weight(&command)).unwrap_or(u32::MAX).clamp(1, MAX_WAITING);
        let place = Arc::clone(&self.room).try_acquire_many_owned(weight).map_err(|_| {
            telemetry::shed("write_queue");
            Error::exhausted("WRITE_QUEUE_FULL", "too many writes are waiting")
                .retry_after(std::time::Duration::from_millis(100))
        })?;
        let (answer, receiver) = oneshot::channel();
        let (span, since) = (tracing::Span::current(), Instant::now());
        let submission = Submission { key, command, place, span, since, answer };
        self.line.send(submission).map_err(|_| stopped())?;
        Ok(receiver)
    }
}

fn stopped() -> Error {
    Error::unavailable("STOPPING", "the service is stopping")
}

impl<B: Batch> Clone for Committer<B> {
    fn clone(&self) -> Self {
        Self { line: self.line.clone(), room: Arc::clone(&self.room) }
    }
}

impl<B: Batch> std::fmt::Debug for Committer<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committer").finish_non_exhaustive()
    }
}
