//! Cases worked out by hand: pending points, gifts, corrections.

use super::golden::{account, part};
use super::*;
use crate::domain::{EntryKind, Legs};

#[test]
fn pending_points_cannot_be_spent_until_they_are_active_though_no_job_ran() {
    let mut shelf = Shelf::new(programme(7));
    let (a, b) = (shelf.next_id(), shelf.next_id());
    let entry = shelf.post(&earn_pending(a, 10, day(0), Some(day(14)), Some(day(30)))).unwrap();
    assert_eq!(entry.legs, Legs { issuer: -10, escrow: 10, ..Legs::default() });
    assert_eq!(shelf.post(&spend(b, 1)), Err(Refusal::Insufficient { spendable: 0 }));
    shelf.now = day(14);
    shelf.post(&spend(b, 1)).unwrap();
    let active = &shelf.entries[shelf.entries.len() - 2];
    assert_eq!((active.kind, active.occurred_at), (EntryKind::Activate, day(14)));
    assert_eq!(active.legs, Legs { escrow: -10, available: 10, ..Legs::default() });
    assert_eq!(shelf.post(&activate(a)), Err(Refusal::NotPending));
    shelf.now = day(30);
    shelf.settle();
    assert_eq!((account(&shelf).expired, account(&shelf).escrow), (9, 0));
}

#[test]
fn pending_points_wait_past_their_date_and_have_grace_then() {
    for (grace, left) in [(7, 10), (0, 0)] {
        let mut shelf = Shelf::new(programme(grace));
        let a = shelf.next_id();
        shelf.post(&earn_pending(a, 10, day(0), None, Some(day(30)))).unwrap();
        shelf.now = day(40);
        shelf.settle();
        assert_eq!(account(&shelf).escrow, 10);
        shelf.post(&activate(a)).unwrap();
        assert_eq!(account(&shelf).available, left);
    }
}

#[test]
fn a_pending_earning_is_cancelled_in_parts_and_the_rest_becomes_active_once() {
    let mut shelf = Shelf::new(programme(7));
    let order = shelf.next_id();
    shelf.post(&earn_pending(order, 100, day(0), None, None)).unwrap();
    let (a, b, c) = (shelf.next_id(), shelf.next_id(), shelf.next_id());
    let entry = shelf.post(&cancel(a, order, Some(30))).unwrap();
    assert_eq!(entry.legs, Legs { escrow: -30, reversed: 30, ..Legs::default() });
    let over = shelf.post(&cancel(b, order, Some(71)));
    assert_eq!(over, Err(Refusal::ExceedsPending { pending: 70 }));
    assert_eq!(shelf.post(&activate(order)).unwrap().points, 70);
    assert_eq!(shelf.post(&activate(order)), Err(Refusal::NotPending));
    assert_eq!(shelf.post(&cancel(c, order, None)), Err(Refusal::NotPending));
    // What was cancelled counts as taken back.
    let entry = shelf.post(&reverse(c, order, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!((entry.points, account(&shelf).available), (70, 0));
}

#[test]
fn a_reversal_takes_what_is_pending_first_and_only_that_if_told_so() {
    let mut shelf = Shelf::new(programme(7));
    let order = shelf.next_id();
    shelf.post(&earn_pending(order, 100, day(0), None, None)).unwrap();
    let (a, b, c) = (shelf.next_id(), shelf.next_id(), shelf.next_id());
    let only = ReversalPolicy::OnlyPending;
    let entry = shelf.post(&reverse(a, order, Some(40), only)).unwrap();
    assert_eq!(entry.legs, Legs { escrow: -40, reversed: 40, ..Legs::default() });
    assert_eq!(entry.allocations, [part(order, 40)]);
    shelf.post(&activate(order)).unwrap();
    assert_eq!(shelf.post(&reverse(b, order, None, only)), Err(Refusal::NothingToReverse));
    shelf.post(&spend(c, 50)).unwrap();
    let entry = shelf.post(&reverse(b, order, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!(entry.legs, Legs { available: -10, debt: -50, reversed: 60, ..Legs::default() });
}

#[test]
fn what_becomes_active_pays_off_a_debt_first() {
    let mut shelf = Shelf::new(programme(7));
    let order = shelf.earn(50, None);
    let (a, b, c) = (shelf.next_id(), shelf.next_id(), shelf.next_id());
    shelf.post(&spend(a, 50)).unwrap();
    shelf.post(&earn_pending(b, 80, day(0), None, None)).unwrap();
    shelf.post(&reverse(c, order, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!((account(&shelf).debt, account(&shelf).escrow), (50, 80));
    shelf.post(&activate(b)).unwrap();
    assert_eq!((account(&shelf).debt, account(&shelf).available), (0, 30));
}

#[test]
fn a_gift_keeps_its_dates_and_pays_off_a_debt() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(10, Some(day(90)));
    shelf.now = day(1);
    shelf.earn(10, Some(day(90)));
    shelf.earn(10, Some(day(30)));
    let (a, b, c, d) = (shelf.next_id(), shelf.next_id(), shelf.next_id(), shelf.next_id());
    let nobody = shelf.post(&transfer(a, USER, OTHER, 5));
    assert_eq!(nobody, Err(Refusal::ReceiverNotFound));
    shelf.post(&by(OTHER, earn(b, 5, day(1), None))).unwrap();
    shelf.post(&by(OTHER, spend(c, 5))).unwrap();
    shelf.post(&reverse(d, b, None, ReversalPolicy::Unlimited)).unwrap();
    let over = shelf.post(&transfer(a, USER, OTHER, 31));
    assert_eq!(over, Err(Refusal::Insufficient { spendable: 30 }));
    let sent = shelf.post(&transfer(a, USER, OTHER, 25)).unwrap();
    assert_eq!(sent.legs, Legs { available: -25, transfer: 25, ..Legs::default() });
    let received = shelf.entries.iter().find(|e| e.kind == EntryKind::TransferIn).unwrap();
    assert_eq!(received.legs, Legs { available: 25, transfer: -25, ..Legs::default() });
    assert_eq!((received.transfer, received.seq), (sent.transfer, sent.seq + 1));
    let theirs: Vec<_> = shelf.lots.values().filter(|lot| lot.user == OTHER).collect();
    let mut lots: Vec<_> =
        theirs.iter().map(|lot| (lot.expires_at, lot.amount, lot.remaining)).collect();
    lots.retain(|(_, _, left)| *left > 0);
    lots.sort_unstable();
    // Ten of the first date, of which the debt of five took half; fifteen of the second in one lot.
    assert_eq!(lots, [(Some(day(30)), 10, 5), (Some(day(90)), 15, 15)]);
    let other = &shelf.accounts[OTHER];
    assert_eq!((other.available, other.debt, other.transferred), (20, 0, -25));
    assert_eq!((account(&shelf).available, account(&shelf).transferred), (5, 25));
}

#[test]
fn a_correction_is_an_entry_of_its_own_that_can_be_taken_back() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(10, None);
    let ids: Vec<_> = (0..5).map(|_| shelf.next_id()).collect();
    let within = ReversalPolicy::WithinBalance;
    let up = shelf.post(&correct(ids[0], 5, within)).unwrap();
    assert_eq!(up.legs, Legs { issuer: -5, available: 5, ..Legs::default() });
    let down = shelf.post(&correct(ids[1], -20, within)).unwrap();
    assert_eq!((down.points, down.kind), (15, EntryKind::Correction));
    assert_eq!(shelf.post(&correct(ids[2], -1, within)), Err(Refusal::NothingToReverse));
    let owed = shelf.post(&correct(ids[2], -3, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!(owed.legs, Legs { debt: -3, reversed: 3, ..Legs::default() });
    let unlimited = ReversalPolicy::Unlimited;
    let back = shelf.post(&reverse(ids[3], down.id, None, unlimited)).unwrap();
    assert_eq!((back.kind, account(&shelf).available), (EntryKind::Earn, 12));
    let taken = shelf.post(&reverse(ids[4], up.id, None, unlimited)).unwrap();
    assert_eq!((taken.kind, account(&shelf).available), (EntryKind::ReverseEarn, 7));
}

#[test]
fn what_is_pending_is_called_off_when_a_member_leaves() {
    let mut shelf = Shelf::new(programme(7));
    let (a, b) = (shelf.next_id(), shelf.next_id());
    shelf.post(&earn_pending(a, 10, day(0), None, None)).unwrap();
    shelf.post(&earn_pending(b, 20, day(0), Some(day(3)), None)).unwrap();
    shelf.now = day(5);
    let mut book = shelf.book();
    book.close(USER);
    shelf.write(book.into_changes().unwrap());
    let left = account(&shelf);
    assert_eq!((left.escrow, left.available, left.reversed, left.expired), (0, 0, 10, 20));
    assert_eq!(shelf.post(&activate(a)), Err(Refusal::MemberClosed));
}
