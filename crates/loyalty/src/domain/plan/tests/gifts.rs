//! Time that is given and taken back.

use super::*;
use crate::domain::plan::{State, TimeKind};
use crate::domain::reward::Span;
use chrono::TimeDelta;

const TEN_DAYS: Span = Span { months: 0, days: 10 };

fn plans(membership: &Membership) -> Vec<(&str, i64)> {
    let line = membership.line.stretches().iter();
    line.map(|stretch| (stretch.plan.as_str(), stretch.length().num_days())).collect()
}

#[test]
fn time_of_the_same_plan_is_added_to_the_end() {
    let programme = shipped();
    let mut membership = paid(&programme, "basic", Period::Monthly, day("2026-01-01"));
    membership.give(&programme, day("2026-01-05"), "basic", TEN_DAYS, "grant");
    assert_eq!(membership.end(), day("2026-02-11"));
    // What was used stays used; what is left goes.
    let now = day("2026-02-04");
    membership.advance(&programme, now);
    membership.take_back(&programme, now, "grant");
    assert_eq!(membership.end(), now);
    assert_eq!(plans(&membership), [("basic", 31), ("basic", 3)]);
}

#[test]
fn time_of_a_higher_plan_runs_at_once_and_the_other_waits() {
    let programme = shipped();
    let mut membership = paid(&programme, "basic", Period::Monthly, day("2026-01-01"));
    let now = day("2026-01-11");
    membership.give(&programme, now, "premium", TEN_DAYS, "grant");
    assert_eq!(plans(&membership), [("basic", 10), ("premium", 10), ("basic", 21)]);
    let (plan, until) = membership.access(&programme, now).unwrap();
    assert_eq!((plan, until), ("premium", day("2026-01-21")));
    membership.take_back(&programme, day("2026-01-13"), "grant");
    assert_eq!(plans(&membership), [("basic", 10), ("premium", 2), ("basic", 21)]);
}

#[test]
fn time_of_a_lower_plan_becomes_time_of_the_running_one() {
    let programme = shipped();
    let mut membership = paid(&programme, "premium", Period::Monthly, day("2026-01-01"));
    // 10 days x 2,000 / 12,800 = 1.56
    membership.give(&programme, day("2026-01-05"), "basic", TEN_DAYS, "grant");
    assert_eq!(plans(&membership), [("premium", 31), ("premium", 2)]);
    // One that does not renew is followed by it.
    membership.cancel(&programme, day("2026-01-06"), false).unwrap();
    membership.give(&programme, day("2026-01-06"), "basic", TEN_DAYS, "other");
    assert_eq!(plans(&membership), [("premium", 31), ("premium", 2), ("basic", 10)]);
}

#[test]
fn a_gift_needs_no_subscription_and_waits_for_one() {
    let programme = shipped();
    let now = day("2026-01-01");
    let id = MembershipId::derived("gift");
    let mut gift = Membership::new(id, "ann", "basic", &programme, now);
    gift.give(&programme, now, "basic", TEN_DAYS, "grant");
    assert_eq!((gift.state, gift.renews(&programme)), (State::Active, false));

    // Subscribed on the way: the paid time follows what was given.
    gift.next = Some(("basic".to_owned(), Period::Monthly));
    gift.ask_first(order(&programme, "basic", Period::Monthly, now), now);
    assert_eq!(gift.state, State::Active);
    let mut unpaid = gift.clone();
    unpaid.advance(&programme, day("2026-01-02"));
    assert_eq!((unpaid.state, unpaid.charge), (State::Active, None));
    gift.pay(&programme, now, "first").unwrap();
    assert_eq!(gift.end(), day("2026-02-11"));
    assert!(gift.renews(&programme));

    // A higher plan runs at once; the given days are worth days of it.
    let mut other = Membership::new(id, "ann", "basic", &programme, now);
    other.give(&programme, now, "basic", TEN_DAYS, "grant");
    other.next = Some(("premium".to_owned(), Period::Monthly));
    other.ask_first(order(&programme, "premium", Period::Monthly, now), now);
    other.pay(&programme, now, "first").unwrap();
    assert_eq!(plans(&other), [("premium", 31), ("premium", 2)]);
}

#[test]
fn a_notice_moves_with_the_end_and_a_nearer_end_needs_another() {
    let programme = shipped();
    let mut membership = paid(&programme, "basic", Period::Monthly, day("2026-01-01"));
    let now = day("2026-01-25");
    job(&mut membership, &programme, now);
    let noticed = membership.charge.clone().unwrap();
    let days = |days| Span { months: 0, days };
    membership.give(&programme, now, "basic", days(1), "one");
    let moved = membership.charge.clone().unwrap();
    assert_eq!((moved.id, moved.amount), (noticed.id, noticed.amount));
    assert_eq!(moved.due_at, day("2026-02-02"));
    membership.take_back(&programme, now, "one");
    assert_eq!(membership.charge, None);
    job(&mut membership, &programme, now);
    assert_eq!(membership.charge.as_ref().unwrap().due_at, day("2026-02-01"));
    membership.give(&programme, now, "basic", days(300), "many");
    assert_eq!(membership.charge, None, "a notice of a year ago would be none");
}

#[test]
fn what_was_given_outlives_a_refund() {
    let programme = shipped();
    let now = day("2026-01-03");
    let mut membership = paid(&programme, "basic", Period::Monthly, day("2026-01-01"));
    membership.give(&programme, now, "basic", TEN_DAYS, "grant");
    let rest = membership.refund(&programme, now);
    assert_eq!(membership.state, State::Refunded);
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].kind, rest[0].length()), (TimeKind::Given, TimeDelta::days(10)));
}
