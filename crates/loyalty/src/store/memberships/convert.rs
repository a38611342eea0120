//! Rows to memberships and back.

use super::{narrow, stretches};
use crate::domain::Time;
use crate::domain::plan::membership::News;
use crate::domain::plan::{
    Charge, Ending, Line, Membership, MembershipId, Pause, Period, State, Stretch, TimeKind,
};
use crate::store::damaged;
use crate::store::rows::memberships::Model;
use perennial_platform::Result;
use uuid::Uuid;

const TABLE: &str = "memberships";

pub(super) fn from_row(
    row: Model,
    line: Vec<stretches::Model>,
    charge: Option<Charge>,
) -> Result<Membership> {
    let line = line.into_iter().map(from_stretch).collect::<Result<Vec<_>>>()?;
    let pause = row.paused_at.zip(row.pause_until).map(|(since, until)| Pause { since, until });
    let next = Period::from_number(row.next_period);
    let ending = Ending::from_number(row.ending);
    if row.ended_at.is_some() != ending.is_some() {
        return Err(damaged(TABLE, row.id));
    }
    Ok(Membership {
        id: MembershipId::from(row.id),
        user: row.user_id,
        plan: row.plan,
        period: Period::from_number(row.period),
        began_at: row.began_at,
        version: row.rule_version,
        created_at: row.created_at,
        anchor: u32::try_from(row.anchor_day).map_err(|_| damaged(TABLE, row.anchor_day))?,
        line: Line::new(line),
        canceled_at: row.canceled_at,
        pause,
        next: next.map(|period| (row.next_plan, period)),
        charge,
        charges: u32::try_from(row.charges).map_err(|_| damaged(TABLE, row.charges))?,
        ended: row.ended_at.zip(ending),
        state: State::from_number(row.state).ok_or_else(|| damaged(TABLE, row.state))?,
        since: row.state_since,
        news: News::default(),
    })
}

pub(super) fn into_row(membership: &Membership, due_at: Option<Time>) -> Result<Model> {
    let next = membership.next.as_ref();
    Ok(Model {
        id: membership.id.uuid(),
        user_id: membership.user.clone(),
        plan: membership.plan.clone(),
        period: membership.period.map_or(0, Period::number),
        began_at: membership.began_at,
        rule_version: membership.version.clone(),
        created_at: membership.created_at,
        anchor_day: narrow(membership.anchor)?,
        canceled_at: membership.canceled_at,
        paused_at: membership.pause.map(|pause| pause.since),
        pause_until: membership.pause.map(|pause| pause.until),
        next_plan: next.map_or(String::new(), |(plan, _)| plan.clone()),
        next_period: next.map_or(0, |(_, period)| period.number()),
        charges: narrow(membership.charges)?,
        ended_at: membership.ended.map(|(at, _)| at),
        ending: membership.ended.map_or(0, |(_, how)| how.number()),
        state: membership.state.number(),
        state_since: membership.since,
        due_at,
    })
}

fn from_stretch(row: stretches::Model) -> Result<Stretch> {
    let kind = TimeKind::from_number(row.kind);
    Ok(Stretch {
        kind: kind.ok_or_else(|| damaged("membership_time", row.kind))?,
        plan: row.plan,
        source: row.source,
        from: row.starts_at,
        until: row.ends_at,
    })
}

pub(super) fn into_stretch(id: Uuid, n: usize, stretch: &Stretch) -> Result<stretches::Model> {
    Ok(stretches::Model {
        membership_id: id,
        number: narrow(n)?,
        kind: stretch.kind.number(),
        plan: stretch.plan.clone(),
        source: stretch.source.clone(),
        starts_at: stretch.from,
        ends_at: stretch.until,
    })
}
