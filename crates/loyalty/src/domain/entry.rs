//! Entries of the double-entry ledger.
//!
//! Invariants: the legs of an entry sum to zero; an entry never changes (its fields are set once,
//! in [`crate::domain::Book`]). Source: reference of the ledger, S1 (accounts) and S2 (record).

use super::chain::Digest;
use super::{EntryId, HoldId, LotId, Time, TransferId};
use perennial_platform::id::Kind;
use std::collections::BTreeMap;

/// One entry: a change of a member's points and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Place in the ledger: 1, 2, 3, ... without gaps.
    pub seq: i64,
    /// Derived from the business event when there is one, so that the primary key itself keeps
    /// such an event from being applied twice.
    pub id: EntryId,
    /// Whose points.
    pub user: String,
    /// What it did.
    pub kind: EntryKind,
    /// How many points it is about; positive.
    pub points: i64,
    /// What it did to each account.
    pub legs: Legs,
    /// Change of the points held (pending, a part of available).
    pub held: i64,
    /// Lots the points came from or went back to, in that order. For a hold: what it reserves.
    pub allocations: Vec<Allocation>,
    /// The member's booked points after it.
    pub available_after: i64,
    /// The entry it takes back.
    pub reverses: Option<EntryId>,
    /// The hold it places or resolves.
    pub hold: Option<HoldId>,
    /// Where it comes from.
    pub origin: Origin,
    /// When it happened, by the source.
    pub occurred_at: Time,
    /// When the ledger recorded it; never before the entry before it.
    pub recorded_at: Time,
    /// Earnings: from this instant the points can no longer be spent. Where points come back after
    /// their date, and where lots are extended: the new date of those lots.
    pub expires_at: Option<Time>,
    /// Its link of the chain ([`crate::domain::chain`]); `None` until it is sealed, and for entries
    /// from before there was a chain.
    pub hash: Option<Digest>,
    /// Pending earnings: when they become active by themselves.
    pub activates_at: Option<Time>,
    /// The transfer it is one half of.
    pub transfer: Option<TransferId>,
}

impl Kind for Entry {
    const PREFIX: &'static str = "ent";
}

/// What an entry did. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "explained in kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum EntryKind {
    Earn = 1,
    Spend = 2,
    Hold = 3,
    Capture = 4,
    Void = 5,
    Timeout = 6,
    Expire = 7,
    ReverseEarn = 8,
    ReverseSpend = 9,
    SetOff = 10,
    EarnPending = 11,
    Activate = 12,
    CancelPending = 13,
    TransferOut = 14,
    TransferIn = 15,
    Correction = 16,
    Extend = 20,
}

impl EntryKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Earn,
        Self::Spend,
        Self::Hold,
        Self::Capture,
        Self::Void,
        Self::Timeout,
        Self::Expire,
        Self::ReverseEarn,
        Self::ReverseSpend,
        Self::SetOff,
        Self::EarnPending,
        Self::Activate,
        Self::CancelPending,
        Self::TransferOut,
        Self::TransferIn,
        Self::Correction,
        Self::Extend,
    ];

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// What its allocations do to the points of a lot, pending ones included: taken (1), given back
    /// (-1), or left in it: reserved, activated, or what the lot began with (0).
    pub fn lot_sign(self) -> i64 {
        match self {
            Self::Spend
            | Self::Capture
            | Self::Expire
            | Self::ReverseEarn
            | Self::SetOff
            | Self::CancelPending
            | Self::TransferOut
            | Self::Correction => 1,
            Self::ReverseSpend => -1,
            Self::Earn
            | Self::Hold
            | Self::Void
            | Self::Timeout
            | Self::EarnPending
            | Self::Activate
            | Self::TransferIn
            | Self::Extend => 0,
        }
    }
}

/// Points of one lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// The lot.
    pub lot: LotId,
    /// Positive.
    pub points: i64,
}

/// Change of each account, credits minus debits. `issuer`, `redeemed`, `expired` and `reversed`
/// are the programme's accounts, `available`, `escrow` and `debt` the member's; the balance of
/// `issuer` and `debt` is never above zero, that of the others never below. `transfer` is what is on
/// its way between members: zero after every transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the accounts, explained above")]
pub struct Legs {
    pub issuer: i64,
    pub available: i64,
    pub escrow: i64,
    pub debt: i64,
    pub redeemed: i64,
    pub expired: i64,
    pub reversed: i64,
    pub transfer: i64,
}

impl Legs {
    /// issuer -> debt, issuer -> available.
    pub fn earn(to_debt: i64, to_available: i64) -> Self {
        let issuer = -(to_debt + to_available);
        Self { issuer, debt: to_debt, available: to_available, ..Self::default() }
    }

    /// available -> redeemed; negative points turn it round.
    pub fn spend(points: i64) -> Self {
        Self { available: -points, redeemed: points, ..Self::default() }
    }

    /// issuer -> escrow.
    pub fn earn_pending(points: i64) -> Self {
        Self { issuer: -points, escrow: points, ..Self::default() }
    }

    /// escrow -> available.
    pub fn activate(points: i64) -> Self {
        Self { escrow: -points, available: points, ..Self::default() }
    }

    /// escrow -> reversed.
    pub fn cancel_pending(points: i64) -> Self {
        Self { escrow: -points, reversed: points, ..Self::default() }
    }

    /// available -> transfer; negative points turn it round.
    pub fn transfer(points: i64) -> Self {
        Self { available: -points, transfer: points, ..Self::default() }
    }

    /// available -> expired.
    pub fn expire(points: i64) -> Self {
        Self { available: -points, expired: points, ..Self::default() }
    }

    /// escrow -> reversed, available -> reversed, debt -> reversed.
    pub fn reverse_earn(from_escrow: i64, from_available: i64, into_debt: i64) -> Self {
        Self {
            escrow: -from_escrow,
            available: -from_available,
            debt: -into_debt,
            reversed: from_escrow + from_available + into_debt,
            ..Self::default()
        }
    }

    /// available -> debt.
    pub fn set_off(points: i64) -> Self {
        Self { available: -points, debt: points, ..Self::default() }
    }

    /// Zero for every entry.
    pub fn sum(self) -> i64 {
        self.issuer
            + self.available
            + self.escrow
            + self.debt
            + self.redeemed
            + self.expired
            + self.reversed
            + self.transfer
    }
}

/// Where an entry comes from; empty texts mean "not said".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The caller's system.
    pub source: String,
    /// Its id of the event.
    pub event: String,
    /// The caller's own word for why.
    pub reason: String,
    /// The earning rule that gave the points.
    pub rule: String,
    /// The version of the rules that judged.
    pub rule_version: String,
    /// What the rule read, so that the number can be computed again.
    pub facts: BTreeMap<String, String>,
}

impl Origin {
    /// The id of the entry of this `kind` for this business event, or `fresh` when no event is
    /// named. The key is (source, event, reason or rule); spaces occur in none of them.
    pub fn entry_id(&self, kind: EntryKind, fresh: EntryId) -> EntryId {
        if self.source.is_empty() || self.event.is_empty() || flawed!(NaturalKeyIgnored) {
            return fresh;
        }
        let Self { source, event, reason, rule, .. } = self;
        EntryId::derived(&format!("{} {source} {event} {reason} {rule}", kind.number()))
    }
}
