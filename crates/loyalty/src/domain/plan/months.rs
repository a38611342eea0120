//! Calendar months that remember their day.
//!
//! A period that began on the 31st ends on the last day of a shorter month, and the one after that
//! on the 31st again (reference, S10; Voucherify's month clamp).

use crate::domain::Time;
use chrono::{
    Datelike, MappedLocalTime, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

/// Nothing that is given or paid lasts longer: the last year that the contract can say.
const LAST_YEAR: i32 = 9_999;

/// The instant at which no line of access goes on.
pub fn end_of_time() -> Time {
    let last = NaiveDate::from_ymd_opt(LAST_YEAR, 1, 1).unwrap_or(NaiveDate::MAX);
    Utc.from_utc_datetime(&last.and_time(chrono::NaiveTime::MIN))
}

/// The day of the month to count from, for time that begins at `from`: the one before, if `from`
/// is that day or its month is too short for it; otherwise the day of `from`.
pub fn anchor(before: u32, from: Time, zone: Tz) -> u32 {
    let day = from.with_timezone(&zone).date_naive();
    if day.day() == before.min(last_day(day)) { before } else { day.day() }
}

/// `months` later, on day `anchor` of that month or its last one, at the same local time.
pub fn after_months(from: Time, months: u32, anchor: u32, zone: Tz) -> Time {
    let local = from.with_timezone(&zone).naive_local();
    let month = local.date().with_day(1).and_then(|d| d.checked_add_months(Months::new(months)));
    let day = month.and_then(|month| month.with_day(anchor.min(last_day(month))));
    let Some(day) = day.filter(|day| day.year() < LAST_YEAR) else { return end_of_time() };
    resolve(day.and_time(local.time()), zone)
}

fn last_day(day: NaiveDate) -> u32 {
    let next = day.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
    next.and_then(|next| next.pred_opt()).map_or(28, |last| last.day())
}

/// The first of two such instants; where there is none, the first one after the gap.
fn resolve(local: NaiveDateTime, zone: Tz) -> Time {
    for quarters in 0..=4 * 25 {
        match zone.from_local_datetime(&(local + TimeDelta::minutes(15 * quarters))) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                return at.with_timezone(&Utc);
            }
            MappedLocalTime::None => {}
        }
    }
    Utc.from_utc_datetime(&local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_remembered_over_short_months() {
        let zone = chrono_tz::Asia::Shanghai;
        let mut at: Time = "2023-01-31T04:00:00Z".parse().unwrap();
        let mut day = anchor(0, at, zone);
        let mut days = Vec::new();
        for _ in 0..4 {
            day = anchor(day, at, zone);
            at = after_months(at, 1, day, zone);
            days.push(at.format("%m-%d %H").to_string());
        }
        assert_eq!(days, ["02-28 04", "03-31 04", "04-30 04", "05-31 04"]);
    }

    #[test]
    fn days_that_were_added_move_the_day() {
        let zone = chrono_tz::UTC;
        let at: Time = "2023-03-05T00:00:00Z".parse().unwrap();
        assert_eq!(anchor(31, at, zone), 5);
        let leap: Time = "2024-02-29T00:00:00Z".parse().unwrap();
        let year = after_months(leap, 12, 29, zone);
        assert_eq!(year.to_rfc3339(), "2025-02-28T00:00:00+00:00");
        assert_eq!(anchor(29, year, zone), 29);
        assert_eq!(after_months(leap, 1_000_000, 29, zone), end_of_time());
    }
}
