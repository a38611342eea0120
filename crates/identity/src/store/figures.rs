//! Figures over all users: buyers for RFM, active users, retention, revenue.

use super::rows::{spend_day, user, user_day};
use crate::domain::calendar::Day;
use crate::domain::money::Currency;
use crate::domain::rfm::Buyer;
use perennial_platform::{Error, Result};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    QuerySelect,
};

#[derive(FromQueryResult)]
struct BuyerRow {
    last_purchase: i64,
    purchases: i64,
    spent: i64,
}

/// Users with a purchase in the currency from a day on: all, or only the one named.
pub async fn buyers(
    conn: &impl ConnectionTrait,
    currency: Currency,
    first: Day,
    user_id: Option<&str>,
) -> Result<Vec<Buyer>> {
    use spend_day::{Column as C, Entity};
    let net = Expr::col(C::Paid).sub(Expr::col(C::Refunded));
    // Days with refunds only have no last purchase; they are left out of the maximum.
    let bought = Expr::case(Expr::col(C::Purchases).gt(0), Expr::col(C::LastPurchaseMicros));
    let mut query = Entity::find()
        .select_only()
        .expr_as(Func::max(bought), "last_purchase")
        .expr_as(whole(Func::sum(Expr::col(C::Purchases))), "purchases")
        .expr_as(whole(Func::sum(net)), "spent")
        .filter(C::Currency.eq(currency.as_str()))
        .filter(C::Day.gte(first))
        .group_by(C::UserId)
        .having(C::Purchases.sum().gt(0));
    if let Some(user_id) = user_id {
        query = query.filter(C::UserId.eq(user_id));
    }
    let rows = query.into_model::<BuyerRow>().all(conn).await?;
    let buyer = |row: BuyerRow| Buyer {
        last_purchase: row.last_purchase,
        purchases: row.purchases,
        spent: row.spent,
    };
    Ok(rows.into_iter().map(buyer).collect())
}

/// Postgres sums 64-bit integers as numeric.
fn whole(sum: impl Into<SimpleExpr>) -> SimpleExpr {
    sum.into().cast_as(Alias::new("bigint"))
}

/// Number of users, erased ones left out.
pub async fn users(conn: &impl ConnectionTrait) -> Result<i64> {
    count(user::Entity::find().filter(user::Column::Erased.eq(false)).count(conn).await?)
}

/// Users with own activity from a day on.
pub async fn active(conn: &impl ConnectionTrait, first: Day) -> Result<i64> {
    use user_day::{Column as C, Entity};
    let users: Option<i64> = Entity::find()
        .select_only()
        .expr_as(C::UserId.into_expr().count_distinct(), "users")
        .filter(C::Day.gte(first))
        .filter(C::Own.gt(0))
        .into_tuple()
        .one(conn)
        .await?;
    Ok(users.unwrap_or(0))
}

/// Of the users registered on days `from <= day < to`: how many there are, and how many showed
/// own activity exactly `after` days later.
pub async fn retained(
    conn: &impl ConnectionTrait,
    from: Day,
    to: Day,
    after: i32,
) -> Result<(i64, i64)> {
    use user::Column as C;
    let registered = || {
        user::Entity::find()
            .filter(C::Erased.eq(false))
            .filter(C::RegisterDay.gte(from))
            .filter(C::RegisterDay.lt(to))
    };
    let cohort = count(registered().count(conn).await?)?;
    let came = Query::select()
        .expr(Expr::val(1))
        .from(user_day::Entity)
        .and_where(
            Expr::col((user_day::Entity, user_day::Column::UserId))
                .equals((user::Entity, C::UserId)),
        )
        .and_where(
            Expr::col((user_day::Entity, user_day::Column::Day)).eq(Expr::col((
                user::Entity,
                C::RegisterDay,
            ))
            .add(after)),
        )
        .and_where(user_day::Column::Own.gt(0))
        .to_owned();
    let retained = registered().filter(Expr::exists(came)).count(conn).await?;
    Ok((cohort, count(retained)?))
}

/// Users with at least so many purchases ever.
pub async fn buyers_ever(conn: &impl ConnectionTrait, purchases: i64) -> Result<i64> {
    use user::Column as C;
    let query =
        user::Entity::find().filter(C::Erased.eq(false)).filter(C::Purchases.gte(purchases));
    count(query.count(conn).await?)
}

/// Purchases less refunds from a day on, by currency.
pub async fn revenue(conn: &impl ConnectionTrait, first: Day) -> Result<Vec<(Currency, i64)>> {
    use spend_day::{Column as C, Entity};
    let net = Expr::col(C::Paid).sub(Expr::col(C::Refunded));
    let rows: Vec<(String, i64)> = Entity::find()
        .select_only()
        .column(C::Currency)
        .expr_as(whole(Func::sum(net)), "net")
        .filter(C::Day.gte(first))
        .group_by(C::Currency)
        .into_tuple()
        .all(conn)
        .await?;
    let mut revenue = Vec::with_capacity(rows.len());
    for (currency, net) in rows {
        revenue.push((currency.parse().map_err(Error::internal)?, net));
    }
    revenue.sort_unstable();
    Ok(revenue)
}

/// Users at each grade and each stage that has any, by number.
pub async fn grades_and_stages(
    conn: &impl ConnectionTrait,
) -> Result<(Vec<(i16, i64)>, Vec<(i16, i64)>)> {
    let by = |column: user::Column| {
        user::Entity::find()
            .select_only()
            .column(column)
            .column_as(user::Column::UserId.count(), "users")
            .filter(user::Column::Erased.eq(false))
            .group_by(column)
            .into_tuple()
    };
    Ok((by(user::Column::Grade).all(conn).await?, by(user::Column::Stage).all(conn).await?))
}

fn count(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(Error::internal)
}
