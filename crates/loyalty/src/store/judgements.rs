//! What the rules of points made of purchases, refunds and check-ins, and the fractions that are
//! carried on.

use super::damaged;
use super::rows::judgements::{Column, Entity, Model, remainders};
use crate::domain::EntryId;
use crate::domain::judgement::{Fraction, Judgement, NoPoints, PURCHASE};
use crate::domain::tier::DealId;
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::{Alias, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::collections::BTreeMap;

/// One judgement.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: DealId) -> Result<Option<Judgement>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(from_row).transpose()
}

/// The judgement of the member's latest purchase of an order.
pub(crate) async fn of_order(
    conn: &impl ConnectionTrait,
    user: &str,
    order: &str,
) -> Result<Option<Judgement>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::OrderRef.eq(order))
        .filter(Column::Rule.eq(PURCHASE))
        .order_by_desc(Column::RecordedAt)
        .order_by_desc(Column::Id);
    query.one(conn).await?.map(from_row).transpose()
}

/// Keeps a judgement, and carries its fraction on.
pub(crate) async fn add(conn: &impl ConnectionTrait, judgement: Judgement) -> Result<()> {
    if let Some(change) = judgement.carried.filter(|change| change.num != 0) {
        let num = carried(conn, &judgement.user, change.den).await? + change.num;
        let row = remainders::ActiveModel {
            user_id: Set(judgement.user.clone()),
            den: Set(change.den),
            num: Set(num),
        };
        let key = [remainders::Column::UserId, remainders::Column::Den];
        let known = OnConflict::columns(key).update_column(remainders::Column::Num).to_owned();
        remainders::Entity::insert(row).on_conflict(known).exec_without_returning(conn).await?;
    }
    write(conn, vec![into_row(judgement).into_active_model()], Known::Refuse).await
}

/// The fraction, in `1 / den` of a point, that a member carries on.
pub(crate) async fn carried(conn: &impl ConnectionTrait, user: &str, den: i64) -> Result<i64> {
    let row = remainders::Entity::find_by_id((user.to_owned(), den)).one(conn).await?;
    Ok(row.map_or(0, |row| row.num))
}

/// Forgets everything about a member.
pub(crate) async fn delete(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(conn).await?;
    let mine = remainders::Column::UserId.eq(user);
    remainders::Entity::delete_many().filter(mine).exec(conn).await?;
    Ok(())
}

/// A member's fraction: who, the denominator, the numerator.
pub(crate) type Carried = (String, i64, i64);

/// Every fraction that is kept, by member and denominator.
pub(crate) async fn kept(conn: &impl ConnectionTrait) -> Result<Vec<Carried>> {
    use remainders::Column as C;
    let query = remainders::Entity::find().order_by_asc(C::UserId).order_by_asc(C::Den);
    let rows = query.all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.user_id, row.den, row.num)).filter(|row| row.2 != 0).collect())
}

/// The same from the judgements.
pub(crate) async fn rebuilt(conn: &impl ConnectionTrait) -> Result<Vec<Carried>> {
    let sum = Column::Carried.sum().cast_as(Alias::new("bigint"));
    let rows: Vec<Carried> = Entity::find()
        .select_only()
        .columns([Column::UserId, Column::CarriedDen])
        .column_as(sum, "num")
        .filter(Column::CarriedDen.gt(0))
        .group_by(Column::UserId)
        .group_by(Column::CarriedDen)
        .order_by_asc(Column::UserId)
        .order_by_asc(Column::CarriedDen)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(rows.into_iter().filter(|row| row.2 != 0).collect())
}

fn from_row(row: Model) -> Result<Judgement> {
    let facts = match row.facts.as_str() {
        "" => BTreeMap::new(),
        json => serde_json::from_str(json).map_err(|error| damaged("judgements", error))?,
    };
    let outcome = match (row.entry_id, row.reason.and_then(NoPoints::from_number)) {
        (Some(entry), None) => Ok(EntryId::from(entry)),
        (None, Some(reason)) => Err(reason),
        _ => return Err(damaged("judgements", row.id)),
    };
    let fraction = Fraction { num: row.carried, den: row.carried_den };
    Ok(Judgement {
        id: DealId::from(row.id),
        user: row.user_id,
        rule: row.rule,
        version: row.rule_version,
        order: row.order_ref,
        facts,
        outcome,
        carried: (fraction.den > 0).then_some(fraction),
        occurred_at: row.occurred_at,
        recorded_at: row.recorded_at,
    })
}

fn into_row(judgement: Judgement) -> Model {
    let facts = if judgement.facts.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&judgement.facts).unwrap_or_default()
    };
    let carried = judgement.carried.unwrap_or(Fraction { num: 0, den: 0 });
    Model {
        id: judgement.id.uuid(),
        user_id: judgement.user,
        rule: judgement.rule,
        rule_version: judgement.version,
        order_ref: judgement.order,
        facts,
        reason: judgement.outcome.err().map(NoPoints::number),
        entry_id: judgement.outcome.ok().map(EntryId::uuid),
        carried: carried.num,
        carried_den: carried.den,
        occurred_at: judgement.occurred_at,
        recorded_at: judgement.recorded_at,
    }
}
