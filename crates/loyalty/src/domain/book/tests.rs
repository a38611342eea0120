//! The book against a slow, obvious model in which every single point is an object of its own.

mod given;
mod golden;
mod laws;
mod model;
mod world;

use super::{Book, Changes};
use crate::domain::chain::{self, Digest};
use crate::domain::command::{
    Activate, CancelPending, Capture, Correct, Earn, EarnPending, PlaceHold, Reverse, Spend,
    Transfer, Void,
};
use crate::domain::rules::{Programme, ReversalPolicy};
use crate::domain::{
    Account, Command, Entry, EntryId, Hold, HoldId, Lot, LotId, Origin, Refusal, RuleVersion, Time,
};
use chrono::TimeDelta;
use std::collections::BTreeMap;

pub(super) const USER: &str = "u";
pub(super) const OTHER: &str = "v";

pub(super) fn day(days: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(days)
}

pub(super) fn programme(grace_days: u32) -> Programme {
    let mut programme = Programme::new(chrono_tz::UTC, vec![RuleVersion::default()]).unwrap();
    programme.void_grace_days = grace_days;
    programme
}

/// What a database would hold: everything that was ever written.
pub(super) struct Shelf {
    pub programme: Programme,
    pub now: Time,
    pub accounts: BTreeMap<String, Account>,
    pub lots: BTreeMap<LotId, Lot>,
    pub holds: BTreeMap<HoldId, Hold>,
    pub entries: Vec<Entry>,
    hash: Digest,
    ids: u128,
}

impl Shelf {
    pub(super) fn new(programme: Programme) -> Self {
        Self {
            programme,
            now: day(0),
            accounts: BTreeMap::new(),
            lots: BTreeMap::new(),
            holds: BTreeMap::new(),
            entries: Vec::new(),
            hash: chain::genesis(1),
            ids: 0,
        }
    }

    pub(super) fn next_id(&mut self) -> EntryId {
        self.ids += 1;
        EntryId::from(uuid::Uuid::from_u128(self.ids))
    }

    /// A book that holds what a batch would load; entries are loaded all.
    pub(super) fn book(&self) -> Book {
        let seq = i64::try_from(self.entries.len()).unwrap();
        let mut book = Book::new(&self.programme, self.now, seq);
        self.accounts.values().for_each(|account| book.load_account(account.clone(), true));
        self.lots.values().for_each(|lot| book.load_lot(lot.clone()));
        self.holds.values().for_each(|hold| book.load_hold(hold.clone()));
        for entry in &self.entries {
            let of = self.entries.iter().filter(|e| e.reverses == Some(entry.id));
            book.load_entry(entry.clone(), of.map(|e| e.points).sum());
        }
        book
    }

    pub(super) fn write(&mut self, changes: Changes) {
        self.entries.extend(changes.entries);
        self.accounts.extend(changes.accounts.into_iter().map(|a| (a.user.clone(), a)));
        self.lots.extend(changes.lots.into_iter().map(|lot| (lot.id, lot)));
        self.holds.extend(changes.holds.into_iter().map(|hold| (hold.id, hold)));
    }

    /// Posts one command in a batch of its own.
    pub(super) fn post(&mut self, command: &Command) -> Result<Entry, Refusal> {
        let mut book = self.book();
        // As it was posted; the link is put on when the batch is whole.
        let outcome = book.post(command);
        let outcome = outcome.map(|id| Entry { hash: None, ..book.entry(id).unwrap().clone() });
        self.hash = book.seal(self.hash);
        let changes = book.into_changes().unwrap();
        self.write(changes);
        outcome
    }

    pub(super) fn settle(&mut self) {
        let mut book = self.book();
        book.settle(USER);
        book.settle(OTHER);
        self.hash = book.seal(self.hash);
        let changes = book.into_changes().unwrap();
        self.write(changes);
    }

    pub(super) fn earn(&mut self, points: i64, expires_at: Option<Time>) -> EntryId {
        let id = self.next_id();
        let command = earn(id, points, self.now, expires_at);
        self.post(&command).unwrap().id
    }
}

pub(super) fn earn(id: EntryId, points: i64, at: Time, expires_at: Option<Time>) -> Command {
    Command::Earn(Earn {
        id,
        user: USER.to_owned(),
        points,
        occurred_at: at,
        expires_at,
        must_lie_ahead: false,
        origin: Origin::default(),
    })
}

pub(super) fn spend(id: EntryId, points: i64) -> Command {
    Command::Spend(Spend { id, user: USER.to_owned(), points, origin: Origin::default() })
}

pub(super) fn hold(id: EntryId, points: i64, days: i64) -> Command {
    let (user, origin) = (USER.to_owned(), Origin::default());
    Command::Hold(PlaceHold { id, user, points, timeout: TimeDelta::days(days), origin })
}

pub(super) fn capture(hold: EntryId, points: Option<i64>) -> Command {
    Command::Capture(Capture { hold: HoldId::from(hold.uuid()), points })
}

pub(super) fn void(hold: EntryId) -> Command {
    Command::Void(Void { hold: HoldId::from(hold.uuid()), reason: String::new() })
}

pub(super) fn reverse(
    id: EntryId,
    entry: EntryId,
    points: Option<i64>,
    policy: ReversalPolicy,
) -> Command {
    let origin = Origin::default();
    Command::Reverse(Reverse { id, entry, points, up_to: false, policy, expires_at: None, origin })
}

pub(super) fn earn_pending(
    id: EntryId,
    points: i64,
    at: Time,
    activates_at: Option<Time>,
    expires_at: Option<Time>,
) -> Command {
    let Command::Earn(earn) = earn(id, points, at, expires_at) else { unreachable!() };
    Command::EarnPending(EarnPending { earn, activates_at })
}

pub(super) fn activate(entry: EntryId) -> Command {
    Command::Activate(Activate { entry })
}

pub(super) fn cancel(id: EntryId, entry: EntryId, points: Option<i64>) -> Command {
    Command::CancelPending(CancelPending { id, entry, points, origin: Origin::default() })
}

pub(super) fn transfer(id: EntryId, from: &str, to: &str, points: i64) -> Command {
    let (from, to) = (from.to_owned(), to.to_owned());
    Command::Transfer(Transfer { id, from, to, points, origin: Origin::default() })
}

pub(super) fn correct(id: EntryId, points: i64, policy: ReversalPolicy) -> Command {
    Command::Correct(Correct {
        id,
        user: USER.to_owned(),
        points,
        policy,
        expires_at: None,
        must_lie_ahead: false,
        origin: Origin::default(),
    })
}

/// The same command for another member.
pub(super) fn by(user: &str, mut command: Command) -> Command {
    match &mut command {
        Command::Earn(c) => user.clone_into(&mut c.user),
        Command::EarnPending(c) => user.clone_into(&mut c.earn.user),
        Command::Spend(c) => user.clone_into(&mut c.user),
        Command::Hold(c) => user.clone_into(&mut c.user),
        Command::Correct(c) => user.clone_into(&mut c.user),
        _ => {}
    }
    command
}
