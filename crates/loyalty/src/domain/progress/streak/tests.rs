use super::*;
use crate::domain::progress::ProgressRules;
use crate::domain::progress::calendar::day_in;
use crate::domain::{Programme, RuleVersion};
use chrono_tz::Tz;
use proptest::prelude::*;

const ZONES: [Tz; 9] = [
    Tz::Asia__Shanghai,
    Tz::America__Havana,
    Tz::Pacific__Apia,
    Tz::Pacific__Kiritimati,
    Tz::Etc__GMTPlus12,
    Tz::Europe__Lisbon,
    Tz::America__St_Johns,
    Tz::Australia__Lord_Howe,
    Tz::America__Sao_Paulo,
];

fn programme() -> Programme {
    let mut rules = RuleVersion { progress: ProgressRules::default(), ..RuleVersion::default() };
    // No freezes: whatever keeps a streak here is not one of them.
    rules.progress.streaks[0].freezes =
        super::super::Freezes { start: 0, every_days: 0, at_most: 0 };
    Programme::new(Tz::Asia__Shanghai, vec![rules]).unwrap()
}

fn with_freezes(start: u32) -> Programme {
    let mut rules = RuleVersion::default();
    let freezes = super::super::Freezes { start, every_days: 5, at_most: 2 };
    rules.progress.streaks[0].freezes = freezes;
    Programme::new(Tz::Asia__Shanghai, vec![rules]).unwrap()
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// Events as the store keeps them: one row a day, with its first and its last instant.
fn attended(events: &[Time], calendar: &OwnCalendar) -> Vec<Attended> {
    let mut days: BTreeMap<NaiveDate, Attended> = BTreeMap::new();
    for at in events {
        let day = calendar.day(*at);
        let kept = days.entry(day).or_insert(Attended { day, first_at: *at, last_at: *at });
        kept.first_at = kept.first_at.min(*at);
        kept.last_at = kept.last_at.max(*at);
    }
    days.into_values().collect()
}

/// A life: each step waits, then changes the zone or not.
fn life() -> impl Strategy<Value = (Time, Vec<(i64, Option<usize>, i64)>)> {
    // Around Samoa's lost day, and the two changes of daylight saving of a year.
    let starts = prop_oneof![
        Just("2011-12-20T00:00:00Z"),
        Just("2006-10-20T00:00:00Z"),
        Just("2023-03-01T00:00:00Z"),
        Just("2023-10-25T00:00:00Z"),
        Just("2017-10-05T00:00:00Z"),
    ];
    let steps = prop::collection::vec(
        (0_i64..=60 * 30, prop::option::weighted(0.5, 0..ZONES.len()), 0_i64..=1_000_000),
        1..60,
    );
    (starts.prop_map(at), steps)
}

/// The zones of a life, each asked for at an instant and holding from the next own day on.
fn calendar(start: Time, steps: &[(i64, Option<usize>, i64)]) -> (OwnCalendar, Time) {
    let (mut now, mut changes): (Time, BTreeMap<Time, Tz>) = (start, BTreeMap::new());
    let build = |changes: &BTreeMap<Time, Tz>| {
        OwnCalendar::new(ZONES[0], changes.iter().map(|(at, zone)| (*at, *zone)))
    };
    for (minutes, zone, _) in steps {
        now += TimeDelta::minutes(*minutes);
        if let Some(zone) = zone {
            // One that was to hold from tomorrow is given up for it.
            changes.retain(|from, _| *from <= now);
            let known = build(&changes);
            changes.insert(known.next_day(now), ZONES[*zone]);
        }
    }
    (build(&changes), now)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn who_comes_on_each_own_day_never_loses_the_streak((start, steps) in life()) {
        let (calendar, end) = calendar(start, &steps);
        let (programme, mut events) = (programme(), Vec::new());
        let mut day = calendar.day(start);
        let mut picks = steps.iter().cycle().map(|(_, _, pick)| *pick);
        while day <= calendar.day(end) {
            if calendar.has(day) {
                // Somewhere in the own day, which may be long or short; its very ends included.
                let (from, to) = (calendar.start(day), calendar.next_day(calendar.start(day)));
                let length = (to - from).num_seconds();
                let within = length * picks.next().unwrap_or(0) / 1_000_000;
                events.push(from + TimeDelta::seconds(within.clamp(0, length - 1)));
            }
            day = day.succ_opt().unwrap();
        }
        let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
        let days = attended(&events, &calendar);
        prop_assert_eq!(days.len(), events.len());
        let (streak, told) = Streak::from_scratch(&days, judge);
        prop_assert_eq!(told.len(), days.len());
        let counted = told.iter().filter(|(_, outcome, _)| *outcome == Outcome::Counted).count();
        // One run from the first day to the last, in which everything that counted still counts.
        prop_assert_eq!(streak.days as usize, counted);
        prop_assert!(told.iter().all(|(_, outcome, _)| *outcome != Outcome::Frozen));
    }

    /// A day that goes on needs no look at the others, wherever that is said to be enough.
    #[test]
    fn a_day_that_goes_on_is_what_all_days_make(
        (start, steps) in life(), gaps in prop::collection::vec(1_i64..=1_000, 1..80)
    ) {
        let (calendar, _) = calendar(start, &steps);
        let programme = with_freezes(1);
        let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
        let (mut now, mut events, mut kept) = (start, Vec::new(), Streak::default());
        for minutes in gaps {
            now += TimeDelta::minutes(minutes);
            events.push(now);
            let days = attended(&events, &calendar);
            let scratch = Streak::from_scratch(&days, judge).0;
            if !kept.go_on(&days[days.len() - 1]) {
                kept = scratch.clone();
            }
            prop_assert_eq!(&kept, &scratch);
        }
    }

    #[test]
    fn nobody_gets_two_days_inside_eighteen_hours_by_switching_zones(
        (start, steps) in life(), gaps in prop::collection::vec(1_i64..=1_000, 1..120)
    ) {
        let (calendar, _) = calendar(start, &steps);
        let (programme, mut now, mut events) = (programme(), start, Vec::new());
        for minutes in gaps {
            now += TimeDelta::minutes(minutes);
            events.push(now);
        }
        let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
        let mut streak = Streak::default();
        let mut counted: Vec<Time> = Vec::new();
        for day in attended(&events, &calendar) {
            streak.attend(&day, judge);
            let at = streak.counted.map(|(_, at)| at);
            counted.extend(at.filter(|at| counted.last() != Some(at)));
        }
        for (n, one) in counted.iter().enumerate() {
            for other in &counted[n + 1..] {
                let same_zone = calendar.stretch(*one) == calendar.stretch(*other);
                prop_assert!(same_zone || *other - *one >= ZONE_GAP, "{one} {other}");
            }
        }
    }

    #[test]
    fn the_order_in_which_events_arrive_does_not_matter(
        (start, steps) in life(), gaps in prop::collection::vec(1_i64..=3_000, 1..60), seed in any::<u64>()
    ) {
        let (calendar, _) = calendar(start, &steps);
        let (programme, mut now, mut events) = (with_freezes(1), start, Vec::new());
        for minutes in gaps {
            now += TimeDelta::minutes(minutes);
            events.push(now);
        }
        let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
        let in_order = Streak::from_scratch(&attended(&events, &calendar), judge);
        let mut shuffled = events.clone();
        shuffled.sort_by_key(|at| at.timestamp().unsigned_abs().wrapping_mul(seed | 1).rotate_left(29));
        prop_assert_eq!(&Streak::from_scratch(&attended(&shuffled, &calendar), judge), &in_order);
        // Step by step is the same as in one go, and a look in between changes nothing.
        let mut streak = Streak::default();
        for day in attended(&events, &calendar) {
            let seen = streak.at(day.first_at, judge);
            streak.attend(&day, judge);
            prop_assert!(seen.freezes <= 2 && streak.days >= 1 || streak.days == 0);
        }
        prop_assert_eq!(streak, in_order.0);
    }

    #[test]
    fn own_days_never_go_back((start, steps) in life()) {
        let (calendar, end) = calendar(start, &steps);
        let (mut at, mut before) = (start, calendar.day(start));
        while at < end {
            let day = calendar.day(at);
            prop_assert!(day >= before);
            prop_assert!(calendar.has(day));
            prop_assert!(calendar.start(day) <= at && at < calendar.next_day(at));
            prop_assert_eq!(calendar.day(calendar.next_day(at) - TimeDelta::microseconds(1)), day);
            // No zone is ever more than a day and a bit away from the date that UTC shows.
            prop_assert!((day - day_in(at, Tz::UTC)).num_days().abs() <= 2);
            before = day;
            at += TimeDelta::minutes(37);
        }
    }
}

#[test]
fn a_streak_is_lost_when_its_last_instant_has_passed() {
    let programme = programme();
    let calendar = OwnCalendar::new(Tz::Asia__Shanghai, []);
    let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
    let events = [at("2024-05-01T04:00:00Z"), at("2024-05-02T04:00:00Z")];
    let (streak, _) = Streak::from_scratch(&attended(&events, &calendar), judge);
    assert_eq!(streak.lost_at(judge), Some(at("2024-05-03T16:00:00Z")));
    assert_eq!(streak.at(at("2024-05-03T15:59:59Z"), judge).days, 2);
    assert_eq!(streak.at(at("2024-05-03T16:00:00Z"), judge).days, 0);
}

#[test]
fn freezes_are_earned_used_without_asking_and_run_out() {
    let programme = with_freezes(1);
    let calendar = OwnCalendar::new(Tz::UTC, []);
    let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
    let events: Vec<Time> =
        [1, 2, 4, 5, 6, 9, 11].map(|day| at(&format!("2024-05-{day:02}T12:00:00Z"))).to_vec();
    let (streak, told) = Streak::from_scratch(&attended(&events[..5], &calendar), judge);
    // The third was missed; the fifth day counted earned a freeze again.
    assert_eq!((streak.days, streak.freezes), (5, 1));
    assert_eq!(told[2].1, Outcome::Frozen);
    assert_eq!(streak.lost_at(judge), Some(at("2024-05-09T00:00:00Z")));
    // Two days missed with one freeze: a new run, which keeps the freeze.
    let (streak, _) = Streak::from_scratch(&attended(&events[..6], &calendar), judge);
    assert_eq!((streak.days, streak.longest, streak.freezes), (1, 5, 1));
    let (streak, _) = Streak::from_scratch(&attended(&events, &calendar), judge);
    assert_eq!((streak.days, streak.freezes), (2, 0));
}

#[test]
fn travel_is_forgiven_below_thirty_six_hours_and_nothing_else_is() {
    let programme = programme();
    let asked = at("2024-05-01T15:00:00Z");
    let home = OwnCalendar::new(Tz::Asia__Shanghai, []);
    // Eastward by six hours: the second of May has only eighteen, and passes on the way.
    let change = home.next_day(asked);
    let calendar = OwnCalendar::new(Tz::Asia__Shanghai, [(change, Tz::Pacific__Kiritimati)]);
    let judge = Judge { programme: &programme, calendar: &calendar, key: "check-in" };
    let streak = |second: &str| {
        let events = [at("2024-05-01T14:00:00Z"), at(second)];
        Streak::from_scratch(&attended(&events, &calendar), judge).0.days
    };
    assert_eq!(calendar.day(at("2024-05-02T12:00:00Z")).to_string(), "2024-05-03");
    assert_eq!(streak("2024-05-03T01:59:59Z"), 2);
    assert_eq!(streak("2024-05-03T02:00:00Z"), 1);
    // At home the same gap over a missed day ends the streak.
    let judge = Judge { programme: &programme, calendar: &home, key: "check-in" };
    let events = [at("2024-05-01T14:00:00Z"), at("2024-05-02T17:00:00Z")];
    assert_eq!(Streak::from_scratch(&attended(&events, &home), judge).0.days, 1);
}
