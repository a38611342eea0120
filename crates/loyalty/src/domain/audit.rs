//! An auditor who reads the ledger from its first entry, rebuilds accounts, lots and holds from
//! it, and compares them with those that are kept.
//!
//! The invariants are those of the reference, 3.2; a violation begins with their number.

mod order;

use super::chain::{self, Digest};
use super::lot::SpendKey;
use super::{
    Account, Entry, EntryId, EntryKind, Hold, HoldId, HoldState, Lot, LotId, Time, TransferId,
    judgement,
};
use std::collections::{BTreeMap, HashMap};

/// Violations reported at most.
const MAX_REPORTED: usize = 100;

/// A hold as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHold {
    /// Its name.
    pub id: HoldId,
    /// Whose points.
    pub user: String,
    /// How many.
    pub points: i64,
    /// Where it stands; `None`: a number that was never given out.
    pub state: Option<HoldState>,
    /// The entry that resolved it.
    pub resolved_by: Option<EntryId>,
}

/// What was read so far.
pub struct Auditor {
    violations: Vec<String>,
    seq: i64,
    recorded_at: Time,
    /// Where the chain begins, and its last hash.
    chained_from: i64,
    hash: Digest,
    accounts: HashMap<String, Account>,
    lots: HashMap<LotId, Rebuilt>,
    holds: HashMap<HoldId, (Hold, Option<EntryId>)>,
    /// Points of entries that can be reversed, and how many were.
    reversible: HashMap<EntryId, (i64, i64)>,
    /// Points on their way between members.
    transfers: HashMap<TransferId, i64>,
    /// Dates of the lots that they came from, and when those were earned.
    given: HashMap<TransferId, Vec<(Option<Time>, Time)>>,
    /// Lots with points left, by member and in the order of use.
    open: HashMap<String, BTreeMap<SpendKey, LotId>>,
    /// Points that expired before their date: by whom, when, in which entry.
    early: Vec<(String, Time, i64)>,
    /// Lots that expired because a warning had been handed over: which, by when, in which entry.
    warned: Vec<(LotId, Time, i64)>,
    /// What kept accounts have, hold and wait for, less what was found in their lots.
    kept: HashMap<String, [i64; 3]>,
    /// Over all accounts that are kept.
    total: i128,
}

/// A lot as the ledger says it.
#[derive(Default)]
pub(super) struct Rebuilt {
    pub(super) user: String,
    pub(super) entry_seq: i64,
    pub(super) amount: i64,
    pub(super) remaining: i64,
    pub(super) pending: i64,
    pub(super) held: i64,
    pub(super) expired: i64,
    pub(super) earned_at: Time,
    pub(super) expires_at: Option<Time>,
    /// Its date may have been changed by entries that do not say so, from before the chain.
    pub(super) undated: bool,
}

impl Auditor {
    /// Before the first entry of a ledger whose chain begins at a place.
    pub fn new(chained_from: i64) -> Self {
        Self {
            chained_from,
            hash: chain::genesis(chained_from),
            violations: Vec::new(),
            seq: 0,
            recorded_at: Time::MIN_UTC,
            accounts: HashMap::new(),
            lots: HashMap::new(),
            holds: HashMap::new(),
            reversible: HashMap::new(),
            transfers: HashMap::new(),
            given: HashMap::new(),
            open: HashMap::new(),
            early: Vec::new(),
            warned: Vec::new(),
            kept: HashMap::new(),
            total: 0,
        }
    }

    fn require(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds && self.violations.len() < MAX_REPORTED {
            self.violations.push(violation());
        }
    }

    /// In the middle of a ledger, after the entry at a place with a hash: only for
    /// [`Auditor::follow`].
    pub fn after(seq: i64, hash: Digest, chained_from: i64) -> Self {
        Self { seq, hash, ..Self::new(chained_from) }
    }

    /// Takes note of what is wrong with the rows themselves.
    pub fn note(&mut self, faults: Vec<String>) {
        for fault in faults {
            self.require(false, || fault);
        }
    }

    /// Reads the next entry of the ledger.
    pub fn entry(&mut self, entry: &Entry) {
        self.follow(entry);
        self.book(entry);
        self.judge_id(entry);
        self.judge_order(entry);
        self.judge_expiry(entry);
        self.hand_on(entry);
        self.allocate(entry);
        self.redate(entry);
        self.follow_hold(entry);
        self.follow_reversal(entry);
        self.follow_transfer(entry);
        self.recompute(entry);
    }

    /// What can be said of an entry without knowing all before it: its place, its time, its link of
    /// the chain, its sum.
    pub fn follow(&mut self, entry: &Entry) {
        let seq = entry.seq;
        let expected = self.seq + 1;
        self.require(seq == expected, || format!("I11: entry {seq} follows {}", expected - 1));
        let monotone = entry.recorded_at >= self.recorded_at;
        self.require(monotone, || {
            format!("I11: entry {seq} was recorded before the one before it")
        });
        (self.seq, self.recorded_at) = (seq, self.recorded_at.max(entry.recorded_at));
        self.follow_chain(entry);
        let sum = entry.legs.sum();
        self.require(sum == 0, || format!("I2: the legs of entry {seq} sum to {sum}"));
    }

    /// Goes on from the hash that the entry carries, so that one change is one violation.
    fn follow_chain(&mut self, entry: &Entry) {
        let seq = entry.seq;
        if seq < self.chained_from {
            return self.require(entry.hash.is_none(), || {
                format!("I11: entry {seq} has a hash, but the chain begins later")
            });
        }
        let expected = chain::next(&self.hash, entry);
        self.require(entry.hash == Some(expected), || {
            format!("I11: entry {seq} is not what its hash says")
        });
        self.hash = entry.hash.unwrap_or(expected);
    }

    /// The place of the last entry.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Every lot as the ledger says it.
    pub(super) fn lots(&self) -> impl Iterator<Item = (LotId, &Rebuilt)> {
        self.lots.iter().map(|(id, lot)| (*id, lot))
    }

    /// What was found so far.
    pub fn into_violations(self) -> Vec<String> {
        self.violations
    }

    /// The hash of the last entry.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    fn book(&mut self, entry: &Entry) {
        let account = self
            .accounts
            .entry(entry.user.clone())
            .or_insert_with(|| Account::open(&entry.user, entry.recorded_at));
        account.book(&entry.legs, entry.held);
        let a = account.clone();
        let (seq, user) = (entry.seq, &entry.user);
        let guarded = [a.available, a.held, a.escrow, a.debt, a.available - a.held];
        self.require(guarded.iter().all(|n| *n >= 0), || {
            format!("I3: after entry {seq} an account of {user} is negative")
        });
        self.require(a.available == entry.available_after, || {
            format!(
                "I11: entry {seq} says {} points, the ledger {}",
                entry.available_after, a.available
            )
        });
    }

    fn allocate(&mut self, entry: &Entry) {
        let seq = entry.seq;
        let parts: i64 = entry.allocations.iter().map(|part| part.points).sum();
        let expected = match entry.kind {
            EntryKind::Hold | EntryKind::Extend | EntryKind::Activate => entry.points,
            EntryKind::Void | EntryKind::Timeout => 0,
            _ if entry.legs.issuer < 0 => 0,
            _ => entry.legs.available.abs() + entry.legs.escrow.abs(),
        };
        self.require(parts == expected, || {
            format!("I6: entry {seq} names {parts} points of lots for {expected}")
        });
        let (remaining, pending) = (entry.legs.available, entry.legs.escrow);
        if entry.legs.issuer < 0 && remaining + pending > 0 {
            let lot = Rebuilt {
                user: entry.user.clone(),
                entry_seq: seq,
                amount: remaining + pending,
                remaining,
                pending,
                earned_at: entry.occurred_at,
                expires_at: entry.expires_at,
                ..Rebuilt::default()
            };
            self.put(LotId::from(entry.id.uuid()), lot);
        }
        let mut from_escrow = (-entry.legs.escrow).max(0);
        for part in &entry.allocations {
            let lot = self.lots.entry(part.lot).or_default();
            // What an entry takes from escrow are the first of its points.
            let pending = part.points.min(from_escrow);
            from_escrow -= pending;
            lot.pending -= pending;
            lot.remaining += pending - part.points * entry.kind.lot_sign();
            match entry.kind {
                EntryKind::TransferIn => {
                    lot.amount += part.points;
                    lot.remaining += part.points;
                }
                EntryKind::Hold => lot.held += part.points,
                EntryKind::Expire => lot.expired += part.points,
                _ => {}
            }
        }
    }

    fn follow_hold(&mut self, entry: &Entry) {
        let Some(id) = entry.hold else { return };
        let seq = entry.seq;
        if entry.kind == EntryKind::Hold {
            let hold = Hold {
                id,
                user: entry.user.clone(),
                points: entry.points,
                deadline: entry.recorded_at,
                state: HoldState::Open,
                parts: entry.allocations.clone(),
                resolved_by: None,
            };
            self.holds.insert(id, (hold, None));
            return;
        }
        let Some((hold, resolved)) = self.holds.get_mut(&id) else {
            return self
                .require(false, || format!("I9: entry {seq} resolves a hold that never was"));
        };
        let first = resolved.replace(entry.id).is_none();
        hold.state = match entry.kind {
            EntryKind::Capture => HoldState::Captured,
            EntryKind::Timeout => HoldState::TimedOut,
            _ => HoldState::Voided,
        };
        let fits = hold.points == -entry.held && entry.legs.redeemed <= hold.points;
        for part in hold.parts.clone() {
            self.lots.entry(part.lot).or_default().held -= part.points;
        }
        self.require(first, || format!("I9: entry {seq} resolves {id} a second time"));
        self.require(fits, || format!("I9: entry {seq} does not let go what {id} held"));
    }

    fn follow_reversal(&mut self, entry: &Entry) {
        let seq = entry.seq;
        let first = self.reversible.insert(entry.id, (entry.points, 0)).is_none();
        self.require(first, || format!("I7: entry {seq} has the id of an earlier one"));
        let Some(original) = entry.reverses else { return };
        let within = match self.reversible.get_mut(&original) {
            Some((points, reversed)) => {
                *reversed += entry.points;
                *reversed <= *points
            }
            None => false,
        };
        self.require(within, || format!("I10: entry {seq} reverses more than {original} was for"));
    }

    /// What a rule gave is what it gives for the same facts again.
    fn recompute(&mut self, entry: &Entry) {
        let (rule, facts) = (&entry.origin.rule, &entry.origin.facts);
        let again = judgement::recompute(rule, facts).filter(|_| entry.kind == EntryKind::Earn);
        self.require(again.is_none_or(|points| points == entry.points), || {
            format!("I12: entry {} has other points than its facts give", entry.seq)
        });
    }

    /// Both halves of a transfer, or neither: what one member gave is what the other got.
    fn follow_transfer(&mut self, entry: &Entry) {
        let Some(id) = entry.transfer else {
            let seq = entry.seq;
            return self.require(entry.legs.transfer == 0, || {
                format!("I2: entry {seq} moves points between members without a transfer")
            });
        };
        let under_way = self.transfers.entry(id).or_default();
        *under_way += entry.legs.transfer;
        if *under_way == 0 {
            self.transfers.remove(&id);
        }
    }

    /// Compares an account that is kept.
    pub fn account(&mut self, kept: &Account) {
        let user = &kept.user;
        let rebuilt = self.accounts.remove(user);
        let mut rebuilt = rebuilt.unwrap_or_else(|| Account::open(user, kept.joined_at));
        (rebuilt.joined_at, rebuilt.closed_at) = (kept.joined_at, kept.closed_at);
        self.require(rebuilt == *kept, || {
            format!("I12: {user} has {kept:?}, but the ledger says {rebuilt:?}")
        });
        let gone = kept.redeemed + kept.expired + kept.reversed + kept.transferred;
        let conserved = kept.issued == gone + kept.available + kept.escrow - kept.debt;
        self.require(conserved, || format!("I4: the points issued to {user} are not all there"));
        // Over all members, what was given away and what was received cancel out.
        let gone = gone - kept.transferred;
        let sides = [gone, kept.available, kept.escrow, -kept.debt, -kept.issued];
        self.total += sides.into_iter().map(i128::from).sum::<i128>();
        self.kept.insert(user.clone(), [kept.available, kept.held, kept.escrow]);
        let ended = |at: Time| kept.closed_at.is_some_and(|c| c <= at) || kept.joined_at >= at;
        let early = self.early.iter().find(|(who, at, _)| who == user && !ended(*at));
        if let Some(seq) = early.map(|(.., seq)| *seq) {
            self.require(false, || format!("I14: points expired before their date in entry {seq}"));
        }
    }

    /// Compares a lot that is kept.
    pub fn lot(&mut self, kept: &Lot) {
        let id = kept.id;
        let rebuilt = self.lots.remove(&id).unwrap_or_default();
        let same = (rebuilt.amount, rebuilt.remaining, rebuilt.held, rebuilt.expired)
            == (kept.amount, kept.remaining, kept.held, kept.expired)
            && rebuilt.pending == kept.pending;
        self.require(same, || format!("I5: {id} is not what the ledger says"));
        let bounds = 0 <= kept.held
            && kept.held <= kept.remaining
            && 0 <= kept.pending
            && kept.remaining + kept.pending <= kept.amount;
        self.require(bounds, || format!("I5: {id} is outside its bounds"));
        let whose = rebuilt.user == kept.user && rebuilt.entry_seq == kept.entry_seq;
        let dated = rebuilt.undated || rebuilt.expires_at == kept.expires_at;
        self.require(whose && dated && rebuilt.earned_at == kept.earned_at, || {
            format!("I12: {id} is another's, or has another date, than the ledger says")
        });
        let rest = self.kept.entry(kept.user.clone()).or_default();
        for (rest, part) in rest.iter_mut().zip([kept.remaining, kept.held, kept.pending]) {
            *rest -= part;
        }
    }

    /// Compares a hold that is kept: where it stands, and what resolved it.
    pub fn hold(&mut self, kept: &KeptHold) {
        let KeptHold { id, state, resolved_by, .. } = *kept;
        let rebuilt = self.holds.remove(&id);
        let same = rebuilt.is_some_and(|(hold, resolved)| {
            let same = hold.points == kept.points && hold.user == kept.user;
            same && resolved == resolved_by && state == Some(hold.state)
        });
        self.require(same, || format!("I9: {id} is not what the ledger says"));
    }

    /// Ends the comparison: whatever the ledger made must have been kept. Returns the violations.
    pub fn finish(mut self) -> Vec<String> {
        let total = self.total;
        self.require(total == 0, || format!("I1: the balances of all accounts sum to {total}"));
        let mut unequal: Vec<String> =
            self.kept.drain().filter(|(_, rest)| *rest != [0; 3]).map(|(user, _)| user).collect();
        unequal.sort_unstable();
        for user in unequal {
            self.require(false, || format!("I5: the lots of {user} are not what they have"));
        }
        let accounts = self.accounts.len();
        self.require(accounts == 0, || {
            format!("I12: {accounts} members of the ledger are not kept")
        });
        let halves = self.transfers.len();
        self.require(halves == 0, || format!("I2: {halves} transfers have one half only"));
        let (lots, holds) = (self.lots.len(), self.holds.len());
        self.require(lots == 0, || format!("I12: {lots} lots of the ledger are not kept"));
        self.require(holds == 0, || format!("I12: {holds} holds of the ledger are not kept"));
        self.violations
    }
}
