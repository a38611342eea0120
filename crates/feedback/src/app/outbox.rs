//! What the outside is told, in the transaction in which it happens. Ids only: no words.

use crate::domain::clock::Clock;
use crate::domain::kinds::{Author, ClockKind, Coded};
use crate::domain::ticket::Change;
use crate::ids::FeedbackId;
use crate::store::tickets::Record;
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::time;
use perennial_proto::feedback::v1::{
    FeedbackReceived, TicketAcknowledged, TicketBreached, TicketNearBreach, TicketReopened,
    TicketResolved, TicketResponded,
};

/// Tells that feedback was accepted.
pub(super) fn received(tx: &Tx, now: DateTime<Utc>, feedback: FeedbackId, record: &Record) {
    let running = record.ticket.clocks.iter().filter(|clock| clock.open());
    let payload = FeedbackReceived {
        user_id: record.user_id.clone(),
        feedback_id: feedback.to_string(),
        ticket_id: record.id.to_string(),
        channel: record.channel.code().into(),
        category: record.category.code().into(),
        due_time: running.filter_map(Clock::due).min().map(time::to_proto),
    };
    events::append(tx, [NewEvent::of(now, &record.user_id, &payload)]);
}

/// Tells what happened to a ticket since it was loaded.
pub(super) fn tell(tx: &Tx, now: DateTime<Utc>, record: &Record) {
    let news = record.news().iter();
    events::append(tx, news.filter_map(|event| translate(now, record, &event.change)));
}

fn translate(now: DateTime<Utc>, record: &Record, change: &Change) -> Option<NewEvent> {
    let user_id = record.user_id.clone();
    let ticket_id = record.id.to_string();
    let category = record.category.code().into();
    let subject = &record.user_id;
    Some(match change {
        Change::Acknowledged(_) => {
            NewEvent::of(now, subject, &TicketAcknowledged { user_id, ticket_id })
        }
        // A program's words are not an answer that the outside waits for.
        Change::Answered(Author::Human | Author::Official) => {
            NewEvent::of(now, subject, &TicketResponded { user_id, ticket_id, category })
        }
        Change::Resolved(_) => {
            let channel = record.channel.code().into();
            NewEvent::of(now, subject, &TicketResolved { user_id, ticket_id, category, channel })
        }
        Change::Replied if record.reopened() => {
            NewEvent::of(now, subject, &TicketReopened { user_id, ticket_id, category })
        }
        Change::Warned(kind, instance) => {
            let (clock, due_time) = due(record, *kind, *instance);
            let payload = TicketNearBreach { user_id, ticket_id, clock, due_time };
            NewEvent::of(now, subject, &payload)
        }
        Change::Breached(kind, instance) => {
            let (clock, due_time) = due(record, *kind, *instance);
            NewEvent::of(now, subject, &TicketBreached { user_id, ticket_id, clock, due_time })
        }
        _ => return None,
    })
}

fn due(record: &Record, kind: ClockKind, instance: i32) -> (i32, Option<prost_types::Timestamp>) {
    let due = record.ticket.clock(kind, instance).and_then(Clock::due);
    (kind.code().into(), due.map(time::to_proto))
}
