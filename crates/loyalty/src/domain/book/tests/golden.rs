//! Cases worked out by hand: the two-phase tables, the order of use, refunds.

use super::*;
use crate::domain::{Allocation, EntryKind, HoldState, Legs};

pub(super) fn part(entry: EntryId, points: i64) -> Allocation {
    Allocation { lot: LotId::from(entry.uuid()), points }
}

pub(super) fn account(shelf: &Shelf) -> &Account {
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
        shelf.post(&hold(id, 123, 1)).unwrap();
        let pending = shelf.entries.last().cloned();
        let now = account(&shelf);
        assert_eq!((now.redeemed, now.held, now.available), (0, 123, 1_000));
        shelf.post(&resolution(id)).unwrap();
        let now = account(&shelf);
        assert_eq!((now.redeemed, now.held, now.available), (posted, 0, 1_000 - posted));
        // The pending entry never changes.
        assert_eq!(shelf.entries.iter().find(|entry| entry.id == id), pending.as_ref());
    }
}
