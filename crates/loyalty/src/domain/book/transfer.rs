//! Points given by one member to another: available -> transfer, transfer -> available, in two
//! entries that are posted together or not at all.

use super::debit::pick_all;
use super::{BALANCE_LIMIT, Book};
use crate::domain::command::Transfer;
use crate::domain::{
    Allocation, Entry, EntryId, EntryKind, Legs, Lot, LotId, Origin, Refusal, TransferId,
};

impl Book {
    pub(super) fn transfer(&mut self, command: &Transfer) -> Result<EntryId, Refusal> {
        if self.applied(command.id, &command.from, command.points)? {
            return match self.entry(command.id) {
                Some(earlier) if earlier.origin.facts.get("to") != Some(&command.to) => {
                    Err(Refusal::SourceEventReused { field: "to_user_id" })
                }
                _ => Ok(command.id),
            };
        }
        self.settled(&command.from)?;
        let receiver = self.settled(&command.to).map_err(of_receiver)?.account();
        let after = receiver.available + receiver.escrow + command.points;
        if after > BALANCE_LIMIT {
            return Err(Refusal::BalanceLimit { limit: BALANCE_LIMIT });
        }
        let now = self.now;
        let giver = self.open_wallet(&command.from);
        let parts = pick_all(giver, command.points, now)?;
        let given: Vec<Lot> =
            parts.iter().filter_map(|part| giver.lot(part.lot).cloned()).collect();
        giver.take(&parts);
        self.send(command, parts.clone());
        self.receive(command, &given, &parts);
        self.settle(&command.to);
        Ok(command.id)
    }

    fn send(&mut self, command: &Transfer, parts: Vec<Allocation>) {
        let (id, points) = (command.id, command.points);
        let draft = self.draft(id, EntryKind::TransferOut, &command.from, points);
        self.record(Entry {
            legs: Legs::transfer(points),
            allocations: parts,
            transfer: Some(TransferId::from(id.uuid())),
            origin: with_fact(&command.origin, "to", &command.to),
            ..draft
        });
    }

    /// The points keep their dates: what came from lots of one date is one lot again.
    fn receive(&mut self, command: &Transfer, given: &[Lot], parts: &[Allocation]) {
        let id = Transfer::received_id(command.id);
        let draft = self.draft(id, EntryKind::TransferIn, &command.to, command.points);
        let mut lots: Vec<Lot> = Vec::new();
        for (lot, part) in given.iter().zip(parts) {
            // Parts come in the order of use, so those of one date follow each other.
            match lots.last_mut().filter(|last| last.expires_at == lot.expires_at) {
                Some(last) => {
                    last.amount += part.points;
                    last.earned_at = last.earned_at.min(lot.earned_at);
                    // No lot is extended for longer because it changed hands.
                    let extended = [last.extended_from, lot.extended_from];
                    last.extended_from = extended.into_iter().flatten().min();
                }
                None => lots.push(Lot {
                    id: LotId::derived(&format!("{id} {}", lots.len())),
                    amount: part.points,
                    expires_at: lot.expires_at,
                    earned_at: lot.earned_at,
                    notice: self.notice.asked_for(self.now, lot.expires_at),
                    extended_from: lot.extended_from,
                    ..self.new_lot(&draft)
                }),
            }
        }
        let mut origin = with_fact(&command.origin, "from", &command.from);
        origin.facts.extend(lots.iter().map(|lot| {
            let date = lot.expires_at.map_or("never".to_owned(), |at| at.to_rfc3339());
            (lot.id.to_string(), date)
        }));
        let allocations = lots.iter().map(|lot| Allocation { lot: lot.id, points: lot.amount });
        self.record(Entry {
            legs: Legs::transfer(-command.points),
            allocations: allocations.collect(),
            transfer: Some(TransferId::from(command.id.uuid())),
            origin,
            ..draft
        });
        let wallet = self.open_wallet(&command.to);
        for lot in lots {
            wallet.put_lot(Lot { remaining: lot.amount, ..lot });
        }
    }
}

fn of_receiver(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::MemberNotFound => Refusal::ReceiverNotFound,
        Refusal::MemberClosed => Refusal::ReceiverClosed,
        other => other,
    }
}

fn with_fact(origin: &Origin, name: &str, value: &str) -> Origin {
    let mut origin = origin.clone();
    origin.facts.insert(name.to_owned(), value.to_owned());
    origin
}
