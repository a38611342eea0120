//! The part of the ledger that a batch of commands needs, in memory.
//!
//! The caller loads accounts, lots, holds and entries, posts commands, and writes the
//! [`Changes`] down in one transaction; many commands on one hot account cost no more than many
//! commands on many. Invariants: a refused command changes nothing; every entry's legs sum to zero;
//! what a member has is the sum of the lots ([`Book::into_changes`] checks both before anything is
//! written).

mod correct;
mod debit;
mod earn;
mod pending;
mod resolve;
mod reverse;
mod settle;
mod transfer;
mod wallet;

pub use settle::{CLOSED, FORMER};
pub use wallet::Wallet;

use super::chain::{self, Digest};
use super::{
    Account, Command, Entry, EntryId, EntryKind, Hold, HoldId, Legs, Lot, NoticePolicy, Origin,
    Programme, Refusal, Time, calendar,
};
use chrono_tz::Tz;
use std::collections::{BTreeMap, HashMap};

/// No member may ever be given more points than this; far from where sums could overflow.
pub const BALANCE_LIMIT: i64 = 1_000_000_000_000_000;

/// Loaded state and what commands made of it.
pub struct Book {
    now: Time,
    seq: i64,
    zone: Tz,
    grace_days: u32,
    notice: NoticePolicy,
    wallets: BTreeMap<String, Wallet>,
    holders: HashMap<HoldId, String>,
    known: HashMap<EntryId, Entry>,
    reversed: HashMap<EntryId, i64>,
    posted: Vec<Entry>,
    places: HashMap<EntryId, usize>,
}

/// What is to be written down.
#[derive(Debug, Default)]
pub struct Changes {
    /// New entries, by ascending `seq`.
    pub entries: Vec<Entry>,
    /// New and changed accounts, by user.
    pub accounts: Vec<Account>,
    /// New and changed lots.
    pub lots: Vec<Lot>,
    /// New and changed holds.
    pub holds: Vec<Hold>,
}

/// The book does not add up; nothing of it may be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger of a member does not add up: {0}")]
pub struct Broken(String);

impl Book {
    /// An empty book. `seq` is that of the last entry in the ledger; `now` must not lie before the
    /// time at which that one was recorded.
    pub fn new(programme: &Programme, now: Time, seq: i64) -> Self {
        Self {
            now,
            seq,
            zone: programme.zone,
            grace_days: programme.void_grace_days,
            notice: programme.expiry_notice,
            wallets: BTreeMap::new(),
            holders: HashMap::new(),
            known: HashMap::new(),
            reversed: HashMap::new(),
            posted: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// The same, with points that may expire without a warning, or may not.
    #[must_use]
    pub fn requiring_notice(mut self, required: bool) -> Self {
        self.notice.required = required;
        self
    }

    /// Takes in an account. `whole`: all its lots with points left, and all its holds that are
    /// due, will be loaded as well, which everything but an earning needs.
    pub fn load_account(&mut self, account: Account, whole: bool) {
        self.wallets.insert(account.user.clone(), Wallet::new(account, whole));
    }

    /// Takes in a lot of a loaded account.
    pub fn load_lot(&mut self, lot: Lot) {
        if let Some(wallet) = self.wallets.get_mut(&lot.user) {
            wallet.load_lot(lot);
        }
    }

    /// Takes in a hold of a loaded account.
    pub fn load_hold(&mut self, hold: Hold) {
        self.holders.insert(hold.id, hold.user.clone());
        if let Some(wallet) = self.wallets.get_mut(&hold.user) {
            wallet.load_hold(hold);
        }
    }

    /// Takes in an earlier entry that a command repeats or reverses, with the points of it that
    /// were reversed so far.
    pub fn load_entry(&mut self, entry: Entry, reversed: i64) {
        self.reversed.insert(entry.id, reversed);
        self.known.insert(entry.id, entry);
    }

    /// Carries a command out. Answers the entry it posted, or the one that it had posted before
    /// when its business event was applied already.
    pub fn post(&mut self, command: &Command) -> Result<EntryId, Refusal> {
        match command {
            Command::Earn(command) => self.earn(command),
            Command::Spend(command) => self.spend(command),
            Command::Hold(command) => self.hold(command),
            Command::Capture(command) => self.capture(command),
            Command::Void(command) => self.void(command),
            Command::Reverse(command) => self.reverse(command),
            Command::EarnPending(command) => self.earn_pending(command),
            Command::Activate(command) => self.activate(command),
            Command::CancelPending(command) => self.cancel_pending(command),
            Command::Transfer(command) => self.transfer(command),
            Command::Correct(command) => self.correct(command),
        }
    }

    /// Place of the last entry in the ledger.
    pub fn last(&self) -> i64 {
        self.seq
    }

    /// An entry that was loaded or posted.
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.places.get(&id).map(|place| &self.posted[*place]).or_else(|| self.known.get(&id))
    }

    /// A member that was loaded or came into being.
    pub fn wallet(&self, user: &str) -> Option<&Wallet> {
        self.wallets.get(user)
    }

    /// Chains what was posted to the entry with hash `previous`; answers the last hash.
    pub fn seal(&mut self, previous: Digest) -> Digest {
        self.posted.iter_mut().fold(previous, |previous, entry| {
            let hash = chain::next(&previous, entry);
            entry.hash = Some(hash);
            hash
        })
    }

    /// What has to be written down. Errors: the book does not add up.
    pub fn into_changes(self) -> Result<Changes, Broken> {
        let mut changes = Changes::default();
        if let Some(entry) = self.posted.iter().find(|entry| entry.legs.sum() != 0) {
            return Err(Broken(format!("the legs of entry {} are not balanced", entry.seq)));
        }
        for wallet in self.wallets.into_values() {
            wallet.verify().map_err(Broken)?;
            wallet.collect(&mut changes);
        }
        changes.entries = self.posted;
        Ok(changes)
    }

    /// Whether the business event behind `id` was applied before. Errors: it was, but with another
    /// user or another number of points.
    fn applied(&self, id: EntryId, user: &str, points: i64) -> Result<bool, Refusal> {
        match self.entry(id) {
            None => Ok(false),
            Some(entry) if entry.user != user => {
                Err(Refusal::SourceEventReused { field: "user_id" })
            }
            Some(entry) if entry.points != points => {
                Err(Refusal::SourceEventReused { field: "points" })
            }
            Some(_) => Ok(true),
        }
    }

    /// An entry still without effect, dated now.
    fn draft(&self, id: EntryId, kind: EntryKind, user: &str, points: i64) -> Entry {
        Entry {
            seq: 0,
            id,
            user: user.to_owned(),
            kind,
            points,
            legs: Legs::default(),
            held: 0,
            allocations: Vec::new(),
            available_after: 0,
            reverses: None,
            hold: None,
            origin: Origin::default(),
            occurred_at: self.now,
            recorded_at: self.now,
            expires_at: None,
            hash: None,
            activates_at: None,
            transfer: None,
        }
    }

    /// Gives an entry its place in the ledger and books it.
    fn record(&mut self, mut entry: Entry) -> EntryId {
        self.seq += 1;
        entry.seq = self.seq;
        let wallet = self.open_wallet(&entry.user);
        entry.available_after = wallet.book(&entry);
        let id = entry.id;
        self.places.insert(id, self.posted.len());
        self.posted.push(entry);
        id
    }

    fn open_wallet(&mut self, user: &str) -> &mut Wallet {
        let now = self.now;
        self.wallets
            .entry(user.to_owned())
            .or_insert_with(|| Wallet::new(Account::open(user, now), true))
    }

    /// The wallet of a member who may still earn and spend, with everything that fell due written
    /// down.
    fn settled(&mut self, user: &str) -> Result<&mut Wallet, Refusal> {
        self.settle(user);
        let wallet = self.wallets.get_mut(user).ok_or(Refusal::MemberNotFound)?;
        if wallet.account().closed_at.is_some() {
            return Err(Refusal::MemberClosed);
        }
        Ok(wallet)
    }

    /// The new date of points that come back after theirs has passed, if there is any grace.
    fn grace(&self) -> Option<Time> {
        match self.grace_days {
            0 => None,
            days => calendar::expiry_after_days(self.now, days, self.zone),
        }
    }
}

#[cfg(test)]
mod tests;
