//! Windows that are periods: what counts when, and when members rise and fall.

use super::*;

fn at(text: &str) -> Time {
    format!("{text}T00:00:00Z").parse().unwrap()
}

fn paid(on: &str, spend: i64) -> Fact {
    Fact { spend, orders: 1, ..Fact::nothing(at(on)) }
}

fn yearly(upgrade: Upgrade, keep: Keep, downgrade: Downgrade) -> TierRules {
    TierRules { window: Window::CalendarYear, upgrade, keep, ..tiers(1, downgrade) }
}

fn changes(tiers: &TierRules, facts: &[Fact]) -> Vec<(Time, Tier, Option<Time>)> {
    let programme = under(tiers.clone());
    let (_, changes) =
        Standing::from_scratch(at("2024-01-10"), facts, &programme, at("2030-01-01"));
    changes.iter().map(|change| (change.at, change.to, change.keep_until)).collect()
}

#[test]
fn to_the_end_of_the_period() {
    let tiers = yearly(Upgrade::Immediate, Keep::EndOfPeriod, Downgrade::ToQualified);
    assert_eq!(
        changes(&tiers, &[paid("2024-03-01", 300)]),
        [
            (at("2024-03-01"), Tier::Gold, Some(at("2025-01-01"))),
            (at("2025-01-01"), Tier::Ordinary, None),
        ]
    );
}

#[test]
fn to_the_end_of_the_next_period_and_again_by_what_was_reached_in_it() {
    let tiers = yearly(Upgrade::Immediate, Keep::EndOfNextPeriod, Downgrade::OneDown);
    let facts = [paid("2024-03-01", 300), paid("2025-06-01", 300), paid("2026-06-01", 299)];
    assert_eq!(
        changes(&tiers, &facts),
        [
            (at("2024-03-01"), Tier::Gold, Some(at("2026-01-01"))),
            // 2025 reached it again, 2026 did not.
            (at("2027-01-01"), Tier::Silver, Some(at("2028-01-01"))),
            (at("2028-01-01"), Tier::Ordinary, None),
        ]
    );
}

#[test]
fn rising_with_the_next_period() {
    let tiers = yearly(Upgrade::NextPeriod, Keep::EndOfPeriod, Downgrade::ToQualified);
    assert_eq!(
        changes(&tiers, &[paid("2024-03-01", 300), paid("2025-03-01", 100)]),
        [
            (at("2025-01-01"), Tier::Gold, Some(at("2026-01-01"))),
            (at("2026-01-01"), Tier::Silver, Some(at("2027-01-01"))),
            (at("2027-01-01"), Tier::Ordinary, None),
        ]
    );
}

#[test]
fn the_period_that_ended_justifies_the_rise() {
    let tiers = yearly(Upgrade::NextPeriod, Keep::EndOfPeriod, Downgrade::ToQualified);
    let facts = [paid("2024-03-01", 300)];
    let (_, changes) =
        Standing::from_scratch(at("2024-01-10"), &facts, &under(tiers), at("2025-01-01"));
    assert_eq!((changes[0].metrics.spend, changes[0].window_start), (300, at("2024-01-01")));
}

#[test]
fn down_to_the_lowest() {
    let tiers = yearly(Upgrade::Immediate, Keep::EndOfNextPeriod, Downgrade::ToBase);
    let facts = [paid("2024-03-01", 600), paid("2025-06-01", 300)];
    assert_eq!(
        changes(&tiers, &facts)[1],
        (at("2026-01-01"), Tier::Ordinary, None),
        "though 2025 reached gold"
    );
}

#[test]
fn what_was_in_another_period_does_not_count() {
    for (window, apart) in [
        (Window::CalendarMonth, "2024-02-01"),
        (Window::CalendarQuarter, "2024-04-01"),
        (Window::CalendarHalf, "2024-07-01"),
        (Window::CalendarYear, "2025-01-01"),
        (Window::MembershipAnniversary, "2025-01-10"),
    ] {
        let tiers = TierRules { window, ..tiers(1, Downgrade::ToQualified) };
        let second = Fact { spend: 50, orders: 1, ..Fact::nothing(at(apart)) };
        let before =
            Fact { spend: 50, orders: 1, ..Fact::nothing(at(apart) - TimeDelta::microseconds(1)) };
        let first = paid("2024-01-15", 50);
        assert_eq!(changes(&tiers, &[first, second]), [], "{window:?}");
        assert_eq!(changes(&tiers, &[first, before])[0].1, Tier::Silver, "{window:?}");
    }
}

#[test]
fn a_year_from_the_day_the_tier_was_reached() {
    let tiers = TierRules {
        window: Window::TierAnniversary,
        keep: Keep::EndOfPeriod,
        ..tiers(1, Downgrade::ToQualified)
    };
    // What made silver does not help to gold.
    let facts = [paid("2024-03-01", 100), paid("2024-04-01", 299)];
    assert_eq!(
        changes(&tiers, &facts),
        [
            (at("2024-03-01"), Tier::Silver, Some(at("2025-03-01"))),
            (at("2025-03-01"), Tier::Ordinary, None),
        ]
    );
    let facts = [paid("2024-03-01", 100), paid("2024-04-01", 300)];
    assert_eq!(changes(&tiers, &facts)[1], (at("2024-04-01"), Tier::Gold, Some(at("2025-04-01"))));
}

#[test]
fn everything_counts_for_ever() {
    let tiers = TierRules { window: Window::Lifetime, ..tiers(1, Downgrade::ToQualified) };
    let facts = [paid("2024-03-01", 50), paid("2029-03-01", 50)];
    let changes = changes(&tiers, &facts);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].0, changes[0].1), (at("2029-03-01"), Tier::Silver));
}
