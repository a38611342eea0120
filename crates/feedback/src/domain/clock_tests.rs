//! Due times, pauses, warnings: the vectors of the rules, then the laws.

use super::super::calendar_spec::CalendarSpec;
use super::super::kinds::{Category, Channel, Satisfier};
use super::super::policy::{Policy, Rule};
use super::*;
use chrono::{NaiveDate, TimeZone, Timelike};
use proptest::prelude::*;

fn promise(clock: ClockKind, seconds: i64, calendar: Option<CalendarSpec>) -> Promise {
    let rule = Rule {
        clock,
        channels: vec![],
        categories: vec![],
        paying: None,
        within_seconds: seconds,
        by: Satisfier::Any,
        pauses: true,
        calendar: if calendar.is_some() { "office".to_owned() } else { String::new() },
    };
    let policy = Policy {
        rules: vec![rule],
        calendars: calendar.map(|spec| ("office".to_owned(), spec)).into_iter().collect(),
        report_zone: "Asia/Shanghai".to_owned(),
        report_time: "09:00".to_owned(),
        warn_percent: 80,
    };
    policy.check().unwrap();
    policy.plan(Channel::Form, Category::Other, false).promises.remove(0)
}

fn office() -> CalendarSpec {
    let hours = vec!["09:00-12:00".to_owned(), "13:30-18:00".to_owned()];
    let week = ["mon", "tue", "wed", "thu", "fri"].map(|day| (day.to_owned(), hours.clone()));
    CalendarSpec { zone: "Asia/Shanghai".into(), week: week.into(), ..CalendarSpec::default() }
}

fn shanghai(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    let local = NaiveDate::from_ymd_opt(2026, 11, day).unwrap().and_hms_opt(hour, minute, 0);
    chrono_tz::Asia::Shanghai.from_local_datetime(&local.unwrap()).unwrap().to_utc()
}

/// The published example: 3 h, Friday 16:00, waiting from Friday 17:00 to Monday 10:00, office
/// hours 9-12 and 13:30-18, due Monday 12:00.
#[test]
fn a_pause_removes_business_time_not_wall_time() {
    let promise = promise(ClockKind::Resolve, 3 * 3_600, Some(office()));
    let mut clock = Clock::start(promise, 80, 1, shanghai(20, 16, 0));
    assert_eq!(clock.due(), Some(shanghai(23, 10, 0)));
    clock.pause(shanghai(20, 17, 0));
    assert_eq!(clock.due(), None);
    assert_eq!(clock.state(shanghai(30, 0, 0)), PromiseState::Paused);
    clock.resume(shanghai(23, 10, 0));
    assert_eq!(clock.due(), Some(shanghai(23, 12, 0)));
    assert_eq!(clock.used(shanghai(23, 11, 0)), TimeDelta::hours(2));
}

#[test]
fn fulfilled_when_due_is_kept_and_a_microsecond_later_is_not() {
    let start = shanghai(20, 16, 0);
    let due = start + TimeDelta::minutes(15);
    let clock = Clock::start(promise(ClockKind::Respond, 900, None), 80, 1, start);
    assert_eq!(clock.state(due), PromiseState::Running);
    let ended = |at| {
        let mut clock = clock.clone();
        clock.finish(End::Fulfilled(at));
        clock.state(at + TimeDelta::days(9))
    };
    assert_eq!(ended(due), PromiseState::Kept);
    assert_eq!(ended(due + TimeDelta::microseconds(1)), PromiseState::Breached);
    assert_eq!(clock.state(due + TimeDelta::microseconds(1)), PromiseState::Breached);
}

#[test]
fn warns_at_its_share_of_the_time_then_breaks() {
    let start = shanghai(20, 16, 0);
    let mut clock = Clock::start(promise(ClockKind::Respond, 900, None), 80, 1, start);
    assert_eq!(clock.alarm(), Some(start + TimeDelta::minutes(12)));
    clock.warned = true;
    let broken = start + TimeDelta::minutes(15) + TimeDelta::microseconds(1);
    assert_eq!(clock.alarm(), Some(broken));
    clock.breached = true;
    assert_eq!(clock.alarm(), None);
}

#[test]
fn what_is_kept_of_a_clock_has_no_part_of_a_microsecond() {
    let start = shanghai(25, 14, 0) + TimeDelta::microseconds(123_457);
    let clock = Clock::start(promise(ClockKind::Report, 0, None), 80, 1, start);
    let (warn, due) = (clock.warn().unwrap(), clock.due().unwrap());
    assert_eq!((warn.nanosecond() % 1_000, due.nanosecond() % 1_000), (0, 0));
    let share = (warn - start).num_seconds() * 100 / (due - start).num_seconds();
    assert!((79..=80).contains(&share), "{share}");
}

#[test]
fn behaviour_data_is_due_on_the_monday_after_its_week() {
    let clock = Clock::start(promise(ClockKind::Report, 0, None), 80, 1, shanghai(25, 14, 0));
    assert_eq!(clock.due(), Some(shanghai(30, 9, 0)));
    let monday = Clock::start(promise(ClockKind::Report, 0, None), 80, 1, shanghai(23, 8, 0));
    assert_eq!(monday.due(), Some(shanghai(30, 9, 0)));
}

proptest! {
    /// Whatever the pauses: at the due time exactly the target is used, and pausing never brings
    /// the due time forward.
    #[test]
    fn due_is_where_the_target_is_used_up(
        start in 0i64..10_000,
        target in 1i64..3_000,
        cuts in prop::collection::vec(1i64..2_000, 0..8),
        in_office in any::<bool>(),
    ) {
        let start = shanghai(1, 0, 0) + TimeDelta::minutes(start);
        let calendar = in_office.then(office);
        let promise = promise(ClockKind::Resolve, target * 60, calendar);
        let mut clock = Clock::start(promise, 80, 1, start);
        let without = clock.due().unwrap();
        let mut at = start;
        for (index, cut) in cuts.iter().enumerate() {
            at += TimeDelta::minutes(*cut);
            if index % 2 == 0 { clock.pause(at) } else { clock.resume(at) }
        }
        clock.resume(at + TimeDelta::minutes(7));
        let due = clock.due().unwrap();
        prop_assert!(due >= without);
        prop_assert_eq!(clock.used(due), TimeDelta::minutes(target));
        prop_assert!(clock.used(due - TimeDelta::seconds(1)) < TimeDelta::minutes(target));
        prop_assert!(clock.warn().unwrap() <= due);
    }
}
