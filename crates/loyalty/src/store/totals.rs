//! Sums over the whole programme, and over one member's entries.

use super::rows::{entries, lots, members, standings};
use crate::domain::{Tier, Time};
use perennial_platform::Result;
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    QuerySelect,
};

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

/// Over all members.
pub(crate) async fn of_programme(conn: &impl ConnectionTrait) -> Result<Sums> {
    use members::Column as C;
    let sums = members::Entity::find()
        .select_only()
        .column_as(sum(C::Issued), "issued")
        .column_as(sum(C::Available), "available")
        .column_as(sum(C::Held), "held")
        .column_as(sum(C::Escrow), "escrow")
        .column_as(sum(C::Debt), "debt")
        .column_as(sum(C::Redeemed), "redeemed")
        .column_as(sum(C::Expired), "expired")
        .column_as(sum(C::Reversed), "reversed")
        .column_as(sum(C::Transferred), "transferred")
        .into_model::<Sums>()
        .one(conn)
        .await?;
    Ok(sums.unwrap_or_default())
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
    let free = Expr::cust("CAST(COALESCE(SUM(remaining - held), 0) AS bigint)");
    let sum: Option<i64> = lots::Entity::find()
        .select_only()
        .column_as(free, "free")
        .filter(Expr::cust("remaining > 0"))
        .filter(lots::Column::ExpiresAt.lte(now))
        .into_tuple()
        .one(conn)
        .await?;
    Ok(sum.unwrap_or(0))
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
