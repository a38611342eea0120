//! The accounts of one member, and the totals that explain them.
//!
//! Invariant: `issued = redeemed + expired + reversed + transferred + available + escrow - debt`,
//! because every change comes as legs that sum to zero.

use super::{Legs, Time};

/// What one member has, owes and ever had. Whole points, none but `transferred` ever negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The caller's id of the member.
    pub user: String,
    /// When the member came into being here, or came back after an erasure.
    pub joined_at: Time,
    /// Since when nothing can be earned or spent any more (the person was erased).
    pub closed_at: Option<Time>,
    /// Booked points, held ones included.
    pub available: i64,
    /// Part of `available` that open holds have set aside.
    pub held: i64,
    /// Earned, not active yet.
    pub escrow: i64,
    /// Taken back after it was spent.
    pub debt: i64,
    /// Ever issued.
    pub issued: i64,
    /// Ever spent, less what was given back.
    pub redeemed: i64,
    /// Ever expired.
    pub expired: i64,
    /// Ever taken back.
    pub reversed: i64,
    /// Given to other members, less what came from them.
    pub transferred: i64,
}

impl Account {
    /// A new member without points.
    pub fn open(user: &str, now: Time) -> Self {
        Self {
            user: user.to_owned(),
            joined_at: now,
            closed_at: None,
            available: 0,
            held: 0,
            escrow: 0,
            debt: 0,
            issued: 0,
            redeemed: 0,
            expired: 0,
            reversed: 0,
            transferred: 0,
        }
    }

    /// A membership that had ended begins anew. What was ever earned, spent and owed stays on the
    /// account, because the ledger goes on.
    pub fn reopen(&mut self, now: Time) {
        self.joined_at = now;
        self.closed_at = None;
    }

    /// Whether something that the member was given at an instant is still theirs: it was not given
    /// before an erasure.
    pub fn has(&self, given_at: Time) -> bool {
        self.closed_at.is_none() && self.joined_at <= given_at
    }

    /// Books an entry.
    pub fn book(&mut self, legs: &Legs, held: i64) {
        self.issued -= legs.issuer;
        self.available += legs.available;
        self.escrow += legs.escrow;
        self.debt -= legs.debt;
        self.redeemed += if flawed!(BalanceBesideHistory) { 0 } else { legs.redeemed };
        self.expired += legs.expired;
        self.reversed += legs.reversed;
        self.transferred += legs.transfer;
        self.held += held;
    }
}
