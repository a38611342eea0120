//! The ledger: entries with their allocations. Only inserts and reads.

mod convert;

pub(super) use convert::{facts_text, from_row};

use super::damaged;
use super::rows::{allocations, entries};
use crate::domain::{Allocation, Entry, EntryId, EntryKind, LotId, Time};
use convert::into_rows;
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, MAX_LISTED, one_of, write};
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use std::collections::HashMap;
use uuid::Uuid;

/// One entry.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: EntryId) -> Result<Option<Entry>> {
    Ok(by_id(conn, [id]).await?.pop())
}

/// These entries.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = EntryId>,
) -> Result<Vec<Entry>> {
    let ids: Vec<Uuid> = ids.into_iter().map(EntryId::uuid).collect();
    let mut found = Vec::new();
    for some in ids.chunks(MAX_LISTED) {
        let query =
            entries::Entity::find().filter(one_of(conn, entries::Column::Id, some.to_vec()));
        found.extend(with_parts(conn, query).await?);
    }
    Ok(found)
}

/// Entries by their places.
pub(crate) async fn by_seq(
    conn: &impl ConnectionTrait,
    seqs: impl IntoIterator<Item = i64>,
) -> Result<Vec<Entry>> {
    let seqs: Vec<i64> = seqs.into_iter().collect();
    let mut found = Vec::with_capacity(seqs.len());
    for some in seqs.chunks(MAX_LISTED) {
        let query =
            entries::Entity::find().filter(one_of(conn, entries::Column::Seq, some.to_vec()));
        found.extend(with_parts(conn, query).await?);
    }
    Ok(found)
}

/// A member's entries recorded by `as_of`, newest first, before the place given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    as_of: Option<Time>,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Entry>> {
    let mut query = entries::Entity::find().filter(entries::Column::UserId.eq(user));
    if let Some(as_of) = as_of {
        query = query.filter(entries::Column::RecordedAt.lte(as_of));
    }
    if let Some(before) = before {
        query = query.filter(entries::Column::Seq.lt(before));
    }
    with_parts(conn, query.order_by_desc(entries::Column::Seq).limit(limit)).await
}

/// The first entries after a place, in order.
pub(crate) async fn first_after(
    conn: &impl ConnectionTrait,
    seq: i64,
    limit: u64,
) -> Result<Vec<Entry>> {
    use entries::Column as C;
    let query = entries::Entity::find().filter(C::Seq.gt(seq)).order_by_asc(C::Seq).limit(limit);
    with_parts(conn, query).await
}

/// Entries of a kind, newest first, before the place given.
pub(crate) async fn of_kind(
    conn: &impl ConnectionTrait,
    kind: EntryKind,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Entry>> {
    use entries::Column as C;
    // The number as a literal, so that the planner sees that a partial index fits.
    let of_kind = Expr::cust(format!("kind = {}", kind.number()));
    let mut query = entries::Entity::find().filter(of_kind);
    if let Some(before) = before {
        query = query.filter(C::Seq.lt(before));
    }
    with_parts(conn, query.order_by_desc(C::Seq).limit(limit)).await
}

/// A member's first entry of a business event.
pub(crate) async fn of_event(
    conn: &impl ConnectionTrait,
    user: &str,
    source: &str,
    event: &str,
) -> Result<Option<Entry>> {
    use entries::Column as C;
    let query = entries::Entity::find()
        .filter(C::UserId.eq(user))
        .filter(C::Source.eq(source))
        .filter(C::SourceEventId.eq(event))
        .order_by_asc(C::Seq)
        .limit(1);
    Ok(with_parts(conn, query).await?.pop())
}

/// How many points of each of these entries were reversed so far.
pub(crate) async fn reversed_of(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = EntryId>,
) -> Result<HashMap<EntryId, i64>> {
    use entries::Column as C;
    let sums: Vec<(Uuid, i64)> = entries::Entity::find()
        .select_only()
        .column(C::Reverses)
        .column_as(C::Points.sum().cast_as(Alias::new("bigint")), "points")
        .filter(C::Reverses.is_in(ids.into_iter().map(EntryId::uuid)))
        .group_by(C::Reverses)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(sums.into_iter().map(|(id, points)| (EntryId::from(id), points)).collect())
}

/// One use of a lot.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) lot: LotId,
    pub(crate) entry: EntryId,
    pub(crate) kind: EntryKind,
    /// Positive: taken; negative: given back; reservations are left out.
    pub(crate) points: i64,
    pub(crate) recorded_at: Time,
}

/// What took from these lots or gave back to them, oldest first.
pub(crate) async fn uses_of(
    conn: &impl ConnectionTrait,
    lots: impl IntoIterator<Item = LotId>,
) -> Result<Vec<Use>> {
    use allocations::Column as C;
    let lots: Vec<Uuid> = lots.into_iter().map(LotId::uuid).collect();
    let parts = allocations::Entity::find()
        .filter(one_of(conn, C::LotId, lots))
        .order_by_asc(C::EntrySeq)
        .order_by_asc(C::Place)
        .all(conn)
        .await?;
    let seqs: std::collections::BTreeSet<i64> = parts.iter().map(|part| part.entry_seq).collect();
    let users = users_of_lots(conn, seqs.into_iter().collect()).await?;
    let uses = parts.into_iter().filter_map(|part| {
        let &(entry, kind, recorded_at) = users.get(&part.entry_seq)?;
        let points = part.points * kind.lot_sign();
        let lot = LotId::from(part.lot_id);
        (points != 0).then_some(Use { lot, entry, kind, points, recorded_at })
    });
    Ok(uses.collect())
}

/// What is said of entries that used a lot, by their places.
async fn users_of_lots(
    conn: &impl ConnectionTrait,
    seqs: Vec<i64>,
) -> Result<HashMap<i64, (EntryId, EntryKind, Time)>> {
    use entries::Column as C;
    let mut found = HashMap::with_capacity(seqs.len());
    for some in seqs.chunks(MAX_LISTED) {
        let rows: Vec<(i64, Uuid, i16, Time)> = entries::Entity::find()
            .select_only()
            .columns([C::Seq, C::Id, C::Kind, C::RecordedAt])
            .filter(one_of(conn, C::Seq, some.to_vec()))
            .into_tuple()
            .all(conn)
            .await?;
        for (seq, id, kind, recorded_at) in rows {
            let kind = EntryKind::from_number(kind).ok_or_else(|| damaged("entries", kind))?;
            found.insert(seq, (EntryId::from(id), kind, recorded_at));
        }
    }
    Ok(found)
}

/// Adds entries to the ledger.
pub(crate) async fn append(conn: &impl ConnectionTrait, new: Vec<Entry>) -> Result<()> {
    let mut rows = Vec::with_capacity(new.len());
    let mut parts = Vec::new();
    for entry in new {
        let (row, its_parts) = into_rows(entry);
        rows.push(row);
        parts.extend(its_parts);
    }
    write(conn, rows, Known::Refuse).await?;
    write(conn, parts, Known::Refuse).await
}

async fn with_parts(
    conn: &impl ConnectionTrait,
    query: Select<entries::Entity>,
) -> Result<Vec<Entry>> {
    let rows = query.all(conn).await?;
    let with = rows.iter().filter(|row| convert::has_parts(row)).map(|row| row.seq);
    let seqs: Vec<i64> = with.collect();
    let mut parts: HashMap<i64, Vec<Allocation>> = HashMap::new();
    for some in seqs.chunks(MAX_LISTED) {
        use allocations::Column as C;
        let found = allocations::Entity::find()
            .filter(one_of(conn, C::EntrySeq, some.to_vec()))
            .order_by_asc(C::EntrySeq)
            .order_by_asc(C::Place);
        for part in found.all(conn).await? {
            let lot = LotId::from(part.lot_id);
            parts.entry(part.entry_seq).or_default().push(Allocation { lot, points: part.points });
        }
    }
    rows.into_iter()
        .map(|row| {
            let its_parts = parts.remove(&row.seq).unwrap_or_default();
            from_row(row, its_parts)
        })
        .collect()
}
