use super::super::{Threshold, TierRules};
use super::*;
use crate::domain::RuleVersion;
use proptest::prelude::*;

fn day(days: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(days)
}

fn bought(on: i64, spend: i64) -> Fact {
    Fact { recorded_at: day(on), occurred_at: day(on), anchor_at: day(on), spend, orders: 1 }
}

fn rules(version: &str, from: i64, window_days: u32, downgrade: Downgrade) -> RuleVersion {
    let ask = |spend_minor_units, orders| Threshold { spend_minor_units, orders };
    RuleVersion {
        version: version.to_owned(),
        effective_from: day(from),
        tiers: TierRules {
            window_days,
            keep_days: 30,
            downgrade,
            silver: ask(100, 3),
            gold: ask(300, 6),
            diamond: ask(600, 12),
        },
        ..RuleVersion::default()
    }
}

fn programme(downgrade: Downgrade) -> Programme {
    Programme::new(chrono_tz::UTC, vec![rules("1", 0, 100, downgrade)]).unwrap()
}

#[test]
fn rises_at_once_and_falls_step_by_step_after_the_guarantee() {
    let facts = [bought(10, 300)];
    let (_, changes) =
        Standing::from_scratch(day(0), &facts, &programme(Downgrade::OneDown), day(1_000));
    let steps: Vec<_> = changes.iter().map(|c| (c.at, c.to, c.keep_until)).collect();
    // Gold on day 10, guaranteed to 40, kept while the purchase counts (to 110), then silver with
    // a guarantee of its own.
    assert_eq!(
        steps,
        [
            (day(10), Tier::Gold, Some(day(40))),
            (day(110), Tier::Silver, Some(day(140))),
            (day(140), Tier::Ordinary, None),
        ]
    );
}

#[test]
fn falls_to_what_is_reached() {
    let facts = [bought(10, 300)];
    let (standing, changes) =
        Standing::from_scratch(day(0), &facts, &programme(Downgrade::ToQualified), day(1_000));
    assert_eq!(standing.tier, Tier::Ordinary);
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[1].at, changes[1].cause), (day(110), Cause::Lapsed));
}

#[test]
fn a_refund_does_not_break_the_guarantee_and_leaves_with_its_purchase() {
    let refund = Fact { anchor_at: day(10), orders: -1, ..bought(20, -300) };
    let facts = [bought(10, 300), refund, bought(90, 100)];
    let programme = programme(Downgrade::ToQualified);
    let (standing, _) = Standing::from_scratch(day(0), &facts[..2], &programme, day(39));
    assert_eq!(standing.tier, Tier::Gold);
    let (standing, _) = Standing::from_scratch(day(0), &facts[..2], &programme, day(40));
    assert_eq!(standing.tier, Tier::Ordinary);
    // On day 115 neither purchase nor refund counts, only the 100 of day 90.
    let (standing, _) = Standing::from_scratch(day(0), &facts, &programme, day(115));
    assert_eq!(standing.tier, Tier::Silver);
}

#[test]
fn by_frequency_alone() {
    let facts: Vec<Fact> = (1..=3).map(|on| bought(on, 1)).collect();
    let (standing, _) =
        Standing::from_scratch(day(0), &facts, &programme(Downgrade::OneDown), day(3));
    assert_eq!((standing.tier, standing.since), (Tier::Silver, day(3)));
}

/// What happens to a member: time passes, a purchase (some days late), a refund of an earlier one.
#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Buy { late: i64, spend: i64 },
    Refund { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0i64..80).prop_map(Step::Wait),
        ((-3i64..20), (1i64..250)).prop_map(|(late, spend)| Step::Buy { late, spend }),
        (0usize..20).prop_map(|which| Step::Refund { which }),
    ]
}

proptest! {
    /// Judging step by step, at whatever instants a job happens to run, with only the facts that
    /// can still count, equals judging once from scratch; and nobody falls inside a guarantee.
    #[test]
    fn step_by_step_equals_from_scratch(
        steps in prop::collection::vec(step(), 1..40),
        one_down in any::<bool>(),
        second_from in 1i64..600,
        second_window in 20u32..200,
    ) {
        let downgrade = if one_down { Downgrade::OneDown } else { Downgrade::ToQualified };
        let versions = vec![
            rules("1", 0, 100, downgrade),
            rules("2", second_from, second_window, Downgrade::ToQualified),
        ];
        let programme = Programme::new(chrono_tz::UTC, versions).unwrap();
        let longest = TimeDelta::days(200);
        let mut now = day(0);
        let mut standing = Standing::new(now);
        let (mut facts, mut changes): (Vec<Fact>, Vec<Change>) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Wait(days) => {
                    now += TimeDelta::days(days);
                    changes.extend(standing.advance(&facts, &programme, now));
                    continue;
                }
                Step::Buy { late, spend } => {
                    let occurred_at = now - TimeDelta::days(late);
                    facts.push(Fact { recorded_at: now, occurred_at, anchor_at: occurred_at, spend, orders: 1 });
                }
                Step::Refund { which } => {
                    let Some(bought) = facts.get(which).filter(|f| f.orders == 1).copied() else { continue };
                    facts.push(Fact { recorded_at: now, occurred_at: now.max(bought.occurred_at), spend: -bought.spend, orders: -1, ..bought });
                }
            }
            let counting: Vec<Fact> =
                facts.iter().filter(|f| f.anchor_at + longest > standing.judged_at).copied().collect();
            // The newest is judged even if it is too old to count.
            let known = if counting.last() == facts.last() { &counting } else { &facts };
            changes.extend(standing.take_in(known, &programme));
        }
        let (scratch, all) = Standing::from_scratch(day(0), &facts, &programme, now);
        prop_assert_eq!(&changes, &all);
        prop_assert_eq!(standing, scratch);
        for pair in changes.windows(2) {
            if pair[1].cause == Cause::Lapsed {
                prop_assert!(pair[0].keep_until.is_none_or(|until| until <= pair[1].at));
            }
        }
    }
}
