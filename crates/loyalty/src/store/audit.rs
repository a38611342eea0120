//! Everything, in pages, for the operator's check.

use super::rows::{holds, lots, members};
use super::{accounts, entries, lots as lot_store};
use crate::domain::{Account, Entry, EntryId, HoldId, HoldState, Lot};
use perennial_platform::Result;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Rows read at once.
const PAGE: u64 = 2_000;

/// Up to a page of entries after a place, in the order of the ledger.
pub(crate) async fn entries_after(conn: &impl ConnectionTrait, seq: i64) -> Result<Vec<Entry>> {
    entries::first_after(conn, seq, PAGE).await
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

/// Up to a page of holds after one: where they stand, and what resolved them.
pub(crate) async fn holds_after(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Vec<(HoldId, Option<HoldState>, Option<EntryId>)>> {
    let query = holds::Entity::find()
        .filter(holds::Column::Id.gt(id))
        .order_by_asc(holds::Column::Id)
        .limit(PAGE);
    let rows = query.all(conn).await?.into_iter();
    let row = |row: holds::Model| {
        let state = HoldState::from_number(row.state);
        (HoldId::from(row.id), state, row.resolved_by.map(EntryId::from))
    };
    Ok(rows.map(row).collect())
}
