//! Charges, the notices that were recorded of them, and payouts.

use super::damaged;
use super::rows::charges::{ActiveModel, Column, Entity, Model, notices, payouts};
use crate::domain::Time;
use crate::domain::plan::{
    Charge, ChargeId, ChargeKind, ChargeState, Membership, MembershipId, Payout, PayoutCause,
    PayoutId, Period,
};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

/// A charge, and whose it is.
pub(crate) struct Owned {
    pub(crate) charge: Charge,
    pub(crate) membership: MembershipId,
    pub(crate) user: String,
}

/// After which charge or payout to go on: when it was due, its id.
pub(crate) type DueCursor = (Time, Uuid);

fn open() -> Expr {
    Expr::cust("state = 1")
}

/// One charge.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: ChargeId) -> Result<Option<Owned>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(owned).transpose()
}

/// The open charges of these memberships.
pub(crate) async fn open_of(
    conn: &impl ConnectionTrait,
    memberships: &[Uuid],
) -> Result<HashMap<Uuid, Charge>> {
    let query =
        Entity::find().filter(open()).filter(Column::MembershipId.is_in(memberships.to_vec()));
    let rows = query.all(conn).await?;
    rows.into_iter().map(|row| Ok((row.membership_id, from_row(row)?))).collect()
}

/// Charges of a membership, the newest first.
pub(crate) async fn of_membership(
    conn: &impl ConnectionTrait,
    id: MembershipId,
    limit: Option<u64>,
) -> Result<Vec<Owned>> {
    let query = Entity::find()
        .filter(Column::MembershipId.eq(id.uuid()))
        .order_by_desc(Column::NoticedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    query.all(conn).await?.into_iter().map(owned).collect()
}

/// The charge of a member that was paid last, of those that bought time.
pub(crate) async fn last_paid(conn: &impl ConnectionTrait, user: &str) -> Result<Option<Owned>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::CoversFrom.is_not_null())
        .order_by_desc(Column::PaidAt)
        .order_by_desc(Column::NoticedAt);
    query.one(conn).await?.map(owned).transpose()
}

/// Charges that are due, the longest due first; but not the first ones that became due by
/// `given_up`: time has made them void, written down or not.
pub(crate) async fn due(
    conn: &impl ConnectionTrait,
    now: Time,
    given_up: Time,
    after: Option<DueCursor>,
    limit: u64,
) -> Result<Vec<Owned>> {
    let waited_for = Column::Kind.ne(ChargeKind::First.number()).or(Column::DueAt.gt(given_up));
    let mut query = Entity::find().filter(open()).filter(Column::DueAt.lte(now)).filter(waited_for);
    if let Some((at, id)) = after {
        let later = Column::DueAt.gt(at);
        query = query.filter(later.or(Column::DueAt.eq(at).and(Column::Id.gt(id))));
    }
    let first = query.order_by_asc(Column::DueAt).order_by_asc(Column::Id).limit(limit);
    first.all(conn).await?.into_iter().map(owned).collect()
}

/// Writes the charges that a membership changed: those no longer open first, so that there is
/// never more than one open.
pub(crate) async fn save(conn: &impl ConnectionTrait, membership: &Membership) -> Result<()> {
    for charge in membership.news.closed.iter().chain(&membership.charge) {
        put(conn, membership.id, &membership.user, charge).await?;
    }
    match &membership.charge {
        Some(charge) if membership.news.announced || membership.news.asked => {
            notice(conn, charge).await
        }
        _ => Ok(()),
    }
}

/// Writes a charge.
pub(crate) async fn put(
    conn: &impl ConnectionTrait,
    membership: MembershipId,
    user: &str,
    charge: &Charge,
) -> Result<()> {
    let row = into_row(membership, user, charge)?;
    write(conn, vec![row], Known::Replace(Column::Id)).await
}

/// Records what was said about a charge, unless the last notice said the same.
async fn notice(conn: &impl ConnectionTrait, charge: &Charge) -> Result<()> {
    let last = last_notice(conn, charge.id).await?;
    if last.as_ref().is_some_and(|last| last.due_at == charge.due_at) {
        return Ok(());
    }
    let row = notices::Model {
        charge_id: charge.id.uuid(),
        number: last.map_or(1, |last| last.number + 1),
        amount: charge.amount,
        currency: charge.currency.clone(),
        due_at: charge.due_at,
        recorded_at: charge.noticed_at,
    };
    write(conn, vec![row.into_active_model()], Known::Refuse).await
}

async fn last_notice(conn: &impl ConnectionTrait, id: ChargeId) -> Result<Option<notices::Model>> {
    let query = notices::Entity::find()
        .filter(notices::Column::ChargeId.eq(id.uuid()))
        .order_by_desc(notices::Column::Number);
    Ok(query.one(conn).await?)
}

/// The amount, currency and date of the last notice of a charge.
pub(crate) async fn noticed(
    conn: &impl ConnectionTrait,
    id: ChargeId,
) -> Result<Option<(i64, String, Time)>> {
    let last = last_notice(conn, id).await?;
    Ok(last.map(|last| (last.amount, last.currency, last.due_at)))
}

/// One payout.
pub(crate) async fn payout(conn: &impl ConnectionTrait, id: PayoutId) -> Result<Option<Payout>> {
    payouts::Entity::find_by_id(id.uuid()).one(conn).await?.map(from_payout).transpose()
}

/// The payouts of these charges.
pub(crate) async fn payouts_of(
    conn: &impl ConnectionTrait,
    charges: impl IntoIterator<Item = ChargeId>,
) -> Result<HashMap<Uuid, Payout>> {
    let ids: Vec<Uuid> = charges.into_iter().map(ChargeId::uuid).collect();
    let query = payouts::Entity::find().filter(payouts::Column::Id.is_in(ids));
    let rows = query.all(conn).await?;
    rows.into_iter().map(|row| Ok((row.id, from_payout(row)?))).collect()
}

/// Payouts that are not done, the longest due first.
pub(crate) async fn due_payouts(
    conn: &impl ConnectionTrait,
    after: Option<DueCursor>,
    limit: u64,
) -> Result<Vec<Payout>> {
    use payouts::Column as C;
    let mut query = payouts::Entity::find().filter(C::DoneAt.is_null());
    if let Some((at, id)) = after {
        query = query.filter(C::DueAt.gt(at).or(C::DueAt.eq(at).and(C::Id.gt(id))));
    }
    let first = query.order_by_asc(C::DueAt).order_by_asc(C::Id).limit(limit);
    first.all(conn).await?.into_iter().map(from_payout).collect()
}

/// How many payouts there are.
pub(crate) async fn count_payouts(conn: &impl ConnectionTrait) -> Result<u64> {
    Ok(payouts::Entity::find().count(conn).await?)
}

/// Writes a payout.
pub(crate) async fn put_payout(conn: &impl ConnectionTrait, payout: &Payout) -> Result<()> {
    let row = payouts::Model {
        id: payout.id.uuid(),
        user_id: payout.user.clone(),
        amount: payout.amount,
        currency: payout.currency.clone(),
        cause: payout.cause.number(),
        due_at: payout.due_at,
        done_at: payout.done_at,
        payment_ref: payout.payment_ref.clone(),
    };
    write(conn, vec![row.into_active_model()], Known::Replace(payouts::Column::Id)).await
}

fn owned(row: Model) -> Result<Owned> {
    let (membership, user) = (MembershipId::from(row.membership_id), row.user_id.clone());
    Ok(Owned { charge: from_row(row)?, membership, user })
}

fn from_payout(row: payouts::Model) -> Result<Payout> {
    let cause = PayoutCause::from_number(row.cause);
    Ok(Payout {
        id: PayoutId::from(row.id),
        user: row.user_id,
        amount: row.amount,
        currency: row.currency,
        cause: cause.ok_or_else(|| damaged("membership_payouts", row.cause))?,
        due_at: row.due_at,
        done_at: row.done_at,
        payment_ref: row.payment_ref,
    })
}

fn from_row(row: Model) -> Result<Charge> {
    let broken = |what: &dyn std::fmt::Display| damaged("membership_charges", what);
    let count = |n: i32| u32::try_from(n).map_err(|_| broken(&n));
    Ok(Charge {
        id: ChargeId::from(row.id),
        kind: ChargeKind::from_number(row.kind).ok_or_else(|| broken(&row.kind))?,
        state: ChargeState::from_number(row.state).ok_or_else(|| broken(&row.state))?,
        amount: row.amount,
        currency: row.currency,
        plan: row.plan,
        period: Period::from_number(row.period).ok_or_else(|| broken(&row.period))?,
        months: count(row.months)?,
        version: row.rule_version,
        noticed_at: row.noticed_at,
        due_at: row.due_at,
        asked_at: row.asked_at,
        failures: count(row.failures)?,
        failure: row.failure,
        paid_at: row.paid_at,
        payment_ref: row.payment_ref,
        covers: row.covers_from.zip(row.covers_until),
    })
}

fn into_row(membership: MembershipId, user: &str, charge: &Charge) -> Result<ActiveModel> {
    let count = |n: u32| i32::try_from(n).map_err(Error::internal);
    let row = Model {
        id: charge.id.uuid(),
        membership_id: membership.uuid(),
        user_id: user.to_owned(),
        kind: charge.kind.number(),
        state: charge.state.number(),
        amount: charge.amount,
        currency: charge.currency.clone(),
        plan: charge.plan.clone(),
        period: charge.period.number(),
        months: count(charge.months)?,
        rule_version: charge.version.clone(),
        noticed_at: charge.noticed_at,
        due_at: charge.due_at,
        asked_at: charge.asked_at,
        failures: count(charge.failures)?,
        failure: charge.failure.clone(),
        paid_at: charge.paid_at,
        payment_ref: charge.payment_ref.clone(),
        covers_from: charge.covers.map(|(from, _)| from),
        covers_until: charge.covers.map(|(_, until)| until),
    };
    Ok(row.into_active_model())
}
