//! Vectors of business time, the published example first, then the laws.

use super::super::calendar_spec::{BadCalendar, CalendarSpec};
use super::*;
use proptest::prelude::*;

fn office() -> Calendar {
    let hours = vec!["09:00-12:00".to_owned(), "13:30-18:00".to_owned()];
    let week = ["mon", "tue", "wed", "thu", "fri"];
    let spec = CalendarSpec {
        zone: "Asia/Shanghai".to_owned(),
        week: week.iter().map(|day| ((*day).to_owned(), hours.clone())).collect(),
        // National Day, its make-up Saturday, and a half day before New Year.
        holidays: vec![date(2026, 10, 1)],
        dates: [
            (date(2026, 10, 10), vec!["09:00-18:00".to_owned()]),
            (date(2026, 12, 31), vec!["09:00-12:00".to_owned()]),
        ]
        .into(),
    };
    spec.build().unwrap()
}

fn date(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).unwrap()
}

fn shanghai(y: i32, m: u32, d: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    let local = date(y, m, d).and_hms_opt(hour, minute, 0).unwrap();
    chrono_tz::Asia::Shanghai.from_local_datetime(&local).unwrap().to_utc()
}

fn hours(h: i64) -> TimeDelta {
    TimeDelta::hours(h)
}

#[test]
fn counts_office_hours_only() {
    let office = office();
    // Friday 2026-11-20 16:00, 3 h: two today, one on Monday.
    let friday = shanghai(2026, 11, 20, 16, 0);
    assert_eq!(office.after(friday, hours(3)), shanghai(2026, 11, 23, 10, 0));
    assert_eq!(office.between(friday, shanghai(2026, 11, 23, 10, 0)), hours(3));
    // Used up at closing time is due at closing time.
    assert_eq!(office.after(friday, hours(2)), shanghai(2026, 11, 20, 18, 0));
    // Starting at night counts from the opening.
    assert_eq!(
        office.after(shanghai(2026, 11, 20, 23, 0), hours(1)),
        shanghai(2026, 11, 23, 10, 0)
    );
}

#[test]
fn holidays_make_up_days_and_half_days_win_over_the_week() {
    let office = office();
    let full_day = TimeDelta::minutes(450);
    let day = |m, d| office.between(shanghai(2026, m, d, 0, 0), shanghai(2026, m, d, 23, 59));
    assert_eq!(day(9, 30), full_day);
    assert_eq!(day(10, 1), TimeDelta::zero());
    assert_eq!(day(10, 10), hours(9));
    assert_eq!(day(10, 17), TimeDelta::zero());
    assert_eq!(day(12, 31), hours(3));
}

fn nights(zone: &str) -> Calendar {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let hours = vec!["22:00-06:00".to_owned()];
    let week = days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect();
    CalendarSpec { zone: zone.to_owned(), week, ..CalendarSpec::default() }.build().unwrap()
}

#[test]
fn the_hour_that_happens_twice_counts_twice_and_the_missing_one_not_at_all() {
    let nights = nights("Europe/Berlin");
    let noon = |m, d| Utc.with_ymd_and_hms(2026, m, d, 12, 0, 0).unwrap();
    assert_eq!(nights.between(noon(10, 23), noon(10, 24)), hours(8));
    assert_eq!(nights.between(noon(10, 24), noon(10, 25)), hours(9));
    assert_eq!(nights.between(noon(3, 28), noon(3, 29)), hours(7));
}

#[test]
fn an_opening_in_the_missing_hour_means_its_end() {
    let week = [("sun".to_owned(), vec!["02:30-04:00".to_owned()])].into();
    let spec = CalendarSpec { zone: "Europe/Berlin".to_owned(), week, ..CalendarSpec::default() };
    let calendar = spec.build().unwrap();
    let day = |d| Utc.with_ymd_and_hms(2026, 3, d, 0, 0, 0).unwrap();
    assert_eq!(calendar.between(day(29), day(30)), hours(1));
}

#[test]
fn overlapping_hours_count_once() {
    let hours_of = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let week = [
        ("mon".to_owned(), hours_of(&["20:00-04:00"])),
        ("tue".to_owned(), hours_of(&["03:00-05:00", "04:00-06:00"])),
    ]
    .into();
    let calendar = CalendarSpec { week, ..CalendarSpec::default() }.build().unwrap();
    let from = Utc.with_ymd_and_hms(2026, 11, 23, 0, 0, 0).unwrap();
    assert_eq!(calendar.between(from, from + hours(48)), hours(10));
}

#[test]
fn a_spec_is_checked_when_it_is_read() {
    let with = |day: &str, text: &str| CalendarSpec {
        week: [(day.to_owned(), vec![text.to_owned()])].into(),
        ..CalendarSpec::default()
    };
    assert_eq!(CalendarSpec::default().build(), Ok(Calendar::Always));
    assert!(with("mon", "09:00-24:00").build().is_ok());
    assert_eq!(with("monday", "09:00-12:00").build(), Err(BadCalendar::Weekday("monday".into())));
    assert_eq!(with("mon", "9-12").build(), Err(BadCalendar::Interval("9-12".into())));
    assert_eq!(
        with("mon", "24:00-25:00").build(),
        Err(BadCalendar::Interval("24:00-25:00".into()))
    );
    let closed = CalendarSpec { holidays: vec![date(2026, 1, 1)], ..CalendarSpec::default() };
    assert_eq!(closed.build(), Err(BadCalendar::NeverOpen));
    let nowhere = CalendarSpec { zone: "Mars/Olympus".into(), ..with("mon", "09:00-12:00") };
    assert_eq!(nowhere.build(), Err(BadCalendar::Zone("Mars/Olympus".into())));
}

proptest! {
    /// `after` and `between` are inverse, and `after` gives the earliest such instant.
    #[test]
    fn after_is_the_earliest_instant_with_the_amount_used_up(
        start in 0i64..400 * 24 * 60,
        amount in 1i64..5_000,
        zone in prop_oneof![Just("Asia/Shanghai"), Just("Europe/Berlin"), Just("America/New_York")],
    ) {
        let from = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + TimeDelta::minutes(start);
        let amount = TimeDelta::minutes(amount);
        for calendar in [Calendar::Always, office(), nights(zone)] {
            let due = calendar.after(from, amount);
            prop_assert_eq!(calendar.between(from, due), amount);
            prop_assert!(calendar.between(from, due - TimeDelta::seconds(1)) < amount);
        }
    }

    /// Time is additive: what lies between two instants is the sum over any cut.
    #[test]
    fn a_cut_changes_nothing(
        start in 0i64..200 * 24 * 60, first in 0i64..20_000, second in 0i64..20_000,
    ) {
        let a = Utc.with_ymd_and_hms(2026, 8, 1, 0, 0, 0).unwrap() + TimeDelta::minutes(start);
        let b = a + TimeDelta::minutes(first);
        let c = b + TimeDelta::minutes(second);
        for calendar in [office(), nights("Europe/Berlin")] {
            let parts = calendar.between(a, b) + calendar.between(b, c);
            prop_assert_eq!(parts, calendar.between(a, c));
        }
    }
}
