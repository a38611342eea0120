//! The ledger for auditors: its chain, and the lots whose holders could not be warned.

use super::App;
use crate::domain::audit::Auditor;
use crate::domain::chain::{self, Digest};
use crate::domain::{Entry, EntryKind};
use crate::store::head::{self, Head};
use crate::store::{audit, entries};
use perennial_platform::Result;

/// Entries verified in one call.
const MOST_VERIFIED: i64 = 10_000;

/// What a look at a part of the ledger found.
pub(crate) struct Verified {
    pub(crate) entries: i64,
    pub(crate) last_seq: i64,
    pub(crate) last_hash: Digest,
    pub(crate) violations: Vec<String>,
    pub(crate) more: bool,
}

impl App {
    /// The end of the ledger.
    pub(crate) async fn head(&self) -> Result<Head> {
        head::read(self.db.read()).await
    }

    /// A page of entries after a place, whether there are more, and where the chain begins.
    pub(crate) async fn ledger_after(
        &self,
        seq: i64,
        size: u64,
    ) -> Result<(Vec<Entry>, bool, i64)> {
        let conn = self.db.read();
        let mut page = entries::first_after(conn, seq, size + 1).await?;
        let more = page.len() as u64 > size;
        page.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok((page, more, head::read(conn).await?.hash_from_seq))
    }

    /// Reads entries from a place to another (0: as far as one call goes) and says what is wrong
    /// with them.
    pub(crate) async fn verify(&self, from: i64, to: i64) -> Result<Verified> {
        let conn = self.db.read();
        let head = head::read(conn).await?;
        let from = from.max(1);
        let furthest = from.saturating_add(MOST_VERIFIED - 1).min(head.seq);
        let to = if to == 0 { furthest } else { to.min(furthest) };
        let mut before = from - 1;
        let hash = entries::by_seq(conn, [before]).await?.pop().and_then(|entry| entry.hash);
        let hash = hash.unwrap_or_else(|| chain::genesis(head.hash_from_seq));
        let mut auditor = Auditor::after(before, hash, head.hash_from_seq);
        while before < to {
            let page = audit::entries_after(conn, before).await?;
            auditor.note(page.faults);
            let Some(last) = page.entries.last() else { break };
            before = last.seq;
            for entry in page.entries.iter().filter(|entry| entry.seq <= to) {
                auditor.follow(entry);
            }
        }
        let last_seq = auditor.seq();
        let last_hash = auditor.hash();
        let entries = last_seq - (from - 1);
        let mut violations = auditor.into_violations();
        if last_seq < to {
            violations.push(format!("I11: there is nothing between {last_seq} and {to}"));
        }
        if last_seq == head.seq && last_hash != head.hash {
            violations.push("I11: the head has another hash than the last entry".to_owned());
        }
        Ok(Verified { entries, last_seq, last_hash, violations, more: last_seq < head.seq })
    }

    /// A page of extensions, the latest first, before the place given.
    pub(crate) async fn extensions(
        &self,
        before: Option<i64>,
        size: u64,
    ) -> Result<(Vec<Entry>, Option<i64>)> {
        let conn = self.db.read();
        let mut page = entries::of_kind(conn, EntryKind::Extend, before, size + 1).await?;
        let more = page.len() as u64 > size;
        page.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let next = page.last().filter(|_| more).map(|entry| entry.seq);
        Ok((page, next))
    }
}
