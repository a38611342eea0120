//! Who brought whom.

pub(crate) mod codes;
mod convert;
pub(crate) mod evidence;

use super::rows::referrals::{Column, Entity};
use crate::domain::Time;
use crate::domain::referral::{Referral, ReferralId, State};
use convert::{from_row, into_row};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

/// One referral.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: ReferralId) -> Result<Option<Referral>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(from_row).transpose()
}

/// Writes a new or changed one.
pub(crate) async fn save(conn: &impl ConnectionTrait, referral: &Referral) -> Result<()> {
    let row = into_row(referral)?.into_active_model();
    write(conn, vec![row], Known::Replace(Column::Id)).await
}

/// Those that count from now on, and are not written down as counting yet; the earliest first.
pub(crate) async fn due(
    conn: &impl ConnectionTrait,
    now: Time,
    limit: u64,
) -> Result<Vec<Referral>> {
    let rows = Entity::find()
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Whether any is due.
pub(crate) async fn is_any_due(conn: &impl ConnectionTrait, now: Time) -> Result<bool> {
    let query = Entity::find().select_only().column(Column::Id).filter(Column::DueAt.lte(now));
    Ok(query.limit(1).into_tuple::<Uuid>().one(conn).await?.is_some())
}

/// How many of an advocate's referrals stand where, as they are written down.
pub(crate) async fn counts(
    conn: &impl ConnectionTrait,
    advocate: &str,
) -> Result<Vec<(State, i64)>> {
    let rows: Vec<(i16, i64)> = Entity::find()
        .select_only()
        .column(Column::State)
        .column_as(Column::Id.count(), "n")
        .filter(Column::AdvocateId.eq(advocate))
        .group_by(Column::State)
        .into_tuple()
        .all(conn)
        .await?;
    let read = |(state, n): (i16, i64)| Some((State::from_number(state)?, n));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// An advocate's referrals that may still come to count: how many, since when, by the version that
/// judges them.
pub(crate) async fn under_way(
    conn: &impl ConnectionTrait,
    advocate: &str,
    now: Time,
) -> Result<Vec<(String, i64, Time)>> {
    let waits = Column::State.is_in([State::Escrowed, State::UnderReview].map(State::number));
    let in_time = Column::BuyUntil.is_null().or(Column::BuyUntil.gte(now));
    let open = Column::State.eq(State::Registered.number()).and(in_time);
    let query = Entity::find()
        .select_only()
        .column(Column::RuleVersion)
        .column_as(Column::Id.count(), "n")
        .column_as(Column::MadeAt.min(), "since")
        .filter(Column::AdvocateId.eq(advocate))
        .filter(waits.or(open))
        // What is due counts already.
        .filter(Column::DueAt.is_null().or(Column::DueAt.gt(now)))
        .group_by(Column::RuleVersion)
        .order_by_asc(Column::RuleVersion);
    Ok(query.into_tuple().all(conn).await?)
}

/// How many of an advocate's referrals are due.
pub(crate) async fn due_of(conn: &impl ConnectionTrait, advocate: &str, now: Time) -> Result<i64> {
    let mine = Entity::find().filter(Column::AdvocateId.eq(advocate));
    let due = mine.filter(Column::DueAt.lte(now)).count(conn).await?;
    Ok(i64::try_from(due).unwrap_or(i64::MAX))
}

/// How many friends an advocate brought after an instant.
pub(crate) async fn brought_since(
    conn: &impl ConnectionTrait,
    advocate: &str,
    after: Time,
) -> Result<i64> {
    let mine = Entity::find().filter(Column::AdvocateId.eq(advocate));
    let brought = mine.filter(Column::MadeAt.gt(after)).count(conn).await?;
    Ok(i64::try_from(brought).unwrap_or(i64::MAX))
}

/// Who brought somebody.
pub(crate) async fn advocate_of(
    conn: &impl ConnectionTrait,
    friend: &str,
) -> Result<Option<String>> {
    let query = Entity::find_by_id(Referral::id_for(friend).uuid());
    let query = query.select_only().column(Column::AdvocateId);
    Ok(query.into_tuple::<String>().one(conn).await?)
}

/// A page of an advocate's referrals, the latest first.
pub(crate) async fn of_advocate(
    conn: &impl ConnectionTrait,
    advocate: &str,
    before: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Referral>> {
    let mut query = Entity::find().filter(Column::AdvocateId.eq(advocate));
    if let Some((at, id)) = before {
        let same = Column::MadeAt.eq(at).and(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::MadeAt.lt(at)).add(same));
    }
    let query = query.order_by_desc(Column::MadeAt).order_by_desc(Column::Id);
    let rows = query.limit(limit).all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// A page of what waits for review, the longest waiting first.
pub(crate) async fn waiting(
    conn: &impl ConnectionTrait,
    after: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Referral>> {
    let mut query = Entity::find().filter(Column::WaitingSince.is_not_null());
    if let Some((at, id)) = after {
        let same = Column::WaitingSince.eq(at).and(Column::Id.gt(id));
        query = query.filter(Condition::any().add(Column::WaitingSince.gt(at)).add(same));
    }
    let query = query.order_by_asc(Column::WaitingSince).order_by_asc(Column::Id);
    let rows = query.limit(limit).all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// A page of all of them by id, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Referral>> {
    let query = Entity::find().filter(Column::Id.gt(after));
    let rows = query.order_by_asc(Column::Id).limit(limit).all(conn).await?;
    rows.into_iter().map(from_row).collect()
}
