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
            if let Some(key) = key.as_ref().filter(|_| error.is_refusal()) {
                keep_refusal(db, clock, key, &outcome).await?;
            }
            return outcome.map(fresh);
        }
    }
    let value = outcome?;
    tx.commit().await?;
    Ok(fresh(value))
}

async fn keep_refusal<R: Message + Default>(
    db: &Db,
    clock: &Clock,
    key: &Key,
    outcome: &Result<R>,
) -> Result<()> {
    let tx = db.begin().await?;
    match store(&tx, clock.now(), [(key, outcome)]).await {
        // A twin stored the same refusal first.
        Err(error) if error.code() == Code::Aborted => tx.rollback().await,
        Err(error) => Err(error),
        Ok(()) => tx.commit().await,
    }
}

fn fresh<R>(value: R) -> Reply<R> {
    Reply { value, replayed: false }
}
