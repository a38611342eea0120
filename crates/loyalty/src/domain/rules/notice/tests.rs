use super::*;
use crate::domain::rules::{RuleState, timing};
use proptest::prelude::*;

fn hour(n: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(10_000) + TimeDelta::hours(n)
}

const NOTICE: i64 = 30;

/// One attempt to change the rules: what they say, when it is announced, how long it then takes
/// to tell everybody and to activate, and the dates it asks for.
#[derive(Debug, Clone)]
struct Attempt {
    rules: RuleVersion,
    wait: i64,
    telling: i64,
    activated_after: i64,
    asked_new: Option<i64>,
    asked_existing: Option<i64>,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let one = (
        (0..4i64, 1..4i64, 0..3u32),
        1..40i64,
        0..40i64,
        0..90i64,
        prop::option::of(0..100i64),
        prop::option::of(0..100i64),
    );
    let attempt = |((points, orders, months), wait, telling, activated_after, new, existing)| {
        let mut rules =
            RuleVersion { check_in_points: points, valid_months: months, ..RuleVersion::default() };
        rules.tiers.silver.orders = orders;
        Attempt { rules, wait, telling, activated_after, asked_new: new, asked_existing: existing }
    };
    prop::collection::vec(one.prop_map(attempt), 1..8)
}

/// Carries the attempts out as the service does; those that are refused leave no trace.
fn carry_out(attempts: &[Attempt]) -> Programme {
    let mut programme = Programme::new(chrono_tz::UTC, vec![RuleVersion::default()]).unwrap();
    programme.notice = TimeDelta::hours(NOTICE);
    let mut now = 0;
    for (n, attempt) in attempts.iter().enumerate() {
        now += attempt.wait;
        let announced_at = hour(now);
        let rules = RuleVersion { version: format!("v{n}"), ..attempt.rules.clone() };
        let class = compare::class(&changes(&programme, &rules, announced_at));
        now += attempt.telling;
        let told = hour(now);
        let mut version = Recorded::initial(rules.clone(), 2, String::new(), announced_at);
        version.state = RuleState::Announced;
        version.class = Some(class);
        version.noticed_at = Some(told);
        version.asked_new = attempt.asked_new.map(|after| announced_at + TimeDelta::hours(after));
        version.asked_existing =
            attempt.asked_existing.map(|after| announced_at + TimeDelta::hours(after));
        now += attempt.activated_after;
        let lead = TimeDelta::seconds(20);
        let promised = promised(&version, announced_at, announced_at + lead, programme.notice);
        version.effective_existing = (class == Class::Worse).then_some(promised);
        let soonest = hour(now) + lead;
        if let Ok(timing) = dates(&programme, &version, announced_at, soonest) {
            // What members are told and what happens agree.
            if class == Class::Worse {
                assert_eq!(timing.effective_existing, promised.max(soonest));
            }
            let both = programme.timings().iter().copied().zip(programme.versions().to_vec());
            let mut dated: Vec<_> = both.collect();
            dated.push((timing, rules));
            programme = programme.with_rules(dated).unwrap();
        }
    }
    programme
}

proptest! {
    /// I18: whenever the rules become worse for a member, they were told a notice period before,
    /// or joined after it was announced.
    #[test]
    fn no_worse_term_holds_before_its_notice_has_run(
        attempts in attempts(),
        joined in -50..600i64,
    ) {
        let programme = carry_out(&attempts);
        let joined_at = hour(joined);
        let starts = programme.timings().iter().map(|timing| timing.starts_for(joined_at));
        let mut instants: Vec<Time> = starts.filter(|at| *at > joined_at).collect();
        instants.sort_unstable();
        let timings = programme.timings();
        let mut before = timing::in_force_for(timings, joined_at, joined_at).unwrap_or(0);
        for at in instants {
            let now = timing::in_force_for(timings, joined_at, at).unwrap_or(0);
            let (old, new) = (&programme.versions()[before], &programme.versions()[now]);
            if compare::class(&compare::compare(old, new)) == Class::Worse {
                let announced_at = timings[now].announced_at;
                prop_assert!(
                    joined_at >= announced_at || at >= announced_at + TimeDelta::hours(NOTICE),
                    "{} to {} at {at}", old.version, new.version,
                );
            }
            before = now;
        }
    }

    /// A member's own programme judges as the shared one does for them.
    #[test]
    fn a_members_programme_is_the_shared_one_for_them(
        attempts in attempts(),
        joined in -50..600i64,
        at in -50..900i64,
    ) {
        let programme = carry_out(&attempts);
        let (joined_at, at) = (hour(joined), hour(at));
        let own = programme.of_member(joined_at);
        prop_assert_eq!(own.in_force(at), own.versions().iter().find(|v| {
            v.version == programme.in_force_for(joined_at, at).version
        }).unwrap());
        // Nobody is under rules that do not count as somebody's.
        let some = programme.in_force_for_anybody(at);
        let theirs = &programme.in_force_for(joined_at, at).version;
        prop_assert!(some.iter().any(|version| version.version == *theirs));
        prop_assert!(own.expiry(at).unwrap_or(Time::MAX_UTC)
            <= programme.expiry(at).unwrap_or(Time::MAX_UTC));
    }
}

#[test]
fn better_rules_begin_at_once_and_worse_ones_on_the_date_that_was_told() {
    let programme = Programme::new(chrono_tz::UTC, vec![RuleVersion::default()]).unwrap();
    let (announced_at, soonest) = (hour(0), hour(1));
    let version = |class| Recorded {
        class: Some(class),
        asked_new: None,
        asked_existing: None,
        effective_existing: None,
        ..Recorded::initial(RuleVersion::default(), 2, String::new(), announced_at)
    };
    let told = |version: &Recorded| promised(version, announced_at, soonest, programme.notice);
    let better = version(Class::Better);
    assert_eq!(told(&better), soonest);
    let timing = dates(&programme, &better, announced_at, soonest).unwrap();
    assert_eq!(timing.effective_existing, soonest);

    let mut worse = version(Class::Worse);
    let date = announced_at + TELLING + TimeDelta::days(30);
    assert_eq!(told(&worse), date);
    // A date that was asked for, for whomever, is not brought forward.
    let later = date + TimeDelta::days(5);
    assert_eq!(told(&Recorded { asked_existing: Some(later), ..worse.clone() }), later);
    assert_eq!(told(&Recorded { asked_new: Some(later), ..worse.clone() }), later);
    worse.effective_existing = Some(date);
    let begins = |version: &Recorded, soonest| {
        dates(&programme, version, announced_at, soonest).map(|timing| timing.effective_existing)
    };
    assert_eq!(begins(&worse, soonest), Ok(date));
    // Activated too late for it, it begins later, never earlier.
    assert_eq!(begins(&worse, date + TELLING), Ok(date + TELLING));
    let noticed = |at| Recorded { noticed_at: at, ..worse.clone() };
    assert_eq!(begins(&noticed(None), soonest), Err(NotYet::NoticesPending));
    let last = announced_at + TELLING;
    assert_eq!(begins(&noticed(Some(last)), soonest), Ok(date));
    let late = noticed(Some(last + TimeDelta::microseconds(1)));
    assert_eq!(begins(&late, soonest), Err(NotYet::NoticesLate(date)));
    assert_eq!(begins(&late, date + TELLING), Err(NotYet::NoticesLate(date)));
}
