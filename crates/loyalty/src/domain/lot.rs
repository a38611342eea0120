//! Lots: points that were earned together and expire together.
//!
//! Invariant: `0 <= held <= remaining` and `0 <= pending` and `remaining + pending <= amount`: pending
//! points are those that are not active yet; nothing uses them, and they do not expire. Order of use: first-expiring first, never-expiring
//! last, then the earliest earned, then the id. By exchange, using the unit that expires first never
//! lets more expire later, so this order lets the fewest points expire (reference, S3).

use super::{LotId, Notice, Time};
use perennial_platform::id::Kind;

/// One lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Its name.
    pub id: LotId,
    /// Whose points.
    pub user: String,
    /// The entry that made it.
    pub entry_seq: i64,
    /// Points it began with.
    pub amount: i64,
    /// Points still in it.
    pub remaining: i64,
    /// Points of it that are not active yet.
    pub pending: i64,
    /// When those become active by themselves; `None`: when somebody activates them.
    pub activates_at: Option<Time>,
    /// Part of `remaining` that open holds have reserved.
    pub held: i64,
    /// Points of it that expired.
    pub expired: i64,
    /// First instant at which nothing of it can be spent; `None`: never.
    pub expires_at: Option<Time>,
    /// When its points were earned, by the source.
    pub earned_at: Time,
    /// When its holder was told that it will expire.
    pub warned_at: Option<Time>,
    /// What is known of the warning for its date.
    pub notice: Notice,
    /// Its first date, if it was extended because nobody had been warned.
    pub extended_from: Option<Time>,
}

impl Kind for Lot {
    const PREFIX: &'static str = "lot";
}

/// Sorts lots in the order of use.
pub type SpendKey = (bool, Option<Time>, Time, LotId);

impl Lot {
    /// Its place in the order of use.
    pub fn spend_key(&self) -> SpendKey {
        (self.expires_at.is_none(), self.expires_at, self.earned_at, self.id)
    }

    /// Points that no hold has reserved.
    pub fn free(&self) -> i64 {
        if flawed!(HoldNotCounted) { self.remaining } else { self.remaining - self.held }
    }

    /// Points that can be spent now.
    pub fn spendable(&self, now: Time) -> i64 {
        if self.is_dead(now) { 0 } else { self.free() }
    }

    /// A new date: its holder has to be warned of it again.
    pub fn redate(&mut self, expires_at: Option<Time>, notice: Notice) {
        self.expires_at = expires_at;
        self.notice = notice;
        self.warned_at = None;
    }

    /// Pending points of it are to become active.
    pub fn is_ripe(&self, now: Time) -> bool {
        self.pending > 0 && self.activates_at.is_some_and(|at| at <= now)
    }

    /// Its date has passed. (Whether it then expires or is extended is for [`Notice::holds`] to say,
    /// where the ledger settles a member.)
    pub fn is_dead(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}
