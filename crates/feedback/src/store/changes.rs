//! What happened to a ticket, as rows.

use super::rows::ticket_events::Model;
use super::{decode, plans};
use crate::domain::kinds::Coded;
use crate::domain::policy::Plan;
use crate::domain::ticket::{Change, Event};
use perennial_platform::error::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Numbers of the kinds in `ticket_events.kind`; never reused.
mod kind {
    pub(super) const OPENED: i16 = 1;
    pub(super) const ACKNOWLEDGED: i16 = 2;
    pub(super) const ANSWERED: i16 = 3;
    pub(super) const NOTED: i16 = 4;
    pub(super) const REPLIED: i16 = 5;
    pub(super) const SUSPENDED: i16 = 6;
    pub(super) const RESUMED: i16 = 7;
    pub(super) const ASSIGNED: i16 = 8;
    pub(super) const RESOLVED: i16 = 9;
    pub(super) const REPORTED: i16 = 10;
    pub(super) const CLOSED: i16 = 11;
    pub(super) const WITHDRAWN: i16 = 12;
    pub(super) const PLAN_APPLIED: i16 = 13;
    pub(super) const WARNED: i16 = 14;
    pub(super) const BREACHED: i16 = 15;
}

/// The row of the `seq`-th event of a ticket, done by `actor` if by anybody.
pub(super) fn row(ticket_id: Uuid, seq: i32, event: &Event, actor: Option<&str>) -> Result<Model> {
    // What follows from the clock is nobody's deed.
    let by_clock = matches!(event.change, Change::Warned(..) | Change::Breached(..));
    let mut row = Model {
        ticket_id,
        seq,
        at: event.at,
        kind: kind::NOTED,
        code: None,
        instance: None,
        assignee: None,
        actor: actor.filter(|_| !by_clock).map(str::to_owned),
        plan_id: None,
    };
    let (kind, code) = match &event.change {
        Change::Opened(plan) => {
            row.plan_id = Some(plans::id_of(plan)?);
            (kind::OPENED, None)
        }
        Change::PlanApplied(plan) => {
            row.plan_id = Some(plans::id_of(plan)?);
            (kind::PLAN_APPLIED, None)
        }
        Change::Assigned(assignee) => {
            row.assignee.clone_from(assignee);
            (kind::ASSIGNED, None)
        }
        Change::Warned(clock, instance) => {
            row.instance = Some(*instance);
            (kind::WARNED, Some(clock.code()))
        }
        Change::Breached(clock, instance) => {
            row.instance = Some(*instance);
            (kind::BREACHED, Some(clock.code()))
        }
        Change::Acknowledged(author) => (kind::ACKNOWLEDGED, Some(author.code())),
        Change::Answered(author) => (kind::ANSWERED, Some(author.code())),
        Change::Noted(author) => (kind::NOTED, Some(author.code())),
        Change::Resolved(author) => (kind::RESOLVED, Some(author.code())),
        Change::Suspended(on) => (kind::SUSPENDED, Some(on.code())),
        Change::Replied => (kind::REPLIED, None),
        Change::Resumed => (kind::RESUMED, None),
        Change::Reported => (kind::REPORTED, None),
        Change::Closed => (kind::CLOSED, None),
        Change::Withdrawn => (kind::WITHDRAWN, None),
    };
    row.kind = kind;
    row.code = code;
    Ok(row)
}

/// The event of a row. Errors: INTERNAL for a row that [`row`] does not write.
pub(super) fn event(row: Model, plans: &HashMap<Uuid, Arc<Plan>>) -> Result<Event> {
    let broken = || Error::internal(format!("event {} of a ticket is broken", row.seq));
    let plan = || row.plan_id.and_then(|id| plans.get(&id)).cloned().ok_or_else(broken);
    let code = || row.code.ok_or_else(broken);
    let instance = || row.instance.ok_or_else(broken);
    let change = match row.kind {
        kind::OPENED => Change::Opened(plan()?),
        kind::PLAN_APPLIED => Change::PlanApplied(plan()?),
        kind::ASSIGNED => Change::Assigned(row.assignee),
        kind::WARNED => Change::Warned(decode(code()?)?, instance()?),
        kind::BREACHED => Change::Breached(decode(code()?)?, instance()?),
        kind::ACKNOWLEDGED => Change::Acknowledged(decode(code()?)?),
        kind::ANSWERED => Change::Answered(decode(code()?)?),
        kind::NOTED => Change::Noted(decode(code()?)?),
        kind::RESOLVED => Change::Resolved(decode(code()?)?),
        kind::SUSPENDED => Change::Suspended(decode(code()?)?),
        kind::REPLIED => Change::Replied,
        kind::RESUMED => Change::Resumed,
        kind::REPORTED => Change::Reported,
        kind::CLOSED => Change::Closed,
        kind::WITHDRAWN => Change::Withdrawn,
        _ => return Err(broken()),
    };
    Ok(Event { at: row.at, change })
}
