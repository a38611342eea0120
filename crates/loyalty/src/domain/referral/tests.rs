use super::signal::{EvidenceKind, SignalRules};
use super::*;
use crate::domain::Reward;
use chrono::TimeDelta;
use proptest::prelude::*;

fn day(days: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(20_000 + days)
}

fn deal(n: u8) -> DealId {
    DealId::derived(&format!("order {n}"))
}

fn paid(n: u8, on: i64, spend: i64) -> Paid {
    Paid { deal: deal(n), paid_at: day(on), spend, returned: false }
}

fn referral(found: Verdict) -> Referral {
    let rules = ReferralRules::default();
    Referral {
        id: Referral::id_for("bob"),
        advocate: "ann".to_owned(),
        friend: "bob".to_owned(),
        code: String::new(),
        touched_at: day(0),
        made_at: day(0),
        version: "1".to_owned(),
        found,
        signals: Vec::new(),
        standing: found,
        waiting_since: None,
        review: None,
        appeal: None,
        order: None,
        buy_until: rules.buy_until(day(0)),
        friend_erased: false,
        qualified_at: None,
        reversed_at: None,
        state: State::Registered,
        counted: None,
    }
}

fn review(verdict: Verdict, on: i64) -> Review {
    Review { verdict, reviewer: "eve".to_owned(), reason: "looked".to_owned(), at: day(on) }
}

#[test]
fn it_counts_when_the_order_can_no_longer_be_returned() {
    let rules = ReferralRules::default();
    let mut referral = referral(Verdict::Allow);
    referral.follow(&[paid(1, 1, rules.min_order_minor_units - 1)], &rules, day(1));
    assert_eq!(referral.state_at(day(60)), State::Registered);
    referral.follow(&[paid(1, 1, rules.min_order_minor_units)], &rules, day(1));
    let just_before = day(15) - TimeDelta::microseconds(1);
    assert_eq!(referral.state_at(just_before), State::Escrowed);
    assert_eq!(referral.state_at(day(15)), State::Qualified);
    assert_eq!(referral.settle(day(40)), Some((State::Registered, State::Qualified)));
    assert_eq!(referral.qualified_at, Some(day(15)), "dated when it fell due");
}

#[test]
fn an_order_given_back_in_time_makes_room_for_the_next() {
    let rules = ReferralRules::default();
    let mut referral = referral(Verdict::Allow);
    let back = Paid { spend: 0, returned: true, ..paid(1, 1, 0) };
    referral.follow(&[back], &rules, day(2));
    assert_eq!(referral.state_at(day(60)), State::Registered);
    referral.follow(&[back, paid(2, 5, 9_000)], &rules, day(5));
    assert_eq!(referral.counts_from(), Some(day(19)));
    // Given back after it counted: over, whatever is bought then.
    referral.settle(day(19));
    let second = Paid { spend: 4_999, ..paid(2, 5, 0) };
    referral.follow(&[second], &rules, day(30));
    assert_eq!(referral.state_at(day(30)), State::Reversed);
    referral.follow(&[paid(2, 5, 9_000), paid(3, 31, 9_000)], &rules, day(31));
    assert_eq!(referral.state_at(day(90)), State::Reversed);
}

#[test]
fn orders_outside_the_time_do_not_count() {
    let rules = ReferralRules::default();
    let mut referral = referral(Verdict::Allow);
    referral.follow(&[paid(1, -1, 9_000), paid(2, 91, 9_000)], &rules, day(91));
    assert_eq!(referral.order, None);
    referral.follow(&[paid(3, 90, 9_000)], &rules, day(90));
    assert!(referral.order.is_some());
}

#[test]
fn review_and_one_appeal() {
    let rules = ReferralRules::default();
    let mut referral = referral(Verdict::Review);
    referral.follow(&[paid(1, 1, 9_000)], &rules, day(1));
    assert_eq!(referral.state_at(day(30)), State::UnderReview);
    let appeal = |on| Appeal { reason: "not me".to_owned(), at: day(on) };
    assert_eq!(referral.appeal(appeal(2)), Err(NoAppeal::NotRejected));
    assert!(referral.decide(review(Verdict::Block, 2)));
    assert_eq!(referral.state_at(day(30)), State::Rejected);
    assert!(!referral.decide(review(Verdict::Allow, 3)), "it does not wait any more");
    assert_eq!(referral.appeal(appeal(4)), Ok(()));
    assert_eq!(referral.state_at(day(4)), State::UnderReview);
    assert!(referral.decide(review(Verdict::Allow, 20)));
    assert_eq!(referral.counts_from(), Some(day(20)), "not before it was allowed");
    let mut again = referral.clone();
    again.standing = Verdict::Block;
    assert_eq!(again.appeal(appeal(30)), Err(NoAppeal::AppealedBefore));
}

#[test]
fn a_friend_who_is_erased_first_never_counts() {
    let rules = ReferralRules::default();
    let mut early = referral(Verdict::Allow);
    early.follow(&[paid(1, 1, 9_000)], &rules, day(1));
    let mut late = early.clone();
    early.forget_friend();
    assert_eq!(early.state_at(day(60)), State::Rejected);
    late.settle(day(15));
    late.forget_friend();
    assert_eq!(late.state_at(day(60)), State::Qualified);
}

fn touch(above: &[String]) -> Touch<'_> {
    Touch {
        advocate: "ann",
        friend: "bob",
        touched_at: day(0),
        now: day(1),
        joined_at: None,
        bought: false,
        referred: false,
        above,
        brought: 0,
    }
}

#[test]
fn every_refusal_has_its_edge() {
    let rules = ReferralRules::default();
    let none: &[String] = &[];
    let fine = touch(none);
    let hours = |n| day(0) - TimeDelta::hours(n);
    assert_eq!(fine.check(&rules), Ok(()));
    assert_eq!(Touch { friend: "ann", ..fine }.check(&rules), Err(Refused::SelfReferral));
    assert_eq!(Touch { referred: true, ..fine }.check(&rules), Err(Refused::AlreadyReferred));
    let ring = ["eve".to_owned(), "bob".to_owned()];
    assert_eq!(touch(&ring).check(&rules), Err(Refused::Cycle));
    assert_eq!(Touch { bought: true, ..fine }.check(&rules), Err(Refused::AlreadyCustomer));
    let joined = |at| Touch { joined_at: Some(at), ..fine }.check(&rules);
    assert_eq!(joined(hours(24)), Ok(()));
    assert_eq!(joined(hours(25)), Err(Refused::AlreadyCustomer));
    assert_eq!(joined(day(30)), Ok(()));
    assert_eq!(joined(day(30) + TimeDelta::microseconds(1)), Err(Refused::Expired));
    assert_eq!(Touch { brought: 99, ..fine }.check(&rules), Ok(()));
    let full = Touch { brought: 100, ..fine }.check(&rules);
    assert_eq!(full, Err(Refused::LimitReached { limit: 100 }));
}

#[test]
fn reasons_add_up_to_a_verdict() {
    let rules = SignalRules::default();
    let verdict = |seen: &Seen| rules.verdict(&rules.weigh(seen));
    assert_eq!(verdict(&Seen::default()), Verdict::Allow);
    let shares = |kinds: &[EvidenceKind]| Seen { shared: kinds.to_vec(), ..Seen::default() };
    assert_eq!(verdict(&shares(&[EvidenceKind::Name])), Verdict::Allow);
    assert_eq!(verdict(&shares(&[EvidenceKind::Name, EvidenceKind::Ip])), Verdict::Review);
    assert_eq!(verdict(&shares(&[EvidenceKind::Payment])), Verdict::Block);
    let ip = |from_ip| verdict(&Seen { from_ip, ..Seen::default() });
    assert_eq!((ip(10), ip(11)), (Verdict::Allow, Verdict::Review));
    let both = Seen { from_device: 3, ..shares(&[EvidenceKind::Device]) };
    assert_eq!(verdict(&both), Verdict::Block);
    let kinds: Vec<SignalKind> = rules.weigh(&both).iter().map(|signal| signal.kind).collect();
    assert_eq!(kinds, [SignalKind::SameDevice, SignalKind::CrowdedDevice]);
}

#[test]
fn codes_are_stable_and_easy_to_read() {
    let secret: Vec<u8> = (0..32).map(|n| n * 7).collect();
    let code = code::of(&secret);
    assert_eq!(code, code::of(&secret));
    assert_eq!(code.len(), 12);
    assert!(!code.contains(['0', '1', 'I', 'O']));
}

#[test]
fn unsound_rules_are_named() {
    let sound = ReferralRules::default();
    assert_eq!(sound.fault(), None);
    let step = |friends, reward| Step { friends, rewards: vec![reward] };
    let points = || Reward::Points(1);
    for steps in [
        vec![step(0, points())],
        vec![step(2, points()), step(2, points())],
        vec![step(1, Reward::Points(0))],
        vec![Step { friends: 1, rewards: Vec::new() }],
    ] {
        assert!(ReferralRules { steps, ..sound.clone() }.fault().is_some());
    }
    let signals = SignalRules { review_at: 101, ..SignalRules::default() };
    assert!(ReferralRules { signals, ..sound.clone() }.fault().is_some());
    assert!(ReferralRules { return_days: 36_601, ..sound }.fault().is_some());
}

proptest! {
    /// Whatever is paid and given back when: it counts once, never before its time, and once lost
    /// for good.
    #[test]
    fn it_never_counts_before_its_time(
        told in prop::collection::vec((0u8..4, 0i64..40, 0i64..20_000), 1..20),
    ) {
        let rules = ReferralRules::default();
        let mut referral = referral(Verdict::Allow);
        let mut orders: Vec<Paid> = Vec::new();
        let mut now = day(0);
        let mut reached: Vec<State> = Vec::new();
        for (n, wait, spend) in told {
            now += TimeDelta::days(wait);
            match orders.iter_mut().find(|paid| paid.deal == deal(n)) {
                Some(order) => order.spend = order.spend.min(spend),
                None => orders.push(Paid { paid_at: now, ..paid(n, 0, spend) }),
            }
            reached.extend(referral.settle(now).map(|(_, to)| to));
            referral.follow(&orders, &rules, now);
            reached.extend(referral.settle(now).map(|(_, to)| to));
            if let (Some(at), Some(order)) = (referral.qualified_at, referral.order) {
                prop_assert_eq!(at, order.paid_at + TimeDelta::days(14));
                prop_assert!(at <= now);
            }
        }
        let times = |state| reached.iter().filter(|one| **one == state).count();
        prop_assert!(times(State::Qualified) <= 1 && times(State::Reversed) <= 1);
        if let Some(end) = reached.iter().position(|state| *state == State::Reversed) {
            prop_assert_eq!(end, reached.len() - 1);
        }
    }
}
