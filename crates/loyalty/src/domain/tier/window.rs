//! Over which time what qualifies is counted (reference, S8).
//!
//! A rolling window slides with every instant. The others but "lifetime" are periods, each of which
//! begins with nothing: those of the calendar in the programme's time zone, those of a member from
//! the anniversaries of joining, or of reaching the tier.

use super::super::calendar::{local_day, start_of_day};
use crate::domain::Time;
use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Over which time what qualifies is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The last `window_days`.
    #[default]
    Rolling,
    /// The month.
    CalendarMonth,
    /// The quarter: from January, April, July, October.
    CalendarQuarter,
    /// The half year: from January, July.
    CalendarHalf,
    /// The year.
    CalendarYear,
    /// The year of membership.
    MembershipAnniversary,
    /// The year since the tier was reached.
    TierAnniversary,
    /// Everything, for ever.
    Lifetime,
}

/// When a member rises who has reached what a tier asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upgrade {
    /// At once.
    #[default]
    Immediate,
    /// When the next period begins.
    NextPeriod,
}

/// Until when a tier is guaranteed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// For `keep_days`.
    #[default]
    Days,
    /// To the end of the period in which it was reached; the next one begins with nothing.
    EndOfPeriod,
    /// To the end of the period after that in which it was reached (again).
    EndOfNextPeriod,
}

/// Whose periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// When the member joined.
    pub joined_at: Time,
    /// Since when the member has had the tier.
    pub since: Time,
    /// Where days begin.
    pub zone: Tz,
}

/// From `start` on, before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first instant.
    pub start: Time,
    /// The first instant of the next one.
    pub end: Time,
    /// Another one went before.
    pub follows: bool,
}

impl Window {
    /// It consists of periods that begin with nothing.
    pub fn is_periodic(self) -> bool {
        !matches!(self, Self::Rolling | Self::Lifetime)
    }

    /// The period that an instant lies in.
    pub fn period(self, at: Time, holder: &Holder) -> Option<Period> {
        let zone = holder.zone;
        let calendar = |months| calendar_period(local_day(bounded(at), zone), months, zone);
        match self {
            Self::Rolling | Self::Lifetime => None,
            Self::CalendarMonth => calendar(1),
            Self::CalendarQuarter => calendar(3),
            Self::CalendarHalf => calendar(6),
            Self::CalendarYear => calendar(12),
            Self::MembershipAnniversary => anniversary(holder.joined_at, true, at, zone),
            Self::TierAnniversary => {
                anniversary(holder.since, holder.since == holder.joined_at, at, zone)
            }
        }
    }

    /// Nothing counts any longer that was this long ago; `None`: everything counts for ever. Two
    /// periods, because the one that has just ended is judged as well.
    pub fn reach(self, window_days: u32) -> Option<TimeDelta> {
        let days = match self {
            Self::Rolling => window_days,
            Self::CalendarMonth => 2 * 31 + 1,
            Self::CalendarQuarter => 2 * 92 + 1,
            Self::CalendarHalf => 2 * 184 + 1,
            Self::CalendarYear => 2 * 366 + 1,
            // The first one reaches back before it began.
            Self::MembershipAnniversary | Self::TierAnniversary => 3 * 366 + 1,
            Self::Lifetime => return None,
        };
        Some(TimeDelta::days(i64::from(days)))
    }
}

/// The calendar of the time zones has an end on both sides.
fn bounded(at: Time) -> Time {
    let last = Time::MAX_UTC - TimeDelta::days(366 * 10);
    at.clamp(Time::UNIX_EPOCH, last)
}

fn calendar_period(day: NaiveDate, months: u32, zone: Tz) -> Option<Period> {
    let first = day.month0() / months * months;
    let start = NaiveDate::from_ymd_opt(day.year(), first + 1, 1)?;
    let end = start.checked_add_months(Months::new(months))?;
    Some(Period { start: start_of_day(start, zone), end: start_of_day(end, zone), follows: true })
}

/// Years from the local day of `from`; one that the year lacks becomes its last. What was before
/// somebody joined, but told later, counts in the first year of membership; what was before a
/// tier was reached counts no more.
fn anniversary(from: Time, joined: bool, at: Time, zone: Tz) -> Option<Period> {
    let (from, at) = (bounded(from), bounded(at));
    let day = local_day(from, zone);
    let nth =
        |years: u32| Some(start_of_day(day.checked_add_months(Months::new(12 * years))?, zone));
    let years = u32::try_from(local_day(at, zone).year() - day.year()).unwrap_or(0);
    let years = if years > 0 && nth(years)? > at { years - 1 } else { years };
    let start = match years {
        0 if joined => start_of_day(day.checked_sub_months(Months::new(12))?, zone),
        0 => from + TimeDelta::microseconds(1),
        years => nth(years)?,
    };
    Some(Period { start, end: nth(years + 1)?, follows: years > 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn holder(joined_at: &str, since: &str) -> Holder {
        let zone = chrono_tz::Asia::Shanghai;
        Holder { joined_at: at(joined_at), since: at(since), zone }
    }

    fn days(window: Window, instant: &str, holder: &Holder) -> (String, String) {
        let period = window.period(at(instant), holder).unwrap();
        let day = |at: Time| local_day(at, holder.zone).to_string();
        (day(period.start), day(period.end))
    }

    #[test]
    fn periods_of_the_calendar_begin_at_local_midnight() {
        let holder = holder("2024-02-29T04:00:00Z", "2024-02-29T04:00:00Z");
        // 16:00 UTC is midnight in Shanghai.
        for (instant, month, quarter, half, year) in [
            ("2024-06-30T15:59:59Z", "2024-06-01", "2024-04-01", "2024-01-01", "2024-01-01"),
            ("2024-06-30T16:00:00Z", "2024-07-01", "2024-07-01", "2024-07-01", "2024-01-01"),
            ("2024-12-31T16:00:00Z", "2025-01-01", "2025-01-01", "2025-01-01", "2025-01-01"),
        ] {
            let start = |window| days(window, instant, &holder).0;
            assert_eq!(start(Window::CalendarMonth), month);
            assert_eq!(start(Window::CalendarQuarter), quarter);
            assert_eq!(start(Window::CalendarHalf), half);
            assert_eq!(start(Window::CalendarYear), year);
        }
        let year = days(Window::CalendarYear, "2024-06-30T16:00:00Z", &holder);
        assert_eq!(year.1, "2025-01-01");
    }

    #[test]
    fn a_leap_day_has_its_anniversary_on_the_last_of_february() {
        let holder = holder("2024-02-29T04:00:00Z", "2024-02-29T04:00:00Z");
        let year = |instant| days(Window::MembershipAnniversary, instant, &holder);
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(year("2025-02-27T15:59:59Z"), text("2023-02-28", "2025-02-28"));
        assert_eq!(year("2025-02-27T16:00:00Z"), text("2025-02-28", "2026-02-28"));
        assert_eq!(year("2028-02-28T15:59:59Z"), text("2027-02-28", "2028-02-29"));
        assert_eq!(year("2028-02-28T16:00:00Z"), text("2028-02-29", "2029-02-28"));
    }

    #[test]
    fn the_end_of_time_has_a_period() {
        let holder = holder("2024-02-29T04:00:00Z", "2024-02-29T04:00:00Z");
        for window in [Window::CalendarMonth, Window::MembershipAnniversary] {
            for end in [Time::MIN_UTC, Time::MAX_UTC] {
                assert!(window.period(end, &holder).is_some());
            }
        }
    }
}
