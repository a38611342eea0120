use super::super::{Given, Keep, Threshold, TierRules, Upgrade, Window};
use super::*;
use crate::domain::RuleVersion;

mod laws;
mod periods;

fn day(days: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(days)
}

fn bought(on: i64, spend: i64) -> Fact {
    Fact { spend, orders: 1, ..Fact::nothing(day(on)) }
}

fn rules(version: &str, from: i64, tiers: TierRules) -> RuleVersion {
    RuleVersion {
        version: version.to_owned(),
        effective_from: day(from),
        tiers,
        ..RuleVersion::default()
    }
}

fn tiers(window_days: u32, downgrade: Downgrade) -> TierRules {
    let ask = |spend_minor_units, orders, recommendations| Threshold {
        spend_minor_units,
        orders,
        recommendations,
    };
    TierRules {
        window: Window::Rolling,
        window_days,
        upgrade: Upgrade::Immediate,
        keep: Keep::Days,
        keep_days: 30,
        downgrade,
        silver: ask(100, 3, 2),
        gold: ask(300, 6, 4),
        diamond: ask(600, 12, 8),
    }
}

fn programme(downgrade: Downgrade) -> Programme {
    under(tiers(100, downgrade))
}

fn under(tiers: TierRules) -> Programme {
    Programme::new(chrono_tz::UTC, vec![rules("1", 0, tiers)]).unwrap()
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

#[test]
fn by_recommendation_alone() {
    let brought = |on| Fact { recommendations: 1, ..Fact::nothing(day(on)) };
    let lost = Fact { recommendations: -1, anchor_at: day(1), ..Fact::nothing(day(3)) };
    let programme = programme(Downgrade::ToQualified);
    let tier =
        |facts: &[Fact], on| Standing::from_scratch(day(0), facts, &programme, day(on)).0.tier;
    assert_eq!(tier(&[brought(1)], 2), Tier::Ordinary);
    assert_eq!(tier(&[brought(1), brought(2)], 2), Tier::Silver);
    // Lost again: guaranteed for thirty days, and no longer.
    assert_eq!(tier(&[brought(1), brought(2), lost], 31), Tier::Silver);
    assert_eq!(tier(&[brought(1), brought(2), lost], 32), Tier::Ordinary);
}

/// What is known to count from a date on raises the member at that date, whoever looks.
#[test]
fn a_recommendation_that_counts_later_raises_then() {
    let announced = |from: i64| Fact {
        occurred_at: day(from),
        anchor_at: day(from),
        recommendations: 1,
        ..Fact::nothing(day(1))
    };
    let facts = [announced(15), announced(20)];
    let programme = programme(Downgrade::OneDown);
    let (before, _) = Standing::from_scratch(day(0), &facts, &programme, day(19));
    assert_eq!(before.tier, Tier::Ordinary);
    assert_eq!(before.due_at(&facts, &programme), Some(day(20)));
    let (after, _) = Standing::from_scratch(day(0), &facts, &programme, day(20));
    assert_eq!((after.tier, after.since), (Tier::Silver, day(20)));
}

fn given_on(on: i64, tier: Tier, until: i64) -> Fact {
    let until = day(until);
    Fact { given: Some(Given { tier, until }), anchor_at: until, ..Fact::nothing(day(on)) }
}

#[test]
fn a_tier_that_is_given_is_kept_like_a_reached_one() {
    let facts = [given_on(5, Tier::Gold, 35)];
    let programme = programme(Downgrade::OneDown);
    let (standing, changes) = Standing::from_scratch(day(0), &facts, &programme, day(34));
    assert_eq!((standing.tier, standing.keep_until), (Tier::Gold, Some(day(35))));
    assert_eq!(changes[0].cause, Cause::Granted);
    let (standing, changes) = Standing::from_scratch(day(0), &facts, &programme, day(35));
    assert_eq!((standing.tier, changes[1].cause), (Tier::Silver, Cause::Lapsed));
}

#[test]
fn a_given_tier_that_is_taken_back_keeps_its_guarantee_and_no_more() {
    // Gold was reached on day 1 (guaranteed to 31), then given (to 60) and taken back on day 20.
    let refund = Fact { anchor_at: day(1), orders: -1, ..bought(2, -300) };
    let programme = programme(Downgrade::ToQualified);
    let held = [bought(1, 300), refund, given_on(10, Tier::Gold, 60)];
    let (standing, _) = Standing::from_scratch(day(0), &held, &programme, day(59));
    assert_eq!(standing.tier, Tier::Gold);
    let ended = Some(Given { tier: Tier::Gold, until: day(20) });
    let taken = [bought(1, 300), refund, Fact { given: ended, ..held[2] }];
    for (on, tier) in [(30, Tier::Gold), (31, Tier::Ordinary)] {
        let (standing, _) = Standing::from_scratch(day(0), &taken, &programme, day(on));
        assert_eq!(standing.tier, tier);
    }
}
