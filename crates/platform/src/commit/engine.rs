//! The line behind a [`super::Committer`]: takes what has arrived, commits it, answers.

use super::{Batch, MAX_BATCH, MAX_BATCH_WEIGHT, Submission};
use crate::clock::Clock;
use crate::db::Db;
use crate::error::{Code, Error, Result};
use crate::idempotency::{Key, Reply, Stored, lookup, store};
use futures::FutureExt;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

/// Tries of a batch that loses against another replica's.
const TRIES: usize = 3;

/// Bounds of the histograms of time, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

type Answers<B> = Vec<Result<Reply<<B as Batch>::Answer>>>;

pub(super) async fn run<B: Batch>(
    name: &'static str,
    db: Db,
    clock: Clock,
    batch: B,
    mut waiting: mpsc::UnboundedReceiver<Submission<B>>,
) {
    let sizes = opentelemetry::global::meter("perennial")
        .u64_histogram("perennial.commit.batch.size")
        .with_description("Commands that shared one transaction")
        .build();
    let replays = opentelemetry::global::meter("perennial")
        .u64_counter("perennial.commit.replays")
        .with_description("Commands answered with the stored answer of an earlier call")
        .build();
    let waits = opentelemetry::global::meter("perennial")
        .f64_histogram("perennial.commit.wait")
        .with_description("Longest time that a command of a batch waited before it was taken")
        .with_unit("s")
        .with_boundaries(BOUNDS.to_vec())
        .build();
    let durations = opentelemetry::global::meter("perennial")
        .f64_histogram("perennial.commit.batch.duration")
        .with_description("Time from taking a batch to its answers, the commit included")
        .with_unit("s")
        .with_boundaries(BOUNDS.to_vec())
        .build();
    let label = [opentelemetry::KeyValue::new("committer", name)];
    let mut taken = Vec::with_capacity(MAX_BATCH);
    while waiting.recv_many(&mut taken, MAX_BATCH).await > 0 {
        loop {
            // Work for those who left is time that those who wait do not get: under more calls than
            // can be answered, every caller would leave before the line has come to them.
            taken.retain(|submission| !submission.answer.is_closed());
            if taken.is_empty() {
                break;
            }
            let rest = taken.split_off(fitting(&taken));
            let batch_now = std::mem::replace(&mut taken, rest);
            sizes.record(batch_now.len() as u64, &label);
            let started = Instant::now();
            // They came in order, so the first waited longest.
            if let Some(first) = batch_now.first() {
                waits.record(started.duration_since(first.since).as_secs_f64(), &label);
            }
            let replayed = answer(&db, &clock, &batch, batch_now).await;
            durations.record(started.elapsed().as_secs_f64(), &label);
            replays.add(replayed as u64, &label);
        }
    }
}

/// How many of the first commands make one batch: at least one, and no more than may be weighed
/// together.
fn fitting<B: Batch>(taken: &[Submission<B>]) -> usize {
    let mut weight = 0_usize;
    let fits = taken.iter().take_while(|submission| {
        weight += submission.place.num_permits();
        weight <= MAX_BATCH_WEIGHT as usize
    });
    fits.count().max(1)
}

/// Commits a batch and answers its callers. Returns how many answers had been given before.
async fn answer<B: Batch>(
    db: &Db,
    clock: &Clock,
    batch: &B,
    submissions: Vec<Submission<B>>,
) -> usize {
    // The statements of a batch belong to many traces; those of a single command to its own.
    let span = match submissions.as_slice() {
        [alone] => alone.span.clone(),
        _ => Span::none(),
    };
    let answers = commit_all(db, clock, batch, &submissions).instrument(span).await;
    let replayed = answers.iter().flatten().filter(|reply| reply.replayed).count();
    for (submission, answer) in submissions.into_iter().zip(answers) {
        // A caller that has left does not mind.
        let _ = submission.answer.send(answer);
    }
    replayed
}

type Work<B> = [Submission<B>];

/// Commits the commands together; if that fails for a reason that may lie in one of them, in halves
/// and halves of these, so that it fails alone.
async fn commit_all<B: Batch>(db: &Db, clock: &Clock, batch: &B, work: &Work<B>) -> Answers<B> {
    let mut answers = Vec::with_capacity(work.len());
    let mut parts = vec![work];
    while let Some(part) = parts.pop() {
        // Trying again takes its time, and nobody may be left to wait for it.
        if part.iter().all(|submission| submission.answer.is_closed()) {
            answers.extend(part.iter().map(|_| Err(left())));
            continue;
        }
        match commit(db, clock, batch, part).await {
            Ok(of_part) => answers.extend(of_part),
            Err(error) if part.len() == 1 || error.code() == Code::Unavailable => {
                answers.extend(part.iter().map(|_| Err(error.clone())));
            }
            Err(error) => {
                tracing::warn!(%error, commands = part.len(), "a batch failed, trying its halves");
                let (first, second) = part.split_at(part.len() / 2);
                // The first on top: they came in this order.
                parts.extend([second, first]);
            }
        }
    }
    answers
}

async fn commit<B: Batch>(db: &Db, clock: &Clock, batch: &B, work: &Work<B>) -> Result<Answers<B>> {
    let mut last = None;
    for _ in 0..TRIES {
        let attempt = AssertUnwindSafe(attempt(db, clock, batch, work)).catch_unwind().await;
        match attempt {
            Err(_) => return Err(Error::internal("a batch panicked")),
            Ok(Err(error)) if error.code() == Code::Aborted => last = Some(error),
            Ok(result) => return result,
        }
    }
    Err(last.unwrap_or_else(missing))
}

/// What is to become of one command of a batch.
enum Fate<R> {
    /// Answered earlier, in another transaction.
    Known(Result<Reply<R>>),
    /// The n-th of those that are executed now.
    Fresh(usize),
    /// The same request id as the n-th of those.
    Twin(usize),
}

async fn attempt<B: Batch>(
    db: &Db,
    clock: &Clock,
    batch: &B,
    work: &Work<B>,
) -> Result<Answers<B>> {
    let mut tx = db.begin().await?;
    let seen = lookup(&tx, work.iter().filter_map(|submission| submission.key.as_ref())).await?;
    let mut first: HashMap<uuid::Uuid, (usize, &Key)> = HashMap::new();
    let mut fresh = Vec::with_capacity(work.len());
    let mut keys = Vec::with_capacity(work.len());
    let mut spans = Vec::with_capacity(work.len());
    let mut fates = Vec::with_capacity(work.len());
    for Submission { key, command, span, .. } in work {
        if let Some(key) = key {
            if let Stored::Answered(answer) = seen.get(key) {
                fates.push(Fate::Known(answer));
                continue;
            }
            if let Some((index, twin)) = first.get(&key.id()) {
                fates.push(match key.agrees_with(twin.fingerprint()) {
                    Ok(()) => Fate::Twin(*index),
                    Err(other) => Fate::Known(Err(other)),
                });
                continue;
            }
            first.insert(key.id(), (fresh.len(), key));
        }
        fates.push(Fate::Fresh(fresh.len()));
        fresh.push(command.clone());
        keys.push(key.as_ref());
        spans.push(span.clone());
    }
    tx.act_for(spans);
    let now = clock.now();
    let outcomes =
        if fresh.is_empty() { Vec::new() } else { batch.apply(&tx, now, &fresh).await? };
    if outcomes.len() != fresh.len() {
        return Err(Error::internal(
            "a batch answered another number of commands than it was given",
        ));
    }
    let to_store = keys.iter().zip(&outcomes).filter_map(|(key, o)| key.map(|key| (key, o)));
    store(&tx, now, to_store).await?;
    tx.commit().await?;
    Ok(fates.into_iter().map(|fate| settle(fate, &outcomes)).collect())
}

fn settle<R: Clone>(fate: Fate<R>, outcomes: &[Result<R>]) -> Result<Reply<R>> {
    match fate {
        Fate::Known(answer) => answer,
        Fate::Fresh(n) => outcomes[n].clone().map(|value| Reply { value, replayed: false }),
        Fate::Twin(n) => outcomes[n].clone().map(|value| Reply { value, replayed: true }),
    }
}

fn left() -> Error {
    Error::aborted("CALLER_LEFT", "nobody waits for the answer any more")
}

fn missing() -> Error {
    Error::internal("a batch without an answer")
}
