//! Points given: issuer -> (debt up to the debt, the rest) -> available, as a new lot.

use super::{BALANCE_LIMIT, Book};
use crate::domain::command::Earn;
use crate::domain::{Entry, EntryId, EntryKind, Legs, Lot, LotId, Refusal};

impl Book {
    pub(super) fn earn(&mut self, command: &Earn) -> Result<EntryId, Refusal> {
        if self.applied(command.id, &command.user, command.points)? {
            return Ok(command.id);
        }
        if command.must_lie_ahead && command.expires_at.is_some_and(|at| at <= self.now) {
            return Err(Refusal::ExpiryPassed);
        }
        let draft = self.draft(command.id, EntryKind::Earn, &command.user, command.points);
        let id = self.give(Entry {
            occurred_at: command.occurred_at,
            expires_at: command.expires_at,
            origin: command.origin.clone(),
            ..draft
        })?;
        if command.must_lie_ahead {
            let notice = self.notice.asked_for(self.now, command.expires_at);
            let lot = LotId::from(id.uuid());
            self.open_wallet(&command.user).change_lot(lot, |lot| lot.notice = notice);
        }
        Ok(id)
    }

    /// Posts an earning. A debt is paid off first; what is left becomes a lot.
    pub(super) fn give(&mut self, entry: Entry) -> Result<EntryId, Refusal> {
        let account = self.open_wallet(&entry.user).account();
        if account.closed_at.is_some() {
            return Err(Refusal::MemberClosed);
        }
        let issued = account.issued.checked_add(entry.points);
        if issued.is_none_or(|issued| issued > BALANCE_LIMIT) {
            return Err(Refusal::BalanceLimit { limit: BALANCE_LIMIT });
        }
        let to_debt = account.debt.min(entry.points);
        let amount = entry.points - to_debt;
        let lot = Lot {
            id: LotId::from(entry.id.uuid()),
            user: entry.user.clone(),
            entry_seq: self.seq + 1,
            amount,
            remaining: amount,
            held: 0,
            expired: 0,
            expires_at: entry.expires_at,
            earned_at: entry.occurred_at,
            warned_at: None,
            notice: self.notice.at_first(),
            extended_from: None,
        };
        let id = self.record(Entry { legs: Legs::earn(to_debt, amount), ..entry });
        if amount > 0 {
            self.open_wallet(&lot.user.clone()).put_lot(lot);
        }
        Ok(id)
    }
}
