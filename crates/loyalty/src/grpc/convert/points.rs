//! Requests about points that are pending, change hands, or have to be explained.

use super::{Faults, origin, some};
use crate::app::judgements::{Answer, Event};
use crate::app::{App, message};
use crate::domain::command::{Activate, CancelPending, Command, Transfer};
use crate::domain::{EntryKind, Origin};
use perennial_platform::{Result, id, time};
use perennial_proto::loyalty::v1 as proto;

pub(in crate::grpc) fn activate(request: &proto::ActivateRequest) -> Result<Command> {
    let entry = id::parse("entry_id", &request.entry_id)?;
    Ok(Command::Activate(Activate { entry }))
}

pub(in crate::grpc) fn cancel_pending(
    app: &App,
    request: proto::CancelPendingRequest,
) -> Result<Command> {
    let entry = id::parse("entry_id", &request.entry_id)?;
    Ok(Command::CancelPending(CancelPending {
        id: CancelPending::id_for(entry, &request.cause, app.fresh_entry()),
        entry,
        points: some(request.points),
        origin: Origin { reason: request.cause, ..Origin::default() },
    }))
}

pub(in crate::grpc) fn transfer(app: &App, request: proto::TransferRequest) -> Result<Command> {
    let mut faults = Faults::default();
    let differ = request.from_user_id != request.to_user_id;
    faults.require(differ, "to_user_id", "is the giver");
    let origin = origin(&mut faults, request.reason, request.source, request.source_event_id);
    faults.end()?;
    Ok(Command::Transfer(Transfer {
        id: origin.entry_id(EntryKind::TransferOut, app.fresh_entry()),
        from: request.from_user_id,
        to: request.to_user_id,
        points: request.points,
        origin,
    }))
}

/// How the event to be explained is named.
pub(in crate::grpc) fn named(request: &proto::ExplainEventRequest) -> Result<Event<'_>> {
    let proto::ExplainEventRequest { source, source_event_id, order, .. } = request;
    let mut faults = Faults::default();
    let both = source.is_empty() == source_event_id.is_empty();
    faults.require(both, "source_event_id", "goes together with source");
    let one = source.is_empty() != order.is_empty();
    faults.require(one || !both, "order", "either the event or the order is named");
    faults.end()?;
    Ok(if order.is_empty() { Event::Named(source, source_event_id) } else { Event::Order(order) })
}

pub(in crate::grpc) fn explained(answer: Answer) -> proto::ExplainEventResponse {
    let Answer { judgement, outcome, recomputed } = answer;
    let reason = outcome.as_ref().err().map_or(0, |reason| i32::from(reason.number()));
    let entry = outcome.ok();
    let (rule, rule_version, facts, occurred_at) = match (judgement, &entry) {
        (Some(judged), _) => (judged.rule, judged.version, judged.facts, Some(judged.occurred_at)),
        (None, Some(entry)) => {
            let origin = entry.origin.clone();
            (origin.rule, origin.rule_version, origin.facts, Some(entry.occurred_at))
        }
        (None, None) => Default::default(),
    };
    proto::ExplainEventResponse {
        entry: entry.map(message::entry),
        recomputed_points: recomputed,
        reason,
        rule,
        rule_version,
        facts: facts.into_iter().collect(),
        occur_time: occurred_at.map(time::to_proto),
    }
}
