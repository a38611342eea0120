//! Business time: which instants count, how much of it lies between two instants, and when a
//! given amount is used up.
//!
//! Opening hours are wall-clock intervals `[open, close)` of a zone. They become spans of UTC
//! before anything is counted, so daylight saving is right by construction: the hour that
//! happens twice counts twice, the missing one not at all.

use chrono::{DateTime, Datelike, Days, MappedLocalTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Days searched for the end of a promise. A calendar without hours for ten years is a mistake;
/// then the promise is due at the end of the search rather than never.
const HORIZON_DAYS: u64 = 3_660;

/// Opening hours of one day: minutes after midnight. `close` beyond 1,440 runs into the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First minute that counts.
    pub open: u32,
    /// First minute that does not.
    pub close: u32,
}

/// When time counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Calendar {
    /// Around the clock.
    Always,
    /// In opening hours.
    Hours(Hours),
}

/// Opening hours of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Zone of the wall-clock times.
    pub zone: Tz,
    /// Monday first.
    pub week: [Vec<Interval>; 7],
    /// Days with hours of their own (none: a holiday); they win over the week.
    pub dates: BTreeMap<NaiveDate, Vec<Interval>>,
}

impl Calendar {
    /// The business time in `[from, to)`.
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        match self {
            Self::Always => (to - from).max(TimeDelta::zero()),
            Self::Hours(hours) => hours.between(from, to),
        }
    }

    /// The earliest instant at which exactly `amount` has passed since `from`. Time used up at
    /// closing time ends at closing time, not at the next opening.
    pub fn after(&self, from: DateTime<Utc>, amount: TimeDelta) -> DateTime<Utc> {
        match self {
            Self::Always => from + amount,
            Self::Hours(hours) => hours.after(from, amount),
        }
    }
}

impl Hours {
    fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        self.spans(from)
            .take_while(|(start, _)| *start < to)
            .map(|(start, end)| end.min(to) - start)
            .sum()
    }

    fn after(&self, from: DateTime<Utc>, amount: TimeDelta) -> DateTime<Utc> {
        let mut left = amount;
        if left <= TimeDelta::zero() {
            return from;
        }
        for (start, end) in self.spans(from) {
            if left <= end - start {
                return start + left;
            }
            left -= end - start;
        }
        from + TimeDelta::days(i64::try_from(HORIZON_DAYS).unwrap_or(i64::MAX))
    }

    /// Open spans from `from` on, in order, none empty, none overlapping another.
    fn spans(&self, from: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        // The day before may run over midnight into this one.
        let first = from.with_timezone(&self.zone).date_naive() - Days::new(1);
        let mut counted_to = from;
        (0..HORIZON_DAYS)
            .map_while(move |n| first.checked_add_days(Days::new(n)))
            .flat_map(move |day| self.intervals(day).iter().map(move |hours| (day, *hours)))
            .filter_map(move |(day, interval)| {
                let start = self.instant(day, interval.open, Side::Earliest).max(counted_to);
                let end = self.instant(day, interval.close, Side::Latest);
                (start < end).then(|| {
                    counted_to = end;
                    (start, end)
                })
            })
    }

    fn intervals(&self, day: NaiveDate) -> &[Interval] {
        let weekday = day.weekday().num_days_from_monday() as usize;
        self.dates.get(&day).unwrap_or(&self.week[weekday])
    }

    fn instant(&self, day: NaiveDate, minute: u32, side: Side) -> DateTime<Utc> {
        let day = day + Days::new(u64::from(minute / 1_440));
        local_instant(self.zone, day, minute % 1_440, side)
    }
}

/// Which of the two instants a wall-clock time means in the hour that happens twice.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    /// The first.
    Earliest,
    /// The second.
    Latest,
}

/// The instant of a wall-clock time. A time in the hour that is left out means its end.
pub fn local_instant(zone: Tz, day: NaiveDate, minute: u32, side: Side) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    let mut local = midnight + TimeDelta::minutes(i64::from(minute));
    // No zone leaves out more than a day (Samoa skipped 2011-12-30).
    for _ in 0..=1_440 {
        match (zone.from_local_datetime(&local), side) {
            (MappedLocalTime::Single(t), _)
            | (MappedLocalTime::Ambiguous(t, _), Side::Earliest)
            | (MappedLocalTime::Ambiguous(_, t), Side::Latest) => return t.to_utc(),
            (MappedLocalTime::None, _) => local += TimeDelta::minutes(1),
        }
    }
    Utc.from_utc_datetime(&local)
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
