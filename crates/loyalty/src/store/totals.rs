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
#[derive(Debug, Clone, Default, PartialEq, Eq, FromQueryResult)]
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

/// A sum as a 64-bit integer (Postgres would make it a decimal), 0 over no rows.
fn sum<C: ColumnTrait>(column: C) -> Expr {
    Expr::expr(column.sum()).if_null(0).cast_as(Alias::new("bigint"))
}

/// Sums over so many rows that they may pass the end of 64 bits: the columns are summed in two
/// halves. What does not fit is told as the largest number.
struct Wide(Sums);

/// Where numbers are cut in two: far more rows than there are members do not overflow either half.
const HALF: i64 = 1_000_000_000;

impl FromQueryResult for Wide {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, DbErr> {
        let wide = |name: &str| -> Result<i64, DbErr> {
            let high: i64 = row.try_get(pre, &format!("{name}_high"))?;
            let low: i64 = row.try_get(pre, &format!("{name}_low"))?;
            let sum = i128::from(high) * i128::from(HALF) + i128::from(low);
            Ok(i64::try_from(sum).unwrap_or(if sum < 0 { -i64::MAX } else { i64::MAX }))
        };
        Ok(Self(Sums {
            issued: wide("issued")?,
            available: wide("available")?,
            held: wide("held")?,
            escrow: wide("escrow")?,
            debt: wide("debt")?,
            redeemed: wide("redeemed")?,
            expired: wide("expired")?,
            reversed: wide("reversed")?,
            transferred: wide("transferred")?,
        }))
    }
}

/// Both halves of the sum of a column.
fn halves<E: EntityTrait, C: ColumnTrait>(
    query: Select<E>,
    column: C,
    name: &'static str,
) -> Select<E> {
    let half = |expr: Expr| Expr::expr(expr.sum()).if_null(0).cast_as(Alias::new("bigint"));
    let high = half(column.into_expr().div(HALF));
    let low = half(column.into_expr().modulo(HALF));
    query.column_as(high, format!("{name}_high")).column_as(low, format!("{name}_low"))
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
    let query = members::Entity::find().select_only();
    let query = columns.into_iter().fold(query, |query, (c, name)| halves(query, c, name));
    let sums = query.into_model::<Wide>().one(conn).await?;
    Ok(sums.map(|wide| wide.0).unwrap_or_default())
}

/// Over all entries recorded by an instant, with their number and that of their members.
pub(crate) async fn recorded_by(
    conn: &impl ConnectionTrait,
    as_of: Time,
) -> Result<(Sums, i64, i64)> {
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
    let query = entries::Entity::find().select_only().filter(C::Seq.lte(last));
    let query = columns.into_iter().fold(query, |query, (c, name)| halves(query, c, name));
    let sums = query.into_model::<Wide>().one(conn).await?;
    let sums = sums.map(|wide| wide.0).unwrap_or_default();
    let members: Option<i64> = entries::Entity::find()
        .select_only()
        .column_as(C::UserId.into_expr().count_distinct(), "members")
        .filter(C::Seq.lte(last))
        .into_tuple()
        .one(conn)
        .await?;
    // These two accounts carry their balance on the other side.
    let sums = Sums { issued: -sums.issued, debt: -sums.debt, ..sums };
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
    let query = entries::Entity::find()
        .select_only()
        .column_as(sum(C::Issuer), "issued")
        .column_as(sum(C::Available), "available")
        .column_as(sum(C::Held), "held")
        .column_as(sum(C::Escrow), "escrow")
        .column_as(sum(C::Debt), "debt")
        .column_as(sum(C::Redeemed), "redeemed")
        .column_as(sum(C::Expired), "expired")
        .column_as(sum(C::Reversed), "reversed")
        .column_as(sum(C::Transfer), "transferred")
        .filter(C::UserId.eq(user))
        .filter(C::Seq.lte(upto));
    let sums = query.into_model::<Sums>().one(conn).await?.unwrap_or_default();
    // These two accounts carry their balance on the other side.
    Ok(Sums { issued: -sums.issued, debt: -sums.debt, ..sums })
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
    let sum = sum.map_or(0, |(high, low)| i128::from(high) * i128::from(HALF) + i128::from(low));
    Ok(i64::try_from(sum).unwrap_or(i64::MAX))
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
