//! Sums over the whole programme, and over one member's entries.

use super::rows::{entries, lots, members, standings, tier_changes};
use crate::domain::{Notice, Tier, Time};
use perennial_platform::Result;
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, Select,
};
use std::collections::HashMap;

/// Sums of accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) issued: i64,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) escrow: i64,
    pub(crate) debt: i64,
    pub(crate) redeemed: i64,
    pub(crate) expired: i64,
    pub(crate) reversed: i64,
    /// Over the whole programme always 0.
    pub(crate) transferred: i64,
}

/// Where numbers are cut in two, so that sums over very many rows do not pass the end of 64 bits:
/// far more rows than there are members do not overflow either half.
const HALF: i64 = 1_000_000_000;

/// A sum of its two halves. What does not fit is told as the largest number.
fn joined(high: i64, low: i64) -> i64 {
    let sum = i128::from(high) * i128::from(HALF) + i128::from(low);
    i64::try_from(sum).unwrap_or(if sum < 0 { -i64::MAX } else { i64::MAX })
}

impl FromQueryResult for Sums {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, DbErr> {
        let sum = |name: &str| -> Result<i64, DbErr> {
            let half = |part: &str| row.try_get(pre, &format!("{name}_{part}"));
            Ok(joined(half("high")?, half("low")?))
        };
        Ok(Self {
            issued: sum("issued")?,
            available: sum("available")?,
            held: sum("held")?,
            escrow: sum("escrow")?,
            debt: sum("debt")?,
            redeemed: sum("redeemed")?,
            expired: sum("expired")?,
            reversed: sum("reversed")?,
            transferred: sum("transferred")?,
        })
    }
}

/// The sums of these columns over the rows of a query.
async fn sums<E: EntityTrait, C: ColumnTrait>(
    conn: &impl ConnectionTrait,
    query: Select<E>,
    columns: [(C, &'static str); 9],
) -> Result<Sums> {
    // As 64-bit integers: Postgres would make them decimals.
    let half = |expr: Expr| Expr::expr(expr.sum()).if_null(0).cast_as(Alias::new("bigint"));
    let mut query = query.select_only();
    for (column, name) in columns {
        let high = half(column.into_expr().div(HALF));
        let low = half(column.into_expr().modulo(HALF));
        query = query.column_as(high, format!("{name}_high"));
        query = query.column_as(low, format!("{name}_low"));
    }
    Ok(query.into_model::<Sums>().one(conn).await?.unwrap_or_default())
}

/// Over all members.
pub(crate) async fn of_programme(conn: &impl ConnectionTrait) -> Result<Sums> {
    use members::Column as C;
    let columns = [
        (C::Issued, "issued"),
        (C::Available, "available"),
        (C::Held, "held"),
        (C::Escrow, "escrow"),
        (C::Debt, "debt"),
        (C::Redeemed, "redeemed"),
        (C::Expired, "expired"),
        (C::Reversed, "reversed"),
        (C::Transferred, "transferred"),
    ];
    sums(conn, members::Entity::find(), columns).await
}

/// Over some entries.
async fn of_ledger(conn: &impl ConnectionTrait, query: Select<entries::Entity>) -> Result<Sums> {
    use entries::Column as C;
    let columns = [
        (C::Issuer, "issued"),
        (C::Available, "available"),
        (C::Held, "held"),
        (C::Escrow, "escrow"),
        (C::Debt, "debt"),
        (C::Redeemed, "redeemed"),
        (C::Expired, "expired"),
        (C::Reversed, "reversed"),
        (C::Transfer, "transferred"),
    ];
    let sums = sums(conn, query, columns).await?;
    // These two accounts carry their balance on the other side.
    Ok(Sums { issued: -sums.issued, debt: -sums.debt, ..sums })
}

/// Over all entries recorded by an instant, with their number and that of their members.
pub(crate) async fn recorded_by(
    conn: &impl ConnectionTrait,
    as_of: Time,
) -> Result<(Sums, i64, i64)> {
    use entries::Column as C;
    // Times never run backwards along the ledger, so its part up to an instant is one up to a place.
    let last: Option<i64> = entries::Entity::find()
        .select_only()
        .column(C::Seq)
        .filter(C::RecordedAt.lte(as_of))
        .order_by_desc(C::Seq)
        .into_tuple()
        .one(conn)
        .await?;
    let Some(last) = last else { return Ok((Sums::default(), 0, 0)) };
    let sums = of_ledger(conn, entries::Entity::find().filter(C::Seq.lte(last))).await?;
    let members: Option<i64> = entries::Entity::find()
        .select_only()
        .column_as(C::UserId.into_expr().count_distinct(), "members")
        .filter(C::Seq.lte(last))
        .into_tuple()
        .one(conn)
        .await?;
    Ok((sums, last, members.unwrap_or(0)))
}

/// The tier of every member above the lowest at an instant.
pub(crate) async fn tiers_at(
    conn: &impl ConnectionTrait,
    as_of: Time,
) -> Result<HashMap<String, Tier>> {
    use tier_changes::Column as C;
    let changes: Vec<(String, i16)> = tier_changes::Entity::find()
        .select_only()
        .columns([C::UserId, C::ToTier])
        .filter(C::ChangedAt.lte(as_of))
        .order_by_asc(C::UserId)
        .order_by_asc(C::Number)
        .into_tuple()
        .all(conn)
        .await?;
    // Of each member the last one counts.
    let known = changes.into_iter().filter_map(|(user, n)| Some((user, Tier::from_number(n)?)));
    Ok(known.collect())
}

/// Over a member's entries up to a place.
pub(crate) async fn of_entries(conn: &impl ConnectionTrait, user: &str, upto: i64) -> Result<Sums> {
    use entries::Column as C;
    let mine = entries::Entity::find().filter(C::UserId.eq(user));
    of_ledger(conn, mine.filter(C::Seq.lte(upto))).await
}

/// Points whose date has passed, that nothing reserves, and whose expiry is not written down.
pub(crate) async fn overdue(conn: &impl ConnectionTrait, now: Time) -> Result<i64> {
    use lots::Column as C;
    let half = |sum: &str| Expr::cust(format!("CAST(COALESCE(SUM({sum}), 0) AS bigint)"));
    let holding = Notice::ALL.into_iter().filter(|notice| notice.holds()).map(Notice::number);
    let sum: Option<(i64, i64)> = lots::Entity::find()
        .select_only()
        .column_as(half(&format!("(remaining - held) / {HALF}")), "high")
        .column_as(half(&format!("(remaining - held) % {HALF}")), "low")
        .filter(Expr::cust("remaining > 0"))
        .filter(C::ExpiresAt.lte(now))
        .filter(C::Notice.is_in(holding))
        .into_tuple()
        .one(conn)
        .await?;
    Ok(sum.map_or(0, |(high, low)| joined(high, low)))
}

/// How many members there are.
pub(crate) async fn members(conn: &impl ConnectionTrait) -> Result<u64> {
    Ok(members::Entity::find().count(conn).await?)
}

/// How many members stand in each tier above the lowest.
pub(crate) async fn tiers(conn: &impl ConnectionTrait) -> Result<Vec<(Tier, i64)>> {
    use standings::Column as C;
    let counts: Vec<(i16, i64)> = standings::Entity::find()
        .select_only()
        .column(C::Tier)
        .column_as(C::UserId.count(), "members")
        .group_by(C::Tier)
        .into_tuple()
        .all(conn)
        .await?;
    let known =
        counts.into_iter().filter_map(|(n, members)| Some((Tier::from_number(n)?, members)));
    Ok(known.filter(|(tier, _)| *tier != Tier::Ordinary).collect())
}
