//! Exactness of the counts, for any count and any window.

use super::*;
use chrono::TimeZone;
use proptest::prelude::*;

fn rule(window: Window, max: u32) -> CapRule {
    CapRule {
        name: "rule".to_owned(),
        channel: None,
        topic: None,
        each_topic: false,
        max,
        max_with_complaint: max / 2,
        window,
    }
}

fn slot(at: DateTime<Utc>) -> Slot {
    Slot { channel: Channel::Email, topic: "care".to_owned(), at }
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

#[test]
fn rolling_windows_let_go_to_the_second() {
    let rule = rule(Window::RollingSeconds(3_600), 2);
    let slots = [slot(at("2026-05-01T10:00:00Z")), slot(at("2026-05-01T10:30:00Z"))];
    let usage = |now| rule.usage(&slots, "care", false, Tz::UTC, at(now));
    let full = usage("2026-05-01T10:59:59Z");
    assert_eq!((full.used, full.next), (2, Some(at("2026-05-01T11:00:00Z"))));
    let free = usage("2026-05-01T11:00:00Z");
    assert_eq!((free.used, free.next), (1, None));
}

#[test]
fn a_calendar_day_is_the_users_own_and_has_25_hours_in_autumn() {
    let rule = rule(Window::CalendarLocal(Calendar::Day), 1);
    let berlin = Tz::Europe__Berlin;
    // 23:00 and 00:00 are two days, as the user sees them.
    let slots = [slot(at("2026-10-24T23:00:00+02:00"))];
    assert_eq!(
        rule.usage(&slots, "care", false, berlin, at("2026-10-25T00:00:00+02:00")).next,
        None
    );
    let slots = [slot(at("2026-10-25T00:00:00+02:00"))];
    let usage = rule.usage(&slots, "care", false, berlin, at("2026-10-25T23:59:59+01:00"));
    assert_eq!(usage.next, Some(at("2026-10-26T00:00:00+01:00")));
    assert_eq!(usage.next.unwrap() - usage.window_start, TimeDelta::hours(25));
}

#[test]
fn weeks_start_on_monday_and_months_on_the_first() {
    let now = at("2026-05-13T12:00:00Z");
    let week = rule(Window::CalendarLocal(Calendar::Week), 0).usage(&[], "", false, Tz::UTC, now);
    assert_eq!(week.window_start, at("2026-05-11T00:00:00Z"));
    assert_eq!(week.next, Some(at("2026-05-18T00:00:00Z")));
    let month = rule(Window::CalendarLocal(Calendar::Month), 0).usage(&[], "", false, Tz::UTC, now);
    assert_eq!(month.window_start, at("2026-05-01T00:00:00Z"));
    assert_eq!(month.next, Some(at("2026-06-01T00:00:00Z")));
}

#[test]
fn an_open_complaint_tightens_but_never_loosens() {
    let now = at("2026-05-13T12:00:00Z");
    let slots = [slot(now)];
    let mut rule = rule(Window::RollingSeconds(60), 2);
    assert_eq!(rule.usage(&slots, "", false, Tz::UTC, now).next, None);
    let tight = rule.usage(&slots, "", true, Tz::UTC, now);
    assert!(tight.tightened && tight.max == 1 && tight.next.is_some());
    rule.max_with_complaint = 9;
    let same = rule.usage(&slots, "", true, Tz::UTC, now);
    assert!(!same.tightened && same.max == 2);
}

#[test]
fn channel_and_topic_narrow_a_rule() {
    let now = at("2026-05-13T12:00:00Z");
    let slots = [slot(now), Slot { topic: "news".to_owned(), ..slot(now) }];
    let mut narrow = rule(Window::RollingSeconds(60), 5);
    narrow.each_topic = true;
    assert_eq!(narrow.usage(&slots, "news", false, Tz::UTC, now).used, 1);
    narrow.each_topic = false;
    narrow.topic = Some("care".to_owned());
    assert_eq!(narrow.usage(&slots, "care", false, Tz::UTC, now).used, 1);
    assert!(narrow.fits(Channel::Inbox, "care") && !narrow.fits(Channel::Inbox, "news"));
    narrow.channel = Some(Channel::Inbox);
    assert_eq!(narrow.usage(&slots, "care", false, Tz::UTC, now).used, 0);
}

proptest! {
    /// Sending whenever a rolling rule has room never puts more than `max` in any window, and a
    /// message held until `next` has room then.
    #[test]
    fn a_rolling_rule_is_never_broken(
        gaps in prop::collection::vec(0u32..900, 1..200), max in 1u32..8, seconds in 1u32..4_000
    ) {
        let rule = rule(Window::RollingSeconds(seconds), max);
        let mut now = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let mut slots: Vec<Slot> = Vec::new();
        for gap in gaps {
            now += TimeDelta::seconds(gap.into());
            match rule.usage(&slots, "care", false, Tz::UTC, now).next {
                None => slots.push(slot(now)),
                Some(next) => {
                    prop_assert!(next > now);
                    let then = rule.usage(&slots, "care", false, Tz::UTC, next);
                    prop_assert_eq!(then.next, None);
                }
            }
        }
        let length = TimeDelta::seconds(seconds.into());
        for first in &slots {
            let inside = slots.iter().filter(|s| s.at >= first.at && s.at < first.at + length);
            prop_assert!(inside.count() <= max as usize);
        }
    }

    /// In every zone a calendar window holds now, and a full rule has room at its end.
    #[test]
    fn a_calendar_rule_opens_at_its_end(zone in 0usize..600, hour in 0i64..30_000, unit in 0usize..3) {
        let zone = chrono_tz::TZ_VARIANTS[zone % chrono_tz::TZ_VARIANTS.len()];
        let unit = [Calendar::Day, Calendar::Week, Calendar::Month][unit];
        let rule = rule(Window::CalendarLocal(unit), 1);
        let now = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap() + TimeDelta::hours(hour);
        let slots = [slot(now)];
        let full = rule.usage(&slots, "care", false, zone, now);
        prop_assert!(full.window_start <= now);
        let next = full.next.unwrap();
        prop_assert!(next > now);
        prop_assert_eq!(rule.usage(&slots, "care", false, zone, next).next, None);
    }
}
