//! Requests to commands, with the checks that span fields; what was found to messages. Bounds of
//! single fields were checked by the codec.

use crate::app::App;
use crate::app::points::{Explanation, Sums};
use crate::app::snapshots::Snapshot;
use crate::app::{message, tiers};
use crate::domain::command::{Capture, Command, PlaceHold, Reverse, Spend, Void};
use crate::domain::rules::ReversalPolicy;
use crate::domain::tier::{Change, Metrics};
use crate::domain::{EntryKind, Hold, Lot, Origin, Time};
use chrono::TimeDelta;
use perennial_platform::error::Violation;
use perennial_platform::{Error, Result, id, time};
use perennial_proto::loyalty::v1 as proto;

mod earnings;
mod points;

pub(super) use earnings::{correct, earn, earn_pending, outcome};
pub(super) use points::{activate, cancel_pending, explained, named, transfer};

/// How far ahead a date may lie that somebody asks for: a hundred years.
const FAR: TimeDelta = TimeDelta::days(36_525);

/// What is wrong across fields.
#[derive(Default)]
pub(super) struct Faults(Vec<Violation>);

impl Faults {
    pub(super) fn require(&mut self, holds: bool, field: &str, description: &str) {
        if !holds {
            let description = description.to_owned();
            self.0.push(Violation { field: field.to_owned(), description });
        }
    }

    pub(super) fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::violations(self.0)) }
    }
}

fn origin(faults: &mut Faults, reason: String, source: String, event: String) -> Origin {
    let both = source.is_empty() == event.is_empty();
    faults.require(both, "source_event_id", "goes together with source");
    Origin { source, event, reason, ..Origin::default() }
}

pub(super) fn spend(app: &App, request: proto::SpendRequest) -> Result<Command> {
    let mut faults = Faults::default();
    let origin = origin(&mut faults, request.reason, request.source, request.source_event_id);
    faults.end()?;
    let id = origin.entry_id(EntryKind::Spend, app.fresh_entry());
    Ok(Command::Spend(Spend { id, user: request.user_id, points: request.points, origin }))
}

pub(super) fn place_hold(app: &App, request: proto::HoldRequest) -> Result<Command> {
    let timeout = match &request.timeout {
        Some(timeout) => time::duration_from_proto("timeout", timeout)?,
        None => app.programme().hold_timeout,
    };
    let mut faults = Faults::default();
    let origin = origin(&mut faults, request.reason, request.source, request.source_event_id);
    faults.end()?;
    let id = origin.entry_id(EntryKind::Hold, app.fresh_entry());
    let (user, points) = (request.user_id, request.points);
    Ok(Command::Hold(PlaceHold { id, user, points, timeout, origin }))
}

pub(super) fn capture(request: &proto::CaptureRequest) -> Result<Command> {
    let hold = id::parse("hold_id", &request.hold_id)?;
    Ok(Command::Capture(Capture { hold, points: some(request.points) }))
}

pub(super) fn void(request: proto::VoidRequest) -> Result<Command> {
    let hold = id::parse("hold_id", &request.hold_id)?;
    Ok(Command::Void(Void { hold, reason: request.reason }))
}

pub(super) fn reverse(app: &App, request: proto::ReverseRequest) -> Result<Command> {
    let entry = id::parse("entry_id", &request.entry_id)?;
    let policy = match request.policy() {
        proto::ReversalPolicy::Unspecified => app.programme().reversal_policy,
        proto::ReversalPolicy::OnlyPending => ReversalPolicy::OnlyPending,
        proto::ReversalPolicy::WithinBalance => ReversalPolicy::WithinBalance,
        proto::ReversalPolicy::Unlimited => ReversalPolicy::Unlimited,
    };
    Ok(Command::Reverse(Reverse {
        id: Reverse::id_for(entry, &request.cause, app.fresh_entry()),
        entry,
        points: some(request.points),
        up_to: false,
        policy,
        expires_at: app.programme().expiry(app.now()),
        origin: Origin { reason: request.cause, ..Origin::default() },
    }))
}

/// In these requests 0 stands for "all".
fn some(points: i64) -> Option<i64> {
    (points != 0).then_some(points)
}

pub(super) fn balance(snapshot: &Snapshot) -> Result<proto::Balance> {
    let wallet = snapshot.wallet()?;
    let account = wallet.account();
    let dated = || wallet.lots().filter(|lot| lot.spendable(snapshot.now) > 0);
    let next = dated().find_map(|lot| lot.expires_at);
    let next_points = dated().filter(|lot| lot.expires_at == next).map(Lot::free).sum();
    let waiting = || wallet.lots().filter(|lot| lot.pending > 0);
    let active = waiting().filter_map(|lot| lot.activates_at).min();
    let ripe = waiting().filter(|lot| active.is_some() && lot.activates_at == active);
    Ok(proto::Balance {
        user_id: account.user.clone(),
        spendable: account.available - account.held,
        held: account.held,
        pending: account.escrow,
        debt: account.debt,
        issued: account.issued,
        redeemed: account.redeemed,
        expired: account.expired,
        reversed: account.reversed,
        as_of: Some(time::to_proto(snapshot.now)),
        next_expire_points: if next.is_some() { next_points } else { 0 },
        next_expire_time: next.map(time::to_proto),
        closed: account.closed_at.is_some(),
        transferred: account.transferred,
        next_activate_points: ripe.map(|lot| lot.pending).sum(),
        next_activate_time: active.map(time::to_proto),
    })
}

pub(super) fn booked(user_id: String, sums: &Sums, as_of: Time) -> proto::Balance {
    proto::Balance {
        user_id,
        spendable: sums.available - sums.held,
        held: sums.held,
        pending: sums.escrow,
        debt: sums.debt,
        issued: sums.issued,
        redeemed: sums.redeemed,
        expired: sums.expired,
        reversed: sums.reversed,
        transferred: sums.transferred,
        as_of: Some(time::to_proto(as_of)),
        ..proto::Balance::default()
    }
}

pub(super) fn explanation(explained: Explanation) -> proto::LotExplanation {
    let lot = explained.lot;
    let uses = explained.uses.into_iter().map(|one| proto::LotUse {
        entry_id: one.entry.to_string(),
        kind: i32::from(one.kind.number()),
        points: one.points,
        record_time: Some(time::to_proto(one.recorded_at)),
    });
    proto::LotExplanation {
        lot_id: lot.id.to_string(),
        points: lot.amount,
        remaining: lot.remaining,
        held: lot.held,
        spendable: explained.spendable,
        expire_time: lot.expires_at.map(time::to_proto),
        earned_by: Some(message::entry(explained.earned_by)),
        earlier_points: explained.earlier,
        uses: uses.collect(),
        pending: lot.pending,
        activate_time: lot.activates_at.filter(|_| lot.pending > 0).map(time::to_proto),
    }
}

pub(super) fn hold(hold: &Hold) -> proto::Hold {
    proto::Hold {
        hold_id: hold.id.to_string(),
        user_id: hold.user.clone(),
        points: hold.points,
        state: i32::from(hold.state.number()),
        deadline: Some(time::to_proto(hold.deadline)),
        allocations: message::allocations(&hold.parts),
        resolved_by: hold.resolved_by.map(|id| id.to_string()).unwrap_or_default(),
    }
}

pub(super) fn tier(user_id: String, view: &tiers::View) -> proto::GetTierResponse {
    let start = view.window_start();
    let standing = &view.standing;
    proto::GetTierResponse {
        user_id,
        tier: i32::from(standing.tier.number()),
        since: Some(time::to_proto(standing.since)),
        keep_until: standing.keep_until.map(time::to_proto),
        lapse_time: view.lapse_at.map(time::to_proto),
        metrics: Some(metrics(view.metrics, &view.version.currency, start, view.now)),
        next: view.next().map(|(tier, asks)| {
            let missing = |needed: i64, reached: i64| match needed {
                0 => 0,
                needed => (needed - reached).max(0),
            };
            proto::TierProgress {
                tier: i32::from(tier.number()),
                spend_needed: asks.spend_minor_units,
                orders_needed: asks.orders,
                spend_missing: missing(asks.spend_minor_units, view.metrics.spend),
                orders_missing: missing(asks.orders, view.metrics.orders),
                recommendations_needed: asks.recommendations,
                recommendations_missing: missing(
                    asks.recommendations,
                    view.metrics.recommendations,
                ),
                due_time: view.due_at().map(time::to_proto),
            }
        }),
        justified_by: view.justified_by.as_ref().map(|c| change(c, &view.version.currency)),
        rule_version: view.version.version.clone(),
    }
}

pub(super) fn change(change: &Change, currency: &str) -> proto::TierChange {
    proto::TierChange {
        from: i32::from(change.from.number()),
        to: i32::from(change.to.number()),
        change_time: Some(time::to_proto(change.at)),
        keep_until: change.keep_until.map(time::to_proto),
        cause: i32::from(change.cause.number()),
        metrics: Some(metrics(change.metrics, currency, change.window_start, change.at)),
        rule_version: change.version.clone(),
    }
}

fn metrics(metrics: Metrics, currency: &str, start: Time, end: Time) -> proto::TierMetrics {
    proto::TierMetrics {
        spend_minor_units: metrics.spend,
        currency: currency.to_owned(),
        orders: metrics.orders,
        window_start: Some(time::to_proto(start)),
        window_end: Some(time::to_proto(end)),
        recommendations: metrics.recommendations,
    }
}
