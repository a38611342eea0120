//! Days and months in the programme's time zone.
//!
//! Invariant: an expiry is the first instant of a local day, so points are good for the whole of
//! their last day whatever daylight saving does to it (reference, S3).

use super::Time;
use chrono::{Days, MappedLocalTime, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The local calendar day of an instant.
pub fn local_day(at: Time, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The first instant of a local day. Where midnight is skipped (daylight saving, or a whole day
/// that never was), the first instant after the gap.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Time {
    let midnight = day.and_time(NaiveTime::MIN);
    // The longest gap on record is one day (Samoa 2011); gaps end on whole minutes.
    for minutes in 0..=2 * 24 * 60 {
        match zone.from_local_datetime(&(midnight + TimeDelta::minutes(minutes))) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                return at.with_timezone(&Utc);
            }
            MappedLocalTime::None => {}
        }
    }
    Utc.from_utc_datetime(&midnight)
}

/// When points earned at an instant expire if they are good for `months`: the first instant after
/// the local day `months` later. A day that the month lacks becomes its last: 31 January and one
/// month is good through 28 or 29 February. `None` (never) when the calendar ends first.
pub fn expiry_after_months(earned_at: Time, months: u32, zone: Tz) -> Option<Time> {
    let zone = if flawed!(ZoneShifted) { Tz::UTC } else { zone };
    let last_day = local_day(earned_at, zone).checked_add_months(Months::new(months))?;
    Some(start_of_day(last_day.checked_add_days(Days::new(1))?, zone))
}

/// The first instant after `days` more whole local days.
pub fn expiry_after_days(now: Time, days: u32, zone: Tz) -> Option<Time> {
    let next = local_day(now, zone).checked_add_days(Days::new(u64::from(days) + 1))?;
    Some(start_of_day(next, zone))
}

/// The same local time some days earlier; where that time was skipped, the first instant after the
/// gap. The beginning of the calendar when it is reached.
pub fn days_before(at: Time, days: u32, zone: Tz) -> Time {
    let local = at.with_timezone(&zone).naive_local();
    let Some(earlier) = local.checked_sub_days(Days::new(u64::from(days))) else {
        return Time::MIN_UTC;
    };
    match zone.from_local_datetime(&earlier) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.with_timezone(&Utc),
        MappedLocalTime::None => start_of_day(earlier.date(), zone).max(Time::MIN_UTC),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn months_clamp_to_the_last_day() {
        let zone = chrono_tz::Asia::Shanghai;
        let expiry = |from| expiry_after_months(at(from), 1, zone).unwrap();
        assert_eq!(expiry("2023-01-31T04:00:00Z"), at("2023-02-28T16:00:00Z"));
        assert_eq!(expiry("2024-01-31T04:00:00Z"), at("2024-02-29T16:00:00Z"));
        // 16:00 UTC is midnight in Shanghai: already the next local day.
        assert_eq!(expiry("2024-03-30T16:00:00Z"), at("2024-04-30T16:00:00Z"));
    }

    #[test]
    fn a_day_without_midnight_starts_after_the_gap() {
        // Daylight saving began at midnight: 00:00 to 01:00 did not exist.
        let zone = chrono_tz::America::Sao_Paulo;
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(start_of_day(day, zone), at("2018-11-04T03:00:00Z"));
        // A whole day that never was.
        let day = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap();
        assert_eq!(start_of_day(day, chrono_tz::Pacific::Apia), at("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn a_day_with_two_midnights_starts_at_the_first() {
        // In Havana clocks go back from 01:00 to 00:00: midnight comes twice.
        let day = NaiveDate::from_ymd_opt(2023, 11, 5).unwrap();
        assert_eq!(start_of_day(day, chrono_tz::America::Havana), at("2023-11-05T04:00:00Z"));
    }
}
