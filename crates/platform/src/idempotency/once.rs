//! One write in a transaction of its own, executed at most once per request id.

use super::{Key, Reply, Stored, lookup, store};
use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::error::{Code, Result};
use prost::Message;
use std::ops::AsyncFnOnce;

/// Runs `work` in a transaction and stores its answer under the key; a key seen before is
/// answered without running it. A refusal undoes whatever `work` wrote and is itself stored.
///
/// Errors: those of `work`; ALREADY_EXISTS / REQUEST_ID_REUSED; ABORTED when a twin with the same
/// request id is just being executed elsewhere.
pub async fn once<R: Message + Default>(
    db: &Db,
    clock: &Clock,
    key: Option<Key>,
    work: impl AsyncFnOnce(&Tx) -> Result<R>,
) -> Result<Reply<R>> {
    let tx = db.begin().await?;
    if let Some(key) = &key
        && let Stored::Answered(answer) = lookup(&tx, [key]).await?.get(key)
    {
        return answer;
    }
    let outcome = work(&tx).await;
    match (&outcome, &key) {
        (Ok(_), Some(key)) => store(&tx, clock.now(), [(key, &outcome)]).await?,
        (Ok(_), None) => {}
        (Err(error), key) => {
            tx.rollback().await?;
            return match key {
                Some(key) if error.is_refusal() => keep_refusal(db, clock, key, outcome).await,
                _ => outcome.map(fresh),
            };
        }
    }
    let value = outcome?;
    tx.commit().await?;
    Ok(fresh(value))
}

/// Stores a refusal, unless a twin was faster: then its answer is the one, for the twin may be
/// the very reason of this refusal (it created what already exists).
async fn keep_refusal<R: Message + Default>(
    db: &Db,
    clock: &Clock,
    key: &Key,
    outcome: Result<R>,
) -> Result<Reply<R>> {
    let tx = db.begin().await?;
    // The fault of a twin comes with the write or with the commit.
    let kept = match store(&tx, clock.now(), [(key, &outcome)]).await {
        Ok(()) => tx.commit().await,
        Err(error) => tx.rollback().await.and(Err(error)),
    };
    match kept {
        Ok(()) => outcome.map(fresh),
        Err(error) if error.code() == Code::Aborted => {
            match lookup(db.read(), [key]).await?.get(key) {
                Stored::Answered(answer) => answer,
                Stored::New => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

fn fresh<R>(value: R) -> Reply<R> {
    Reply { value, replayed: false }
}
