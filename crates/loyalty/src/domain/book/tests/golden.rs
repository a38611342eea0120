//! Cases worked out by hand: the two-phase table, the order of use, refunds.

use super::*;
use crate::domain::{Allocation, EntryKind, HoldState, Legs};

fn part(entry: EntryId, points: i64) -> Allocation {
    Allocation { lot: LotId::from(entry.uuid()), points }
}

fn account(shelf: &Shelf) -> &Account {
    &shelf.accounts[USER]
}

#[test]
fn lots_that_expire_first_go_first_and_those_that_never_do_go_last() {
    let mut shelf = Shelf::new(programme(7));
    let never = shelf.earn(10, None);
    let late = shelf.earn(10, Some(day(90)));
    let early = shelf.earn(10, Some(day(30)));
    let id = shelf.next_id();
    let entry = shelf.post(&spend(id, 25)).unwrap();
    assert_eq!(entry.allocations, [part(early, 10), part(late, 10), part(never, 5)]);
    assert_eq!(entry.legs, Legs { available: -25, redeemed: 25, ..Legs::default() });
}

#[test]
fn a_lot_past_its_date_cannot_be_spent_though_no_job_ran() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(10, Some(day(30)));
    shelf.now = day(30);
    let id = shelf.next_id();
    assert_eq!(shelf.post(&spend(id, 1)), Err(Refusal::Insufficient { spendable: 0 }));
    let last = shelf.entries.last().unwrap();
    assert_eq!((last.kind, last.points, last.occurred_at), (EntryKind::Expire, 10, day(30)));
}

#[test]
fn holds_count_when_placed_and_are_resolved_once() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(100, None);
    let (a, b, c) = (shelf.next_id(), shelf.next_id(), shelf.next_id());
    shelf.post(&hold(a, 60, 1)).unwrap();
    assert_eq!(shelf.post(&hold(b, 60, 1)), Err(Refusal::Insufficient { spendable: 40 }));
    assert_eq!(shelf.post(&spend(c, 41)), Err(Refusal::Insufficient { spendable: 40 }));
    assert_eq!(shelf.post(&capture(a, Some(61))), Err(Refusal::ExceedsHold { held: 60 }));
    let captured = shelf.post(&capture(a, Some(50))).unwrap();
    assert_eq!((captured.points, captured.held), (50, -60));
    assert_eq!((account(&shelf).available, account(&shelf).held), (50, 0));
    for again in [capture(a, None), void(a)] {
        let state = HoldState::Captured;
        assert_eq!(shelf.post(&again), Err(Refusal::HoldResolved { state }));
    }
    assert_eq!(shelf.post(&void(b)), Err(Refusal::HoldNotFound));
}

#[test]
fn a_hold_comes_free_at_its_deadline_though_no_job_ran() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(100, None);
    let (a, b) = (shelf.next_id(), shelf.next_id());
    shelf.post(&hold(a, 100, 1)).unwrap();
    shelf.now = day(1);
    assert_eq!(
        shelf.post(&capture(a, None)),
        Err(Refusal::HoldResolved { state: HoldState::TimedOut })
    );
    shelf.post(&spend(b, 100)).unwrap();
}

#[test]
fn held_points_do_not_expire_and_come_back_with_grace() {
    for (grace, left) in [(7, 10), (0, 0)] {
        let mut shelf = Shelf::new(programme(grace));
        shelf.earn(10, Some(day(30)));
        let a = shelf.next_id();
        shelf.post(&hold(a, 10, 60)).unwrap();
        shelf.now = day(40);
        shelf.settle();
        assert_eq!(account(&shelf).available, 10);
        shelf.post(&void(a)).unwrap();
        assert_eq!(account(&shelf).available, left);
        shelf.now = day(48);
        shelf.settle();
        assert_eq!((account(&shelf).available, account(&shelf).expired), (0, 10));
    }
}

#[test]
fn a_refund_of_spent_points_is_a_debt_that_the_next_points_pay_off() {
    let mut shelf = Shelf::new(programme(7));
    let order = shelf.earn(100, None);
    let (a, b) = (shelf.next_id(), shelf.next_id());
    shelf.post(&spend(a, 70)).unwrap();
    let entry = shelf.post(&reverse(b, order, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!(entry.legs, Legs { available: -30, debt: -70, reversed: 100, ..Legs::default() });
    shelf.earn(50, None);
    assert_eq!((account(&shelf).available, account(&shelf).debt), (0, 20));
    shelf.earn(50, None);
    assert_eq!((account(&shelf).available, account(&shelf).debt), (30, 0));
}

#[test]
fn policies_limit_what_is_taken_back() {
    for (policy, taken) in
        [(ReversalPolicy::OnlyPending, None), (ReversalPolicy::WithinBalance, Some(30))]
    {
        let mut shelf = Shelf::new(programme(7));
        let order = shelf.earn(100, None);
        let (a, b) = (shelf.next_id(), shelf.next_id());
        shelf.post(&spend(a, 70)).unwrap();
        let outcome = shelf.post(&reverse(b, order, None, policy));
        assert_eq!(outcome.map(|e| e.points), taken.ok_or(Refusal::NothingToReverse));
        assert_eq!(account(&shelf).debt, 0);
    }
}

#[test]
fn points_that_expired_are_not_taken_back_again() {
    let mut shelf = Shelf::new(programme(7));
    let order = shelf.earn(100, Some(day(30)));
    let (a, b, c) = (shelf.next_id(), shelf.next_id(), shelf.next_id());
    shelf.post(&spend(a, 40)).unwrap();
    shelf.now = day(31);
    let entry = shelf.post(&reverse(b, order, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!((entry.points, account(&shelf).debt, account(&shelf).expired), (40, 40, 60));
    assert_eq!(
        shelf.post(&reverse(c, order, None, ReversalPolicy::Unlimited)),
        Err(Refusal::NothingToReverse)
    );
}

#[test]
fn a_cancelled_spend_returns_to_its_lots_the_last_taken_first() {
    let mut shelf = Shelf::new(programme(7));
    let (early, late) = (shelf.earn(60, Some(day(30))), shelf.earn(40, Some(day(90))));
    let (a, b, c) = (shelf.next_id(), shelf.next_id(), shelf.next_id());
    shelf.post(&spend(a, 100)).unwrap();
    let first = shelf.post(&reverse(b, a, Some(50), ReversalPolicy::Unlimited)).unwrap();
    assert_eq!(first.allocations, [part(late, 40), part(early, 10)]);
    let rest = shelf.post(&reverse(c, a, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!(rest.allocations, [part(early, 50)]);
    let d = shelf.next_id();
    assert_eq!(
        shelf.post(&reverse(d, a, Some(1), ReversalPolicy::Unlimited)),
        Err(Refusal::ExceedsOriginal { reversible: 0 })
    );
}

#[test]
fn a_business_event_is_applied_once() {
    let mut shelf = Shelf::new(programme(7));
    let id = shelf.next_id();
    let first = shelf.post(&earn(id, 10, day(0), None)).unwrap();
    assert_eq!(shelf.post(&earn(id, 10, day(0), None)), Ok(first));
    assert_eq!(
        shelf.post(&earn(id, 11, day(0), None)),
        Err(Refusal::SourceEventReused { field: "points" })
    );
    assert_eq!(account(&shelf).available, 10);
}

#[test]
fn a_reversed_reversal_is_earned_anew() {
    let mut shelf = Shelf::new(programme(7));
    let order = shelf.earn(100, None);
    let (a, b) = (shelf.next_id(), shelf.next_id());
    shelf.post(&reverse(a, order, None, ReversalPolicy::Unlimited)).unwrap();
    let entry = shelf.post(&reverse(b, a, None, ReversalPolicy::Unlimited)).unwrap();
    assert_eq!((entry.kind, entry.reverses, entry.points), (EntryKind::Earn, Some(a), 100));
    assert_eq!(account(&shelf).available, 100);
}

#[test]
fn a_closed_member_keeps_holds_but_nothing_else() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(100, None);
    let (a, b) = (shelf.next_id(), shelf.next_id());
    shelf.post(&hold(a, 30, 5)).unwrap();
    let mut book = shelf.book();
    book.close(USER);
    shelf.write(book.into_changes().unwrap());
    assert_eq!((account(&shelf).available, account(&shelf).expired), (30, 70));
    assert_eq!(shelf.post(&earn(b, 1, day(0), None)), Err(Refusal::MemberClosed));
    assert_eq!(shelf.post(&spend(b, 1)), Err(Refusal::MemberClosed));
    shelf.post(&capture(a, Some(20))).unwrap();
    assert_eq!((account(&shelf).available, account(&shelf).expired), (0, 80));
}

#[test]
fn points_beyond_all_counting_are_refused() {
    let mut shelf = Shelf::new(programme(7));
    shelf.earn(1, None);
    let id = shelf.next_id();
    let limit = crate::domain::book::BALANCE_LIMIT;
    let answer = shelf.post(&earn(id, i64::MAX, day(0), None));
    assert_eq!(answer, Err(Refusal::BalanceLimit { limit }));
}

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

/// TigerBeetle's tables of two-phase transfers: what is posted and what is pending after each step.
#[test]
fn the_two_phase_tables() {
    // (resolution, posted, pending after it)
    let full: fn(EntryId) -> Command = |id| capture(id, None);
    let part: fn(EntryId) -> Command = |id| capture(id, Some(100));
    let none: fn(EntryId) -> Command = void;
    for (resolution, posted) in [(full, 123), (part, 100), (none, 0)] {
        let mut shelf = Shelf::new(programme(7));
        shelf.earn(1_000, None);
        let id = shelf.next_id();
        let pending = shelf.post(&hold(id, 123, 1)).unwrap();
        let now = account(&shelf);
        assert_eq!((now.redeemed, now.held, now.available), (0, 123, 1_000));
        shelf.post(&resolution(id)).unwrap();
        let now = account(&shelf);
        assert_eq!((now.redeemed, now.held, now.available), (posted, 0, 1_000 - posted));
        // The pending entry never changes.
        assert_eq!(shelf.entries.iter().find(|entry| entry.id == id), Some(&pending));
    }
}
