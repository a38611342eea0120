//! Requests that give points.

use super::{FAR, Faults, origin};
use crate::app::App;
use crate::domain::calendar::{local_day, start_of_day};
use crate::domain::command::{Command, Correct, Earn, EarnPending};
use crate::domain::rules::ReversalPolicy;
use crate::domain::{EntryKind, Time};
use chrono::{Datelike, Days};
use perennial_platform::idempotency::Reply;
use perennial_platform::{Error, Result, time};
use perennial_proto::loyalty::v1 as proto;
use prost_types::Timestamp;
use tonic::Status;

fn instant(field: &str, time: Option<&Timestamp>) -> Result<Option<Time>> {
    time.map(|time| time::from_proto(field, time)).transpose()
}

/// When it happened.
fn occurred(faults: &mut Faults, told: Option<Time>, now: Time) -> Time {
    let at = told.unwrap_or(now);
    faults.require(at <= now, "occur_time", "lies in the future");
    faults.require(at.year() >= 1970, "occur_time", "lies before 1970");
    at
}

/// The date of points that was asked for. Whether it still lies ahead is for the ledger to say,
/// after it has looked for an earlier answer: a retry gets that one even when the date has passed
/// meanwhile.
fn dated(faults: &mut Faults, named: Option<Time>, never: bool, from: Option<Time>, now: Time) {
    let Some(at) = named else { return };
    let after = from.is_none_or(|from| at > from);
    faults.require(after, "expire_time", "does not lie after occur_time");
    faults.require(at <= now + FAR, "expire_time", "lies more than 100 years ahead");
    faults.require(!never, "never_expires", "contradicts expire_time");
}

fn expiry(app: &App, named: Option<Time>, never: bool, from: Time) -> Option<Time> {
    match named {
        None if never => None,
        None => app.programme().expiry(from),
        named => named,
    }
}

pub(in crate::grpc) fn earn(app: &App, request: proto::EarnRequest) -> Result<Command> {
    let now = app.now();
    let told = instant("occur_time", request.occur_time.as_ref())?;
    let named = instant("expire_time", request.expire_time.as_ref())?;
    let mut faults = Faults::default();
    let occurred_at = occurred(&mut faults, told, now);
    dated(&mut faults, named, request.never_expires, told, now);
    let origin = origin(&mut faults, request.reason, request.source, request.source_event_id);
    faults.end()?;
    Ok(Command::Earn(Earn {
        id: origin.entry_id(EntryKind::Earn, app.fresh_entry()),
        user: request.user_id,
        points: request.points,
        occurred_at,
        expires_at: expiry(app, named, request.never_expires, occurred_at),
        must_lie_ahead: named.is_some(),
        origin,
    }))
}

pub(in crate::grpc) fn earn_pending(
    app: &App,
    request: proto::EarnPendingRequest,
) -> Result<Command> {
    let now = app.now();
    let told = instant("occur_time", request.occur_time.as_ref())?;
    let named = instant("expire_time", request.expire_time.as_ref())?;
    let at = instant("activate_time", request.activate_time.as_ref())?;
    let mut faults = Faults::default();
    let occurred_at = occurred(&mut faults, told, now);
    dated(&mut faults, named, request.never_expires, told, now);
    let days = u64::try_from(request.activate_after_days).unwrap_or(0);
    let both = at.is_some() && days > 0;
    faults.require(!both, "activate_after_days", "contradicts activate_time");
    faults.require(
        at.is_none_or(|at| at <= now + FAR),
        "activate_time",
        "lies more than 100 years ahead",
    );
    let activates_at = at.or_else(|| (days > 0).then(|| after_days(app, occurred_at, days)));
    let expires_at = expiry(app, named, request.never_expires, occurred_at);
    let in_time = activates_at.is_none_or(|at| expires_at.is_none_or(|end| at < end));
    let field = if at.is_some() { "activate_time" } else { "activate_after_days" };
    faults.require(in_time, field, "is not before the points expire");
    let origin = origin(&mut faults, request.reason, request.source, request.source_event_id);
    faults.end()?;
    let earn = Earn {
        id: origin.entry_id(EntryKind::EarnPending, app.fresh_entry()),
        user: request.user_id,
        points: request.points,
        occurred_at,
        expires_at,
        must_lie_ahead: named.is_some(),
        origin,
    };
    Ok(Command::EarnPending(EarnPending { earn, activates_at }))
}

/// The beginning of the local day after that many whole ones.
fn after_days(app: &App, from: Time, days: u64) -> Time {
    let zone = app.programme().zone;
    let day = local_day(from, zone).checked_add_days(Days::new(days + 1));
    day.map_or(Time::MAX_UTC, |day| start_of_day(day, zone))
}

pub(in crate::grpc) fn correct(app: &App, request: proto::CorrectRequest) -> Result<Command> {
    let now = app.now();
    let named = instant("expire_time", request.expire_time.as_ref())?;
    let mut faults = Faults::default();
    faults.require(request.author != request.approver, "approver", "is the author");
    let gives = request.points > 0;
    faults.require(gives || named.is_none(), "expire_time", "is for points that are given");
    dated(&mut faults, named, request.never_expires, None, now);
    let policy = match request.policy() {
        proto::ReversalPolicy::Unlimited => ReversalPolicy::Unlimited,
        proto::ReversalPolicy::OnlyPending => {
            faults.require(false, "policy", "a correction names no pending earning");
            ReversalPolicy::OnlyPending
        }
        proto::ReversalPolicy::Unspecified | proto::ReversalPolicy::WithinBalance => {
            ReversalPolicy::WithinBalance
        }
    };
    let origin = origin(&mut faults, request.reason, request.source, request.source_event_id);
    faults.end()?;
    let id = origin.entry_id(EntryKind::Correction, app.fresh_entry());
    let mut origin = origin;
    let facts = [
        ("author", request.author),
        ("approver", request.approver),
        ("asked", request.points.to_string()),
    ];
    origin.facts.extend(facts.map(|(name, value)| (name.to_owned(), value)));
    Ok(Command::Correct(Correct {
        id,
        user: request.user_id,
        points: request.points,
        policy,
        expires_at: expiry(app, named, request.never_expires, now),
        must_lie_ahead: named.is_some(),
        origin,
    }))
}

/// What became of one earning among many.
pub(in crate::grpc) fn outcome(
    index: i64,
    outcome: Result<Reply<proto::Entry>>,
) -> proto::EarnResult {
    use proto::earn_result::Outcome;
    match outcome {
        Ok(Reply { value, replayed }) => {
            proto::EarnResult { index, outcome: Some(Outcome::Entry(value)), replayed }
        }
        Err(error) => {
            let outcome = Some(Outcome::Failure(failure(error)));
            proto::EarnResult { index, outcome, replayed: false }
        }
    }
}

fn failure(error: Error) -> proto::EarnFailure {
    let reason = error.reason().to_owned();
    let status = Status::from(error);
    proto::EarnFailure {
        code: i32::from(status.code()),
        reason,
        message: status.message().to_owned(),
    }
}
