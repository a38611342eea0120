//! Calendar days of the deployment: what "today" and "within a week" mean.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A calendar day as the number of days since 1970-01-01.
pub type Day = i32;

/// 1970-01-01 in chrono's count of days, which starts with the common era.
const EPOCH_FROM_CE: i32 = 719_163;

/// The calendar of one time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar(pub Tz);

impl Calendar {
    /// The day on which a moment falls.
    pub fn day_of(&self, time: DateTime<Utc>) -> Day {
        day_of_date(time.with_timezone(&self.0).date_naive())
    }

    /// The first moment of a day. Where daylight saving skips midnight it is the first moment
    /// that exists; where it repeats midnight, the first of the two.
    pub fn start_of(&self, day: Day) -> DateTime<Utc> {
        let midnight = date_of(day).and_time(NaiveTime::MIN);
        // A zone that crossed the date line skipped a whole day; nothing skipped more.
        (0..=4 * 24)
            .find_map(|quarter| {
                let wall = midnight + TimeDelta::minutes(15 * quarter);
                self.0.from_local_datetime(&wall).earliest()
            })
            .map_or_else(|| midnight.and_utc(), |time| time.with_timezone(&Utc))
    }
}

/// The count of days of a date.
pub fn day_of_date(date: NaiveDate) -> Day {
    date.num_days_from_ce() - EPOCH_FROM_CE
}

fn date_of(day: Day) -> NaiveDate {
    let epoch = NaiveDate::default();
    let distance = Days::new(u64::from(day.unsigned_abs()));
    let date =
        if day < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
    // Out of chrono's range (262,000 years): no activity is there.
    date.unwrap_or(if day < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn days_follow_the_zone() {
        let shanghai = Calendar(chrono_tz::Asia::Shanghai);
        let utc = Calendar(Tz::UTC);
        let evening = at("2026-03-01T16:00:00Z");
        assert_eq!(shanghai.day_of(evening), utc.day_of(evening) + 1);
        assert_eq!(shanghai.start_of(shanghai.day_of(evening)), evening);
        assert_eq!(utc.day_of(at("1970-01-01T23:59:59Z")), 0);
        assert_eq!(utc.day_of(at("1969-12-31T23:59:59Z")), -1);
    }

    #[test]
    fn a_day_without_midnight_starts_when_it_starts() {
        // Brazil moved its clocks at midnight until 2018: 4 November began at 01:00.
        let brazil = Calendar(chrono_tz::America::Sao_Paulo);
        let day = day_of_date(NaiveDate::from_ymd_opt(2018, 11, 4).unwrap());
        assert_eq!(brazil.start_of(day), at("2018-11-04T03:00:00Z"));
        assert_eq!(brazil.day_of(brazil.start_of(day)), day);
        assert_eq!(brazil.day_of(brazil.start_of(day) - TimeDelta::microseconds(1)), day - 1);
    }

    #[test]
    fn every_day_of_a_year_starts_on_itself() {
        for zone in [chrono_tz::Europe::Berlin, chrono_tz::America::New_York] {
            let calendar = Calendar(zone);
            for day in 20_000..20_400 {
                let start = calendar.start_of(day);
                assert_eq!(calendar.day_of(start), day);
                assert_eq!(calendar.day_of(start - TimeDelta::microseconds(1)), day - 1);
            }
        }
    }
}
