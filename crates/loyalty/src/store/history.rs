//! What members did, in pages by member: for a dry run of other rules.

use super::accounts;
use super::rows::{entries, members};
use crate::domain::rules::effect::Earned;
use crate::domain::{Account, EntryKind, Time};
use perennial_platform::Result;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

/// Entries read at once.
const PAGE: u64 = 5_000;

/// Up to which entry and instant, and for which members, both included.
pub(crate) struct Span<'a> {
    pub(crate) first: &'a str,
    pub(crate) last: &'a str,
    pub(crate) seq: i64,
    pub(crate) as_of: Time,
}

/// Members after a user who were not erased, in the order of the database.
pub(crate) async fn members_after(
    conn: &impl ConnectionTrait,
    user: &str,
    limit: u64,
) -> Result<Vec<Account>> {
    use members::Column as C;
    let query = members::Entity::find()
        .filter(C::UserId.gt(user))
        .filter(C::ClosedAt.is_null())
        .order_by_asc(C::UserId)
        .limit(limit);
    Ok(query.all(conn).await?.into_iter().map(accounts::from_row).collect())
}

/// User, place, rule, points, when it happened, when they expire.
type Row = (String, i64, String, i64, Time, Option<Time>);

/// A page of what these members earned, each with its member and place; `after` is the last one of
/// the page before. An empty page is the end.
pub(crate) async fn earned(
    conn: &impl ConnectionTrait,
    span: &Span<'_>,
    after: Option<&(String, i64)>,
) -> Result<Vec<(String, i64, Earned)>> {
    use entries::Column as C;
    // The first two conditions give the range of the index; the third only skips its beginning.
    let from = after.map_or(span.first, |(user, _)| user.as_str());
    let mut query = entries::Entity::find()
        .select_only()
        .columns([C::UserId, C::Seq, C::Rule, C::Points, C::OccurredAt, C::ExpiresAt])
        .filter(C::UserId.gte(from))
        .filter(C::UserId.lte(span.last))
        .filter(C::Kind.eq(EntryKind::Earn.number()))
        .filter(C::Seq.lte(span.seq))
        .filter(C::RecordedAt.lte(span.as_of))
        .order_by_asc(C::UserId)
        .order_by_asc(C::Seq)
        .limit(PAGE);
    if let Some((user, seq)) = after {
        query = query.filter(Condition::any().add(C::UserId.gt(user)).add(C::Seq.gt(*seq)));
    }
    let rows: Vec<Row> = query.into_tuple().all(conn).await?;
    let read = |(user, seq, rule, points, occurred_at, expires_at): Row| {
        (user, seq, Earned { rule, points, occurred_at, expires_at })
    };
    Ok(rows.into_iter().map(read).collect())
}
