//! Lots.

use super::rows::lots::{ActiveModel, Column, Entity, Model};
use super::rows::members;
use super::rows_of;
use crate::domain::{Lot, LotId, Notice, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, MAX_LISTED, one_of, write};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

/// What the partial index says; a literal, so that the planner always sees it.
fn open() -> Expr {
    Expr::cust("remaining > 0")
}

/// The same of the index over what is kept of members.
fn kept() -> Expr {
    Expr::cust("remaining + pending > 0")
}

/// The lots of these members that still have points, pending ones included.
pub(crate) async fn open_of(conn: &impl ConnectionTrait, users: &[String]) -> Result<Vec<Lot>> {
    let rows = rows_of(conn, Entity::find().filter(kept()), Column::UserId, users).await?;
    Ok(rows.into_iter().map(from_row).collect())
}

/// These lots.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = LotId>,
) -> Result<Vec<Lot>> {
    let ids: Vec<Uuid> = ids.into_iter().map(LotId::uuid).collect();
    let rows = rows_of(conn, Entity::find(), Column::Id, &ids).await?;
    Ok(rows.into_iter().map(from_row).collect())
}

/// Members who have points whose date has passed, that nothing reserves: at most `limit` lots'.
pub(crate) async fn users_with_dead(
    conn: &impl ConnectionTrait,
    now: Time,
    limit: u64,
) -> Result<Vec<String>> {
    let users = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(open())
        .filter(Column::ExpiresAt.lte(now))
        .filter(Expr::cust("remaining > held"))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(users)
}

/// Members who have pending points that are to become active: at most `limit` lots'.
pub(crate) async fn users_with_ripe(
    conn: &impl ConnectionTrait,
    now: Time,
    limit: u64,
) -> Result<Vec<String>> {
    let users = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Expr::cust("pending > 0"))
        .filter(Column::ActivatesAt.lte(now))
        .order_by_asc(Column::ActivatesAt)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(users)
}

/// Lots that expire after `now` and by `until`, whose holders were not told yet. Nobody is told who
/// was erased: what open holds still keep for them is spent or gone. Who comes back is.
pub(crate) async fn unwarned(
    conn: &impl ConnectionTrait,
    now: Time,
    until: Time,
    limit: u64,
) -> Result<Vec<Lot>> {
    let erased = Query::select()
        .column(members::Column::UserId)
        .from(members::Entity)
        .and_where(members::Column::ClosedAt.is_not_null())
        .to_owned();
    let query = Entity::find()
        .filter(open())
        .filter(Column::ExpiresAt.gt(now))
        .filter(Column::ExpiresAt.lte(until))
        .filter(Column::WarnedAt.is_null())
        .filter(Column::UserId.not_in_subquery(erased))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit);
    Ok(query.all(conn).await?.into_iter().map(from_row).collect())
}

/// Marks lots whose holders were told.
pub(crate) async fn mark_warned(
    conn: &impl ConnectionTrait,
    lots: &[Lot],
    now: Time,
) -> Result<()> {
    let of = |lots: &mut dyn Iterator<Item = &Lot>| lots.map(|lot| lot.id.uuid()).collect();
    let all: Vec<Uuid> = of(&mut lots.iter());
    Entity::update_many()
        .col_expr(Column::WarnedAt, Expr::value(now))
        .filter(Column::Id.is_in(all))
        .exec(conn)
        .await?;
    let waiting: Vec<Uuid> = of(&mut lots.iter().filter(|lot| !lot.notice.holds()));
    set_notice(conn, Column::Id.is_in(waiting), Notice::Pending).await
}

/// Some lots that can expire without a warning become ones that cannot, or the other way round,
/// because the programme began or ceased to promise one. What has passed its date stays as it is.
/// Those after the one given, in the order of their ids; answers after which to go on.
pub(crate) async fn require_notice(
    conn: &impl ConnectionTrait,
    required: bool,
    now: Time,
    after: Uuid,
    limit: u64,
) -> Result<Option<Uuid>> {
    let waived = Column::Notice.eq(Notice::NotRequired.number());
    let ahead = Column::ExpiresAt.gt(now).or(Column::ExpiresAt.is_null());
    let waiting = Notice::ALL.into_iter().filter(|notice| !notice.holds()).map(Notice::number);
    let wrong = if required { waived.and(ahead) } else { Column::Notice.is_in(waiting) };
    let some: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.gt(after))
        .filter(open())
        .filter(wrong)
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    let last = some.last().copied();
    let notice = if required { Notice::NotTold } else { Notice::NotRequired };
    let mut update = Entity::update_many()
        .col_expr(Column::Notice, Expr::value(notice.number()))
        .filter(one_of(conn, Column::Id, some));
    if required {
        update = update.col_expr(Column::WarnedAt, Expr::value(Option::<Time>::None));
    }
    if last.is_some() {
        update.exec(conn).await?;
    }
    Ok(last)
}

/// How many lots with points these members have.
pub(crate) async fn count_of(
    conn: &impl ConnectionTrait,
    users: &[String],
) -> Result<HashMap<String, i64>> {
    let mut found = HashMap::with_capacity(users.len());
    for some in users.chunks(MAX_LISTED) {
        let counts: Vec<(String, i64)> = Entity::find()
            .select_only()
            .column(Column::UserId)
            .column_as(Column::Id.count(), "lots")
            .filter(kept())
            .filter(one_of(conn, Column::UserId, some.to_vec()))
            .group_by(Column::UserId)
            .into_tuple()
            .all(conn)
            .await?;
        found.extend(counts);
    }
    Ok(found)
}

async fn set_notice(conn: &impl ConnectionTrait, which: Expr, notice: Notice) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Notice, Expr::value(notice.number()))
        .filter(open())
        .filter(which)
        .exec(conn)
        .await?;
    Ok(())
}

/// Writes lots: those of entries after `seq` are new, the others have changed.
pub(crate) async fn save(conn: &impl ConnectionTrait, lots: Vec<Lot>, seq: i64) -> Result<()> {
    let (new, changed): (Vec<Lot>, Vec<Lot>) = lots.into_iter().partition(|l| l.entry_seq > seq);
    let rows = |lots: Vec<Lot>| lots.into_iter().map(into_row).collect::<Vec<_>>();
    write(conn, rows(new), Known::Refuse).await?;
    write(conn, rows(changed), Known::Replace(Column::Id)).await
}

pub(super) fn from_row(row: Model) -> Lot {
    Lot {
        id: LotId::from(row.id),
        user: row.user_id,
        entry_seq: row.entry_seq,
        amount: row.amount,
        remaining: row.remaining,
        pending: row.pending,
        activates_at: row.activates_at,
        held: row.held,
        expired: row.expired,
        expires_at: row.expires_at,
        earned_at: row.earned_at,
        warned_at: row.warned_at,
        // A number that was never given out lets nothing expire.
        notice: Notice::from_number(row.notice).unwrap_or_default(),
        extended_from: row.extended_from,
    }
}

fn into_row(lot: Lot) -> ActiveModel {
    Model {
        id: lot.id.uuid(),
        user_id: lot.user,
        entry_seq: lot.entry_seq,
        amount: lot.amount,
        remaining: lot.remaining,
        pending: lot.pending,
        activates_at: lot.activates_at,
        held: lot.held,
        expired: lot.expired,
        expires_at: lot.expires_at,
        earned_at: lot.earned_at,
        warned_at: lot.warned_at,
        notice: lot.notice.number(),
        extended_from: lot.extended_from,
    }
    .into_active_model()
}
