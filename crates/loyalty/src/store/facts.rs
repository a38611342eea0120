//! Purchases and refunds, and what else qualifies.

use super::damaged;
use super::rows::facts::{Column, Entity, Model};
use crate::domain::referral::Paid;
use crate::domain::tier::{Deal, DealId, Fact, Given};
use crate::domain::{EntryId, Tier, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, one_of, write};
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

/// Whether a purchase or refund was taken in before.
pub(crate) async fn exists(conn: &impl ConnectionTrait, id: DealId) -> Result<bool> {
    Ok(Entity::find().filter(Column::Id.eq(id.uuid())).count(conn).await? > 0)
}

/// The member's latest purchase of an order.
pub(crate) async fn purchase(
    conn: &impl ConnectionTrait,
    user: &str,
    order: &str,
) -> Result<Option<Deal>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::OrderRef.eq(order))
        .filter(Column::Refunds.is_null())
        .order_by_desc(Column::Number);
    query.one(conn).await?.map(from_row).transpose()
}

/// How much of a purchase was refunded so far.
pub(crate) async fn refunded(conn: &impl ConnectionTrait, purchase: &Deal) -> Result<i64> {
    let sum: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::Amount.sum().cast_as(Alias::new("bigint")), "amount")
        .filter(Column::UserId.eq(&purchase.user))
        .filter(Column::OrderRef.eq(&purchase.order))
        .filter(Column::Refunds.eq(purchase.id.uuid()))
        .into_tuple()
        .one(conn)
        .await?;
    Ok(sum.flatten().unwrap_or(0))
}

/// What can still count for a member: facts of purchases after the instant given (all when
/// `None`), in the order of recording.
pub(crate) async fn of(
    conn: &impl ConnectionTrait,
    user: &str,
    after: Option<Time>,
) -> Result<Vec<Fact>> {
    let mut query = Entity::find().filter(Column::UserId.eq(user));
    if let Some(after) = after {
        query = query.filter(Column::AnchorAt.gt(after));
    }
    let rows = query.order_by_asc(Column::Number).all(conn).await?;
    rows.into_iter().map(|row| Ok(from_row(row)?.fact)).collect()
}

/// Whether somebody ever paid an order that is known here.
pub(crate) async fn bought(conn: &impl ConnectionTrait, user: &str) -> Result<bool> {
    let orders = Entity::find().filter(Column::UserId.eq(user)).filter(Column::Orders.gt(0));
    Ok(orders.count(conn).await? > 0)
}

/// The orders of somebody, less what was refunded of each: those paid from an instant on, or one
/// of them.
pub(crate) async fn orders(
    conn: &impl ConnectionTrait,
    user: &str,
    which: Which,
) -> Result<Vec<Paid>> {
    let query = Entity::find().filter(Column::UserId.eq(user));
    let query = match which {
        // A refund is anchored where its purchase is.
        Which::From(at) => query.filter(Column::AnchorAt.gte(at)),
        Which::One(id) => query.filter(Column::Id.eq(id.uuid()).or(Column::Refunds.eq(id.uuid()))),
    };
    let rows = query.order_by_asc(Column::Number).all(conn).await?;
    let mut orders: Vec<Paid> = Vec::new();
    for row in rows {
        let of = DealId::from(row.refunds.unwrap_or(row.id));
        match orders.iter_mut().find(|paid| paid.deal == of) {
            Some(paid) => {
                paid.spend = paid.spend.saturating_add(row.spend);
                paid.returned |= row.orders < 0;
            }
            None if row.orders > 0 => orders.push(Paid {
                deal: of,
                paid_at: row.occurred_at,
                spend: row.spend,
                returned: false,
            }),
            None => {}
        }
    }
    Ok(orders)
}

/// Which orders.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// Those paid from an instant on.
    From(Time),
    /// This one.
    One(DealId),
}

/// Ends a tier that was given, unless it ends before.
pub(crate) async fn end_given(conn: &impl ConnectionTrait, id: DealId, until: Time) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::GivenUntil, Expr::value(until))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::GivenUntil.gt(until))
        .exec(conn)
        .await?;
    Ok(())
}

/// All purchases and refunds of these members up to an instant, each member's in the order of
/// recording.
pub(crate) async fn deals_of(
    conn: &impl ConnectionTrait,
    users: Vec<String>,
    as_of: Time,
) -> Result<Vec<Deal>> {
    let query = Entity::find()
        .filter(one_of(conn, Column::UserId, users))
        .filter(Column::RecordedAt.lte(as_of))
        .order_by_asc(Column::UserId)
        .order_by_asc(Column::Number);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// Takes in a purchase or refund as the member's `number`-th.
pub(crate) async fn add(conn: &impl ConnectionTrait, number: i64, deal: Deal) -> Result<()> {
    let fact = deal.fact;
    let row = Model {
        user_id: deal.user,
        number,
        id: deal.id.uuid(),
        order_ref: deal.order,
        refunds: deal.refunds.map(DealId::uuid),
        amount: deal.amount,
        currency: deal.currency,
        spend: fact.spend,
        orders: fact.orders,
        recommendations: fact.recommendations,
        given: fact.given.map_or(0, |given| given.tier.number()),
        given_until: fact.given.map(|given| given.until),
        points: deal.points,
        entry_id: deal.entry.map(EntryId::uuid),
        occurred_at: fact.occurred_at,
        anchor_at: fact.anchor_at,
        recorded_at: fact.recorded_at,
    };
    write(conn, vec![row.into_active_model()], Known::Refuse).await
}

/// Drops everything that a member bought.
pub(crate) async fn delete(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(conn).await?;
    Ok(())
}

fn from_row(row: Model) -> Result<Deal> {
    let given = match row.given_until {
        Some(until) => {
            let tier = Tier::from_number(row.given).ok_or_else(|| damaged("facts", row.given))?;
            Some(Given { tier, until })
        }
        None => None,
    };
    Ok(Deal {
        id: DealId::from(row.id),
        user: row.user_id,
        order: row.order_ref,
        refunds: row.refunds.map(DealId::from),
        amount: row.amount,
        currency: row.currency,
        points: row.points,
        entry: row.entry_id.map(EntryId::from),
        fact: Fact {
            recorded_at: row.recorded_at,
            occurred_at: row.occurred_at,
            anchor_at: row.anchor_at,
            spend: row.spend,
            orders: row.orders,
            recommendations: row.recommendations,
            given,
        },
    })
}
