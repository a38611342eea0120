//! Promises as callers see them, judged at an instant.

use crate::domain::clock::{Clock, End};
use crate::domain::kinds::{ClockKind, Coded};
use crate::domain::ticket::Ticket;
use chrono::{DateTime, Utc};
use perennial_platform::time;
use perennial_proto::feedback::v1::Promise;

/// Every promise made for a ticket, judged at `now`.
pub(crate) fn promises(ticket: &Ticket, now: DateTime<Utc>) -> Vec<Promise> {
    ticket.clocks.iter().map(|clock| promise(clock, now)).collect()
}

fn promise(clock: &Clock, now: DateTime<Utc>) -> Promise {
    let weekly = clock.kind() == ClockKind::Report;
    let fulfilled = match clock.end {
        Some(End::Fulfilled(at)) => Some(at),
        _ => None,
    };
    Promise {
        clock: clock.kind().code().into(),
        instance: clock.instance,
        state: clock.state(now).code().into(),
        satisfier: clock.promise.by.code().into(),
        target: (!weekly).then(|| time::duration_to_proto(clock.target())),
        start_time: Some(time::to_proto(clock.start)),
        due_time: clock.due().map(time::to_proto),
        fulfil_time: fulfilled.map(time::to_proto),
        used: clock.share(now),
    }
}
