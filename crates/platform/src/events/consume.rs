//! A consumer's loop: read on from the position, handle, move the position, all or nothing.
//!
//! Several replicas may run the same consumer. Moving the position is a compare-and-set in the
//! transaction of the effects, so of two replicas that handle the same events one commits and the
//! other is undone: the position itself is the fencing token.

use super::lag::Lag;
use super::{Consumer, parked};
use crate::clock::Clock;
use crate::db::consumers::{ActiveModel, Column, Entity};
use crate::db::{Db, Tx};
use crate::error::{Code, Error, Result};
use crate::host::PeerChannel;
use crate::telemetry;
use crate::work::Worker;
use futures::FutureExt;
use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_proto::events::v1::{Event, ReadRequest};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How long a consumer sleeps when no wake-up tells it that the log grew.
const EVERY: Duration = Duration::from_millis(500);
/// Events handled in one transaction.
const BATCH: usize = 100;
/// A transaction that has taken so long takes no further event: what it has locked, calls wait for.
const HOLD: Duration = Duration::from_millis(100);
/// Tries of an event that fails for a reason of its own before it is parked.
const ATTEMPTS: i32 = 5;
/// Pause before the second try; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How often a position is written down that moved only over events nobody here wants.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// The worker that runs a consumer, reading the log through `channel`, until `stop`.
pub fn worker<C: Consumer>(
    db: &Db,
    clock: &Clock,
    channel: PeerChannel,
    consumer: C,
    stop: CancellationToken,
) -> Worker {
    let (db, clock, looked) = (db.clone(), clock.clone(), Mutex::default());
    let lag = Lag::new(C::NAME);
    let run = Arc::new(Run { db, clock, channel, consumer, stop, looked, lag });
    Worker::new(C::NAME, EVERY, move || {
        let run = Arc::clone(&run);
        async move { run.once().await }.boxed()
    })
}

struct Run<C> {
    db: Db,
    clock: Clock,
    channel: PeerChannel,
    consumer: C,
    stop: CancellationToken,
    looked: Mutex<Looked>,
    lag: Arc<Lag>,
}

/// How far this process has looked without finding anything for its consumer. Writing that down
/// each time would cost a commit for every commit of a busy log; forgetting it costs another look.
#[derive(Debug, Default, Clone, Copy)]
struct Looked {
    /// The position that was written down when it looked.
    from: i64,
    to: i64,
    noted: Option<Instant>,
}

impl<C: Consumer> Run<C> {
    /// Handles everything there is, but no further batch once the process is to stop: what is left
    /// waits for the next start or another replica. Returns the number of events handled.
    async fn once(&self) -> Result<u64> {
        let mut handled = self.replay().await?;
        let mut position = self.position().await?;
        let request = ReadRequest {
            after: self.looked_after(position),
            types: C::TYPES.iter().map(|&name| name.to_owned()).collect(),
            follow: false,
            subject: String::new(),
        };
        let mut log =
            EventLogServiceClient::new(self.channel.clone()).read(request).await?.into_inner();
        while let Some(page) = log.message().await? {
            self.lag.behind(page.head - position);
            let mut events = page.events.as_slice();
            while !events.is_empty() && !self.stop.is_cancelled() {
                let batch = &events[..events.len().min(BATCH)];
                let Some(done) = self.handle(batch, position).await? else {
                    // Another replica was here; it goes on from where that one stands.
                    return Ok(handled);
                };
                position = batch[done - 1].position;
                events = &events[done..];
                handled += done as u64;
            }
            if self.stop.is_cancelled() {
                return Ok(handled);
            }
            if page.position > position {
                if !self.is_to_note(position, page.position) {
                    continue;
                }
                if !self.skip_to(position, page.position).await? {
                    return Ok(handled);
                }
                position = page.position;
            }
        }
        self.lag.caught_up();
        Ok(handled)
    }

    /// From where to read on: what was looked at in vain is not looked at again.
    fn looked_after(&self, position: i64) -> i64 {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.from == position { looked.to.max(position) } else { position }
    }

    /// Whether to write down that there was nothing up to `to`. If not, it is remembered here.
    fn is_to_note(&self, from: i64, to: i64) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        (looked.from, looked.to) = (from, to);
        let due = looked.noted.is_none_or(|noted| noted.elapsed() >= NOTE_EVERY);
        if due {
            looked.noted = Some(Instant::now());
        }
        due
    }

    async fn position(&self) -> Result<i64> {
        let row = Entity::find_by_id(C::NAME.to_owned()).one(self.db.read()).await?;
        if let Some(row) = row {
            return Ok(row.position);
        }
        let row = ActiveModel {
            name: Set(C::NAME.to_owned()),
            source: Set(C::SOURCE.name().to_owned()),
            position: Set(0),
            updated_at: Set(self.clock.now()),
        };
        let tx = self.db.begin().await?;
        let first = OnConflict::column(Column::Name).do_nothing().to_owned();
        Entity::insert(row).on_conflict(first).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(0)
    }

    /// Handles events, one at least, in one transaction; if that fails, the events one by one.
    /// Returns how many, counted from the first; none when another replica has moved the position.
    async fn handle(&self, batch: &[Event], from: i64) -> Result<Option<usize>> {
        match self.together(batch, from).await {
            Ok(done) => Ok(done),
            // A batch locks users in the order of events, calls in the order of ids, so the two
            // can deadlock; a single event locks one user and cannot.
            Err(error) if passes(&error) && error.code() != Code::Aborted => Err(error),
            Err(_) => {
                let mut from = from;
                for (place, event) in batch.iter().enumerate() {
                    if place > 0 && self.stop.is_cancelled() {
                        return Ok(Some(place));
                    }
                    if !self.alone(event, from).await? {
                        return Ok(None);
                    }
                    from = event.position;
                }
                Ok(Some(batch.len()))
            }
        }
    }

    /// All or nothing, of as many events as there is time for.
    async fn together(&self, batch: &[Event], from: i64) -> Result<Option<usize>> {
        let Some(last) = batch.last() else { return Ok(Some(0)) };
        let tx = self.db.begin().await?;
        // Before anything else, so that of two replicas one waits here and not with half the work.
        if !self.advance(&tx, from, last.position).await? {
            tx.rollback().await?;
            return Ok(None);
        }
        let begin = Instant::now();
        let mut done = 0;
        for event in batch {
            self.effect(&tx, event).await?;
            done += 1;
            if begin.elapsed() >= HOLD {
                break;
            }
        }
        if done < batch.len() {
            self.advance(&tx, last.position, batch[done - 1].position).await?;
        }
        tx.commit().await?;
        Ok(Some(done))
    }

    /// Handles one event; parks it when it keeps failing.
    async fn alone(&self, event: &Event, from: i64) -> Result<bool> {
        let mut attempt = 1;
        let error = loop {
            match self.together(std::slice::from_ref(event), from).await {
                Ok(done) => return Ok(done.is_some()),
                Err(error) if passes(&error) => return Err(error),
                Err(error) if attempt == ATTEMPTS => break error,
                Err(_) => {
                    tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt.unsigned_abs() - 1)).await;
                    attempt += 1;
                }
            }
        };
        opentelemetry::global::meter("perennial")
            .u64_counter("perennial.consumer.parked")
            .with_description("Events set aside because they could not be handled")
            .build()
            .add(1, &[opentelemetry::KeyValue::new("consumer", C::NAME)]);
        tracing::error!(consumer = C::NAME, event = event.id, kind = event.r#type, %error, "event parked");
        let tx = self.db.begin().await?;
        let moved = self.advance(&tx, from, event.position).await?;
        if moved {
            parked::park(&tx, self.clock.now(), C::NAME, event, &error, attempt).await?;
            tx.commit().await?;
        }
        Ok(moved)
    }

    /// Handles what an operator has handed back.
    async fn replay(&self) -> Result<u64> {
        let mut handled = 0;
        for event in parked::to_replay(self.db.read(), C::NAME).await? {
            let tx = self.db.begin().await?;
            if !parked::unpark(&tx, C::NAME, &event).await? {
                tx.rollback().await?;
                continue;
            }
            match self.effect(&tx, &event).await {
                Ok(()) => {
                    tx.commit().await?;
                    handled += 1;
                }
                Err(error) if passes(&error) => return Err(error),
                Err(error) => {
                    tx.rollback().await?;
                    let tx = self.db.begin().await?;
                    parked::park(&tx, self.clock.now(), C::NAME, &event, &error, ATTEMPTS).await?;
                    tx.commit().await?;
                }
            }
        }
        Ok(handled)
    }

    async fn effect(&self, tx: &Tx, event: &Event) -> Result<()> {
        let span = tracing::info_span!("consume", consumer = C::NAME, kind = event.r#type);
        telemetry::follow(&span, &event.traceparent);
        self.consumer.handle(tx, self.clock.now(), event).instrument(span).await
    }

    /// Moves the position over events that this consumer does not want.
    async fn skip_to(&self, from: i64, to: i64) -> Result<bool> {
        let tx = self.db.begin().await?;
        let moved = self.advance(&tx, from, to).await?;
        tx.commit().await?;
        Ok(moved)
    }

    async fn advance(&self, tx: &Tx, from: i64, to: i64) -> Result<bool> {
        let moved = Entity::update_many()
            .col_expr(Column::Position, Expr::value(to))
            .col_expr(Column::UpdatedAt, Expr::value(self.clock.now()))
            .filter(Column::Name.eq(C::NAME))
            .filter(Column::Position.eq(from))
            .exec(tx)
            .await?;
        Ok(moved.rows_affected == 1)
    }
}

/// Errors that say nothing about the event: the database or the peer is gone, or a concurrent
/// transaction was faster. They are waited out, however long it takes.
fn passes(error: &Error) -> bool {
    matches!(error.code(), Code::Unavailable | Code::Aborted | Code::DeadlineExceeded)
}
