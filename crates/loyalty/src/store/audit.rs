//! Everything, in pages, for the operator's check.

use super::entries as store;
use super::rows::{allocations, entries, holds, lots, members};
use super::{accounts, lots as lot_store};
use crate::domain::audit::KeptHold;
use crate::domain::{Account, Allocation, Entry, EntryId, HoldId, HoldState, Lot, LotId};
use perennial_platform::Result;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Rows read at once.
const PAGE: u64 = 2_000;

/// A page of entries, and what is wrong with their rows beyond what they say.
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) faults: Vec<String>,
}

/// Up to a page of entries after a place, in the order of the ledger. Reads every column of every
/// row: what no reader looks at elsewhere must not be changeable unnoticed either.
pub(crate) async fn entries_after(conn: &impl ConnectionTrait, seq: i64) -> Result<Page> {
    use allocations::Column as C;
    let rows = entries::Entity::find()
        .filter(entries::Column::Seq.gt(seq))
        .order_by_asc(entries::Column::Seq)
        .limit(PAGE)
        .all(conn)
        .await?;
    let mut page = Page { entries: Vec::with_capacity(rows.len()), faults: Vec::new() };
    let Some(last) = rows.last().map(|row| row.seq) else { return Ok(page) };
    let parts = allocations::Entity::find()
        .filter(C::EntrySeq.gt(seq))
        .filter(C::EntrySeq.lte(last))
        .order_by_asc(C::EntrySeq)
        .order_by_asc(C::Place)
        .all(conn)
        .await?;
    let mut parts = parts.into_iter().peekable();
    for row in rows {
        let seq = row.seq;
        let mut its_parts = Vec::new();
        while let Some(part) = parts.next_if(|part| part.entry_seq <= seq) {
            let expected = its_parts.len();
            if part.entry_seq != seq || usize::try_from(part.place).ok() != Some(expected) {
                page.faults.push(format!(
                    "I6: a use of a lot by entry {} is out of place",
                    part.entry_seq
                ));
            }
            if part.entry_seq == seq {
                its_parts.push(Allocation { lot: LotId::from(part.lot_id), points: part.points });
            }
        }
        let facts = row.facts.clone();
        match store::from_row(row, its_parts) {
            Ok(entry) if store::facts_text(&entry.origin.facts) == facts => {
                page.entries.push(entry);
            }
            Ok(entry) => {
                page.faults
                    .push(format!("I11: the facts of entry {seq} were written by another hand"));
                page.entries.push(entry);
            }
            Err(_) => page.faults.push(format!("I11: entry {seq} cannot be read")),
        }
    }
    Ok(page)
}

/// Whether uses of lots name entries that are not there, before the first or after the last.
pub(crate) async fn has_strays(conn: &impl ConnectionTrait, last: i64) -> Result<bool> {
    use allocations::Column as C;
    let stray = allocations::Entity::find().filter(C::EntrySeq.lt(1).or(C::EntrySeq.gt(last)));
    Ok(stray.one(conn).await?.is_some())
}

/// Up to a page of accounts after a user.
pub(crate) async fn accounts_after(
    conn: &impl ConnectionTrait,
    user: &str,
) -> Result<Vec<Account>> {
    let query = members::Entity::find()
        .filter(members::Column::UserId.gt(user))
        .order_by_asc(members::Column::UserId)
        .limit(PAGE);
    Ok(query.all(conn).await?.into_iter().map(accounts::from_row).collect())
}

/// Up to a page of lots after one.
pub(crate) async fn lots_after(conn: &impl ConnectionTrait, id: Uuid) -> Result<Vec<Lot>> {
    let query = lots::Entity::find()
        .filter(lots::Column::Id.gt(id))
        .order_by_asc(lots::Column::Id)
        .limit(PAGE);
    Ok(query.all(conn).await?.into_iter().map(lot_store::from_row).collect())
}

/// Up to a page of holds after one.
pub(crate) async fn holds_after(conn: &impl ConnectionTrait, id: Uuid) -> Result<Vec<KeptHold>> {
    let query = holds::Entity::find()
        .filter(holds::Column::Id.gt(id))
        .order_by_asc(holds::Column::Id)
        .limit(PAGE);
    let row = |row: holds::Model| KeptHold {
        id: HoldId::from(row.id),
        user: row.user_id,
        points: row.points,
        state: HoldState::from_number(row.state),
        resolved_by: row.resolved_by.map(EntryId::from),
    };
    Ok(query.all(conn).await?.into_iter().map(row).collect())
}
