//! Tasks, challenges and stamp cards, and the events that counted for them.

use crate::domain::progress::{Mark, Sort, Tally};
use crate::store::damaged;
use crate::store::rows::progress::{marks, tallies};
use chrono::NaiveDate;
use perennial_platform::Result;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, Select,
};
use uuid::Uuid;

/// All rounds of a member, by sort, key and round.
pub(crate) async fn all(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Tally>> {
    use tallies::Column as C;
    let query = tallies::Entity::find().filter(C::UserId.eq(user));
    let query = query.order_by_asc(C::Sort).order_by_asc(C::Offer).order_by_asc(C::Round);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// Writes a round down.
pub(crate) async fn save(conn: &impl ConnectionTrait, user: &str, tally: &Tally) -> Result<()> {
    use tallies::Column as C;
    let row = tallies::Model {
        user_id: user.to_owned(),
        sort: tally.sort.number(),
        offer: tally.key.clone(),
        round: tally.round,
        rule_version: tally.version.clone(),
        began_at: tally.began_at,
        last_day: tally.last_day,
        goal: tally.goal,
        done: tally.done,
        completed_at: tally.completed_at,
        left_at: tally.left_at,
        cause_id: tally.cause_id.clone(),
    };
    let key = OnConflict::columns([C::UserId, C::Sort, C::Offer, C::Round])
        .update_columns([C::Done, C::CompletedAt, C::LeftAt, C::CauseId])
        .to_owned();
    let insert = tallies::Entity::insert(row.into_active_model()).on_conflict(key);
    insert.exec_without_returning(conn).await?;
    Ok(())
}

/// Whether an event counted for an offer before.
pub(crate) async fn is_marked(
    conn: &impl ConnectionTrait,
    user: &str,
    sort: Sort,
    key: &str,
    event: Uuid,
) -> Result<bool> {
    let known = of_offer(user, sort, key).filter(marks::Column::EventId.eq(event));
    Ok(known.count(conn).await? > 0)
}

/// What counted for an offer on one day of the member.
pub(crate) async fn marks_of_day(
    conn: &impl ConnectionTrait,
    user: &str,
    sort: Sort,
    key: &str,
    day: NaiveDate,
) -> Result<Vec<Mark>> {
    let query = of_offer(user, sort, key).filter(marks::Column::LocalDate.eq(day));
    query.all(conn).await?.into_iter().map(mark).collect()
}

/// What counted for an offer, in all its rounds.
pub(crate) async fn marks(
    conn: &impl ConnectionTrait,
    user: &str,
    sort: Sort,
    key: &str,
) -> Result<Vec<Mark>> {
    of_offer(user, sort, key).all(conn).await?.into_iter().map(mark).collect()
}

/// What a purchase counted for, and what took that back, the earliest first.
pub(crate) async fn marks_of_order(
    conn: &impl ConnectionTrait,
    user: &str,
    order: &str,
) -> Result<Vec<Mark>> {
    use marks::Column as C;
    let query = marks::Entity::find().filter(C::UserId.eq(user)).filter(C::OrderRef.eq(order));
    let query = query.order_by_asc(C::OccurredAt).order_by_asc(C::EventId);
    query.all(conn).await?.into_iter().map(mark).collect()
}

/// Takes an event in.
pub(crate) async fn add_mark(conn: &impl ConnectionTrait, user: &str, mark: &Mark) -> Result<()> {
    let row = marks::Model {
        user_id: user.to_owned(),
        sort: mark.sort.number(),
        offer: mark.key.clone(),
        event_id: mark.event,
        takes_back: mark.takes_back,
        round: mark.round,
        local_date: mark.day,
        occurred_at: mark.at,
        amount: mark.amount,
        paid: mark.paid,
        currency: mark.currency.clone(),
        order_ref: mark.order.clone(),
    };
    marks::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Drops all of it.
pub(super) async fn forget(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    marks::Entity::delete_many().filter(marks::Column::UserId.eq(user)).exec(conn).await?;
    tallies::Entity::delete_many().filter(tallies::Column::UserId.eq(user)).exec(conn).await?;
    Ok(())
}

fn of_offer(user: &str, sort: Sort, key: &str) -> Select<marks::Entity> {
    marks::Entity::find()
        .filter(marks::Column::UserId.eq(user))
        .filter(marks::Column::Sort.eq(sort.number()))
        .filter(marks::Column::Offer.eq(key))
}

fn from_row(row: tallies::Model) -> Result<Tally> {
    Ok(Tally {
        sort: Sort::from_number(row.sort).ok_or_else(|| damaged("tallies", row.sort))?,
        key: row.offer,
        round: row.round,
        version: row.rule_version,
        began_at: row.began_at,
        last_day: row.last_day,
        goal: row.goal,
        done: row.done,
        completed_at: row.completed_at,
        left_at: row.left_at,
        cause_id: row.cause_id,
    })
}

fn mark(row: marks::Model) -> Result<Mark> {
    Ok(Mark {
        event: row.event_id,
        takes_back: row.takes_back,
        sort: Sort::from_number(row.sort).ok_or_else(|| damaged("progress_marks", row.sort))?,
        key: row.offer,
        round: row.round,
        day: row.local_date,
        at: row.occurred_at,
        amount: row.amount,
        paid: row.paid,
        currency: row.currency,
        order: row.order_ref,
    })
}
