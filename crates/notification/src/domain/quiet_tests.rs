//! Vectors around the clock changes of the world, and laws over every zone.

use super::*;
use chrono::{TimeDelta, TimeZone, Timelike};
use proptest::prelude::*;

fn hours(start: &str, end: &str) -> QuietHours {
    QuietHours::parse(start, end).unwrap()
}

/// Release as the user's wall clock shows it, or "free".
fn release(span: (&str, &str), zone: &str, now: &str) -> String {
    let zone: Tz = zone.parse().unwrap();
    let now = DateTime::parse_from_rfc3339(now).unwrap().with_timezone(&Utc);
    hours(span.0, span.1)
        .release(zone, now)
        .map_or("free".to_owned(), |at| at.with_timezone(&zone).to_rfc3339())
}

const NIGHT: (&str, &str) = ("22:00", "08:00");

#[test]
fn the_edges_are_half_open() {
    let shanghai = |now| release(NIGHT, "Asia/Shanghai", now);
    assert_eq!(shanghai("2026-05-01T21:59:59+08:00"), "free");
    assert_eq!(shanghai("2026-05-01T22:00:00+08:00"), "2026-05-02T08:00:00+08:00");
    assert_eq!(shanghai("2026-05-02T07:59:59+08:00"), "2026-05-02T08:00:00+08:00");
    assert_eq!(shanghai("2026-05-02T08:00:00+08:00"), "free");
}

#[test]
fn just_after_midnight_is_quiet_and_its_weekday_does_not_matter() {
    assert_eq!(
        release(("22:00", "06:00"), "Asia/Tokyo", "2026-05-02T00:30:00+09:00"),
        "2026-05-02T06:00:00+09:00"
    );
    assert_eq!(
        release(("00:00", "06:00"), "Asia/Kathmandu", "2026-05-02T00:00:00+05:45"),
        "2026-05-02T06:00:00+05:45"
    );
}

#[test]
fn spring_ends_the_night_at_the_same_wall_time() {
    let vectors = [
        ("America/New_York", "2026-03-08T01:59:00-05:00", "2026-03-08T08:00:00-04:00"),
        ("Europe/Berlin", "2026-03-29T01:59:00+01:00", "2026-03-29T08:00:00+02:00"),
        ("Australia/Lord_Howe", "2026-10-04T01:59:00+10:30", "2026-10-04T08:00:00+11:00"),
        ("Africa/Casablanca", "2026-03-22T02:30:00+00:00", "2026-03-22T08:00:00+01:00"),
    ];
    for (zone, now, expected) in vectors {
        assert_eq!(release(NIGHT, zone, now), expected, "{zone}");
    }
}

#[test]
fn autumn_ends_the_night_at_the_same_wall_time() {
    let vectors = [
        ("America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T08:00:00-05:00"),
        ("Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T08:00:00+01:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00+11:00", "2026-04-05T08:00:00+10:30"),
        ("Africa/Casablanca", "2026-02-15T02:30:00+01:00", "2026-02-15T08:00:00+00:00"),
    ];
    for (zone, now, expected) in vectors {
        assert_eq!(release(NIGHT, zone, now), expected, "{zone}");
    }
}

#[test]
fn an_end_inside_the_gap_is_read_with_the_offset_before_it() {
    // 02:30 does not exist on this day: it becomes 03:30 daylight time.
    assert_eq!(
        release(("22:00", "02:30"), "America/New_York", "2026-03-08T01:00:00-05:00"),
        "2026-03-08T03:30:00-04:00"
    );
}

#[test]
fn an_end_in_the_doubled_hour_is_its_first_pass_and_stays_ended() {
    let berlin = |now| release(("22:00", "02:30"), "Europe/Berlin", now);
    assert_eq!(berlin("2026-10-25T02:29:00+02:00"), "2026-10-25T02:30:00+02:00");
    assert_eq!(berlin("2026-10-25T02:00:00+01:00"), "free", "the second pass is free");
}

#[test]
fn a_skipped_day_and_abolished_clock_changes() {
    // Apia went from the 29th to the 31st of December 2011: the night lasts to the next morning.
    assert_eq!(
        release(NIGHT, "Pacific/Apia", "2011-12-31T05:00:00+14:00"),
        "2011-12-31T08:00:00+14:00"
    );
    assert_eq!(
        release(NIGHT, "America/Sao_Paulo", "2026-02-15T23:30:00-03:00"),
        "2026-02-16T08:00:00-03:00"
    );
    assert_eq!(
        release(NIGHT, "Asia/Tehran", "2026-03-22T00:30:00+03:30"),
        "2026-03-22T08:00:00+03:30"
    );
}

#[test]
fn a_zone_changed_meanwhile_is_read_anew() {
    let now = "2026-05-01T23:00:00+08:00";
    assert_eq!(release(NIGHT, "Asia/Shanghai", now), "2026-05-02T08:00:00+08:00");
    assert_eq!(release(NIGHT, "Europe/Berlin", now), "free", "17:00 there");
}

#[test]
fn equal_ends_and_bad_times_are_refused() {
    assert_eq!(QuietHours::parse("08:00", "08:00"), Err(BadQuietHours::Empty));
    assert_eq!(QuietHours::parse("24:00", "08:00"), Err(BadQuietHours::NotATime));
}

/// Every zone over three years, each hour of the days around its clock changes and a sample of
/// the others: the release is free, comes after now, at most a night away, and the wall clock
/// agrees.
#[test]
fn every_zone_over_three_years() {
    let night = hours(NIGHT.0, NIGHT.1);
    let start = Utc.with_ymd_and_hms(2025, 1, 1, 0, 0, 0).unwrap();
    for zone in chrono_tz::TZ_VARIANTS {
        for day in 0..3 * 365 {
            let midnight = start + TimeDelta::days(day);
            let jumps = offset(zone, midnight - TimeDelta::days(1))
                != offset(zone, midnight + TimeDelta::days(2));
            let hours = if jumps { 0..24 } else { day % 24..day % 24 + 1 };
            for hour in hours {
                let now = midnight + TimeDelta::hours(hour);
                let wall = now.with_timezone(&zone).hour();
                match night.release(zone, now) {
                    None => assert!((8..22).contains(&wall), "{zone} {now} is in the night"),
                    Some(at) => {
                        assert!(at > now && at - now <= TimeDelta::hours(12), "{zone} {now} {at}");
                        assert_eq!(night.release(zone, at), None, "{zone} {at} is free");
                        assert!(!(8..22).contains(&wall), "{zone} {now} is in the day");
                    }
                }
            }
        }
    }
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    use chrono::Offset;
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

proptest! {
    /// Whatever the hours, the zone and the moment: the release is free, and nothing before it is.
    #[test]
    fn release_is_the_first_free_moment(
        start in 0u32..1440, length in 1u32..1440, zone in 0usize..500, minute in 0i64..3_000_000
    ) {
        let zone = chrono_tz::TZ_VARIANTS[zone % chrono_tz::TZ_VARIANTS.len()];
        let time = |m: u32| NaiveTime::from_hms_opt(m / 60 % 24, m % 60, 0).unwrap();
        let quiet = QuietHours { start: time(start), end: time(start + length) };
        let now = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap() + TimeDelta::minutes(minute);
        if let Some(at) = quiet.release(zone, now) {
            prop_assert!(at > now);
            prop_assert_eq!(quiet.release(zone, at), None);
            let between = now + (at - now) / 2;
            prop_assert_eq!(quiet.release(zone, between), Some(at));
        }
    }
}
