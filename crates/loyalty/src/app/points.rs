//! What a member has, and why.

use super::App;
use super::snapshots::{Snapshot, TRIES, busy};
use crate::domain::{Entry, EntryId, Hold, HoldId, HoldState, Lot, LotId, Refusal, Time};
use crate::store::entries::{self, Use};
use crate::store::totals;
use crate::store::{accounts, holds};
use perennial_platform::{Error, Result};
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) use crate::store::totals::Sums;

/// Uses listed of one lot. A page of the most lots stays below what a message may hold.
const MAX_USES: usize = 50;

/// A page of a statement.
pub(crate) struct Statement {
    pub(crate) entries: Vec<Entry>,
    pub(crate) next: Option<StatementCursor>,
    pub(crate) sums: Sums,
}

/// Before which place to go on, and up to which the statement reaches.
pub(crate) type StatementCursor = (i64, i64);

/// A lot, the entry that made it, and what became of it.
pub(crate) struct Explanation {
    pub(crate) lot: Lot,
    /// Points of it that can be spent now.
    pub(crate) spendable: i64,
    pub(crate) earned_by: Entry,
    /// Points taken by the uses that are not listed, less what those gave back.
    pub(crate) earlier: i64,
    /// The latest uses, oldest first.
    pub(crate) uses: Vec<Use>,
}

/// After which lot to go on: the place of its entry, its id.
pub(crate) type LotCursor = (i64, Uuid);

impl App {
    /// What a member has now. Errors: NOT_FOUND / MEMBER_NOT_FOUND; ABORTED / BUSY_MEMBER.
    pub(crate) async fn snapshot(&self, user: &str) -> Result<Snapshot> {
        self.snapshots.ask(user.to_owned()).await
    }

    /// A page of a member's entries, newest first, and the sums of all entries that the statement
    /// reaches. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn statement(
        &self,
        user: &str,
        as_of: Option<Time>,
        after: Option<StatementCursor>,
        size: u64,
    ) -> Result<Statement> {
        let conn = self.db.read();
        let before = after.map(|(before, _)| before);
        let mut entries = entries::page(conn, user, as_of, before, size + 1).await?;
        if entries.is_empty() {
            self.member(user).await?;
        }
        let top = match after {
            Some((_, top)) => top,
            None => entries.first().map_or(0, |entry| entry.seq),
        };
        let more = entries.len() as u64 > size;
        entries.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let next = entries.last().filter(|_| more).map(|entry| (entry.seq, top));
        Ok(Statement { entries, next, sums: totals::of_entries(conn, user, top).await? })
    }

    /// A page of a member's lots, the oldest first, with all that happened to them. Errors:
    /// NOT_FOUND / MEMBER_NOT_FOUND; ABORTED / BUSY_MEMBER.
    pub(crate) async fn explain(
        &self,
        user: &str,
        after: Option<LotCursor>,
        size: u64,
    ) -> Result<(Snapshot, Vec<Explanation>, Option<LotCursor>)> {
        for _ in 0..TRIES {
            let snapshot = self.snapshot(user).await?;
            let mut lots = snapshot.booked.clone();
            lots.retain(|lot| after.is_none_or(|after| place(lot) > after));
            lots.sort_by_key(place);
            let more = lots.len() as u64 > size;
            lots.truncate(usize::try_from(size).unwrap_or(usize::MAX));
            let next = lots.last().filter(|_| more).map(place);
            if let Some(explained) = self.explain_lots(&snapshot, lots).await? {
                return Ok((snapshot, explained, next));
            }
        }
        Err(busy())
    }

    /// The lots with their histories; `None` when a posting came in between.
    async fn explain_lots(
        &self,
        snapshot: &Snapshot,
        lots: Vec<Lot>,
    ) -> Result<Option<Vec<Explanation>>> {
        let conn = self.db.read();
        let mut uses: HashMap<LotId, Vec<Use>> = HashMap::new();
        for one in entries::uses_of(conn, lots.iter().map(|lot| lot.id)).await? {
            uses.entry(one.lot).or_default().push(one);
        }
        let earned = entries::by_seq(conn, lots.iter().map(|lot| lot.entry_seq)).await?;
        let earned: HashMap<i64, Entry> = earned.into_iter().map(|e| (e.seq, e)).collect();
        let mut explained = Vec::with_capacity(lots.len());
        for lot in lots {
            let mut uses = uses.remove(&lot.id).unwrap_or_default();
            if net(&uses) != lot.amount - lot.remaining - lot.pending {
                return Ok(None);
            }
            let latest = uses.split_off(uses.len().saturating_sub(MAX_USES));
            let earlier = net(&uses);
            let earned_by = earned.get(&lot.entry_seq).cloned();
            let earned_by = earned_by.ok_or_else(|| Error::internal("a lot without its entry"))?;
            let settled = snapshot.wallet()?.lot(lot.id);
            let spendable = settled.map_or(0, |now| now.spendable(snapshot.now));
            explained.push(Explanation { lot, spendable, earned_by, earlier, uses: latest });
        }
        Ok(Some(explained))
    }

    /// One entry. Errors: NOT_FOUND / ENTRY_NOT_FOUND.
    pub(crate) async fn entry(&self, id: EntryId) -> Result<Entry> {
        let found = entries::find(self.db.read(), id).await?;
        found.ok_or_else(|| Refusal::EntryNotFound.into())
    }

    /// One hold; past its deadline it reads as timed out. Errors: NOT_FOUND / HOLD_NOT_FOUND.
    pub(crate) async fn hold(&self, id: HoldId) -> Result<Hold> {
        let found = holds::find(self.db.read(), id).await?;
        let mut hold = found.ok_or(Refusal::HoldNotFound)?;
        if hold.is_due(self.now()) {
            hold.state = HoldState::TimedOut;
        }
        Ok(hold)
    }

    /// When somebody became a member. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn member(&self, user: &str) -> Result<Time> {
        let account = accounts::find(self.db.read(), user).await?;
        Ok(account.ok_or(Refusal::MemberNotFound)?.joined_at)
    }
}

/// Points taken less points given back.
fn net(uses: &[Use]) -> i64 {
    uses.iter().map(|one| one.points).sum()
}

fn place(lot: &Lot) -> LotCursor {
    (lot.entry_seq, lot.id.uuid())
}
