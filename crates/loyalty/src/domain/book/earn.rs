//! Points given: issuer -> (debt up to the debt, the rest) -> available, as a new lot.

use super::{BALANCE_LIMIT, Book};
use crate::domain::command::Earn;
use crate::domain::{Account, Entry, EntryId, EntryKind, Legs, Lot, LotId, Refusal, Time};

impl Book {
    pub(super) fn earn(&mut self, command: &Earn) -> Result<EntryId, Refusal> {
        if self.applied(command.id, &command.user, command.points)? {
            return Ok(command.id);
        }
        self.must_lie_ahead(command.must_lie_ahead, command.expires_at)?;
        let draft = self.draft(command.id, EntryKind::Earn, &command.user, command.points);
        let id = self.give(Entry {
            occurred_at: command.occurred_at,
            expires_at: command.expires_at,
            origin: command.origin.clone(),
            ..draft
        })?;
        self.asked_for(&command.user, id, command.must_lie_ahead);
        Ok(id)
    }

    /// Takes note that somebody asked for the date of the lot of an earning.
    pub(super) fn asked_for(&mut self, user: &str, id: EntryId, asked: bool) {
        let (policy, now) = (self.notice, self.now);
        if asked {
            self.open_wallet(user).change_lot(LotId::from(id.uuid()), |lot| {
                lot.notice = policy.asked_for(now, lot.expires_at);
            });
        }
    }

    /// Refuses a date that somebody asked for and that has passed.
    pub(super) fn must_lie_ahead(&self, asked: bool, date: Option<Time>) -> Result<(), Refusal> {
        match date {
            Some(at) if asked && at <= self.now => Err(Refusal::ExpiryPassed),
            _ => Ok(()),
        }
    }

    /// Posts an earning. A debt is paid off first; what is left becomes a lot.
    pub(super) fn give(&mut self, entry: Entry) -> Result<EntryId, Refusal> {
        let debt = self.receiver(&entry.user, entry.points)?.debt;
        let to_debt = debt.min(entry.points);
        let amount = entry.points - to_debt;
        let lot = Lot { amount, remaining: amount, ..self.new_lot(&entry) };
        let id = self.record(Entry { legs: Legs::earn(to_debt, amount), ..entry });
        if amount > 0 {
            self.open_wallet(&lot.user.clone()).put_lot(lot);
        }
        Ok(id)
    }

    /// The accounts of a member who may be given these points.
    pub(super) fn receiver(&mut self, user: &str, points: i64) -> Result<&Account, Refusal> {
        let account = self.open_wallet(user).account();
        if account.closed_at.is_some() {
            return Err(Refusal::MemberClosed);
        }
        let issued = account.issued.checked_add(points);
        if issued.is_none_or(|issued| issued > BALANCE_LIMIT) {
            return Err(Refusal::BalanceLimit { limit: BALANCE_LIMIT });
        }
        Ok(account)
    }

    /// The lot, still empty, of an entry that comes next.
    pub(super) fn new_lot(&self, entry: &Entry) -> Lot {
        Lot {
            id: LotId::from(entry.id.uuid()),
            user: entry.user.clone(),
            entry_seq: self.seq + 1,
            amount: 0,
            remaining: 0,
            pending: 0,
            activates_at: None,
            held: 0,
            expired: 0,
            expires_at: entry
                .expires_at
                .filter(|_| !(flawed!(LotsNeverExpire) && entry.origin.rule == "check-in")),
            earned_at: entry.occurred_at,
            warned_at: None,
            notice: self.notice.at_first(),
            extended_from: None,
        }
    }
}
