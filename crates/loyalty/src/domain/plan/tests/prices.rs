//! Which price holds for whom.

use super::*;
use crate::domain::rules::Timing;

/// Versions of one plan: name, price, announced, effective for new members and for existing ones.
fn versions(list: &[(&str, i64, &str, &str, &str)]) -> Programme {
    let version = |(name, price, announced, new, existing): &(&str, i64, &str, &str, &str)| {
        let mut rules = RuleVersion { version: (*name).to_owned(), ..RuleVersion::default() };
        rules.plans.plans[0].monthly = Some(*price);
        let timing = Timing {
            announced_at: day(announced),
            effective_new: day(new),
            effective_existing: day(existing),
        };
        (timing, rules)
    };
    Programme::timed(chrono_tz::UTC, list.iter().map(version).collect()).unwrap()
}

/// What somebody pays who began at `began`, month by month: the amounts that are collected.
fn bills(programme: &Programme, began: Time, months: usize) -> Vec<i64> {
    let mut membership = paid(programme, "basic", Period::Monthly, began);
    for _ in 1..months {
        let end = membership.end();
        job(&mut membership, programme, end - chrono::TimeDelta::days(7));
        job(&mut membership, programme, end);
        membership.pay(programme, end, "renewal").unwrap();
    }
    membership.news.closed.iter().map(|charge| charge.amount).collect()
}

/// Kill Bill's catalog test with an effective date for existing subscriptions.
#[test]
fn existing_members_pay_the_old_price_until_the_date_for_them() {
    let programme = versions(&[
        ("1", 4995, "2018-01-01", "2018-01-01", "2018-01-01"),
        ("2", 5995, "2018-03-01", "2018-04-01", "2018-05-01"),
    ]);
    assert_eq!(bills(&programme, day("2018-01-01"), 6), [4995, 4995, 4995, 4995, 5995, 5995]);
    assert_eq!(bills(&programme, day("2018-04-01"), 2), [5995, 5995]);
}

/// Billed on the very day: a period that begins at the instant itself belongs to the new version,
/// one that began a second before to the old one.
#[test]
fn the_day_itself_belongs_to_the_new_version() {
    let programme = versions(&[
        ("1", 4995, "2018-01-01", "2018-01-01", "2018-01-01"),
        ("2", 5995, "2018-02-01", "2018-03-15", "2018-03-15"),
    ]);
    assert_eq!(bills(&programme, at("2018-01-15T00:00:00Z"), 3), [4995, 4995, 5995]);
    assert_eq!(bills(&programme, at("2018-01-14T23:59:59Z"), 4), [4995, 4995, 4995, 5995]);
}

/// Kill Bill #2291 took the oldest of two changes and dropped the other.
#[test]
fn of_two_changes_within_one_cycle_the_newest_holds() {
    let programme = versions(&[
        ("1", 4995, "2018-01-01", "2018-01-01", "2018-01-01"),
        ("2", 6995, "2018-02-01", "2018-03-10", "2018-03-10"),
        ("3", 5995, "2018-02-01", "2018-03-20", "2018-03-20"),
    ]);
    assert_eq!(bills(&programme, day("2018-02-01"), 4), [4995, 4995, 5995, 5995]);
}

#[test]
fn what_is_cheaper_for_new_members_is_so_for_all() {
    let programme = versions(&[
        ("1", 4995, "2018-01-01", "2018-01-01", "2018-01-01"),
        ("2", 3995, "2018-02-01", "2018-02-15", "2030-01-01"),
    ]);
    assert_eq!(bills(&programme, day("2018-01-20"), 4), [4995, 3995, 3995, 3995]);
}

#[test]
fn a_lapse_ends_the_protection() {
    let programme = versions(&[
        ("1", 4995, "2018-01-01", "2018-01-01", "2018-01-01"),
        ("2", 5995, "2018-03-01", "2018-04-01", "2030-01-01"),
    ]);
    assert_eq!(bills(&programme, day("2018-01-01"), 8), [4995; 8]);
    // Who came back in April is new.
    assert_eq!(bills(&programme, day("2018-04-02"), 2), [5995, 5995]);
}

#[test]
fn a_plan_that_is_sold_no_more_keeps_its_price() {
    let mut later = RuleVersion {
        version: "2".to_owned(),
        effective_from: day("2018-03-01"),
        ..RuleVersion::default()
    };
    later.plans.plans.remove(0);
    let programme = Programme::new(chrono_tz::UTC, vec![RuleVersion::default(), later]).unwrap();
    assert_eq!(bills(&programme, day("2018-01-01"), 4), [2000; 4]);
}

#[test]
fn periods_keep_the_day_they_began_on() {
    let programme = shipped();
    let mut membership = paid(&programme, "basic", Period::Monthly, day("2023-01-31"));
    let mut ends = vec![membership.end()];
    for _ in 0..2 {
        let end = membership.end();
        job(&mut membership, &programme, end - chrono::TimeDelta::days(7));
        membership.pay(&programme, end, "renewal").unwrap();
        ends.push(membership.end());
    }
    assert_eq!(ends, [day("2023-02-28"), day("2023-03-31"), day("2023-04-30")]);
}

#[test]
fn a_tool_is_tried_longer() {
    let mut rules = RuleVersion::default().plans;
    rules.plans[1].tool = true;
    rules.plans[2].trial = false;
    let days = |n: usize| rules.trial(&rules.plans[n]).map(|trial| trial.num_days());
    assert_eq!([days(0), days(1), days(2)], [Some(3), Some(7), None]);
}

#[test]
fn unsound_plans_are_named() {
    let fault = |change: fn(&mut crate::domain::plan::PlanRules)| {
        let mut rules = RuleVersion::default().plans;
        change(&mut rules);
        rules.fault().unwrap()
    };
    assert!(RuleVersion::default().plans.fault().is_none());
    assert!(fault(|r| r.plans[1].key = "basic".to_owned()).contains("stands twice"));
    assert!(fault(|r| r.plans[1].key = "two words".to_owned()).contains("no key"));
    assert!(fault(|r| r.plans[0].monthly = Some(0)).contains("costs nothing"));
    assert!(fault(|r| r.plans[0].yearly = None).contains("offer"));
    assert!(fault(|r| r.plans[0].offers[0].get = 1).contains("offer"));
    assert!(fault(|r| r.currency = "yuan".to_owned()).contains("currency"));
    assert!(fault(|r| r.first_order_percent_off = 100).contains("first order"));
    assert!(fault(|r| r.grace_days = 10_000).contains("3,660"));
    assert!(fault(|r| r.pause_days = 0).contains("pause"));
}
