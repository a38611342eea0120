//! Quiet hours: a daily span of a user's wall clock in which nothing is sent (product row NT-4).

use super::zone::instant;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A daily quiet span, half-open: quiet from `start` on, allowed from `end` on. A start after the
/// end crosses midnight and belongs to the day on which it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct QuietHours {
    start: NaiveTime,
    end: NaiveTime,
}

/// As configuration and tables write it: `{ start = "22:00", end = "08:00" }`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    start: String,
    end: String,
}

impl TryFrom<Written> for QuietHours {
    type Error = BadQuietHours;

    fn try_from(written: Written) -> Result<Self, BadQuietHours> {
        Self::parse(&written.start, &written.end)
    }
}

impl From<QuietHours> for Written {
    fn from(hours: QuietHours) -> Self {
        Self { start: hours.start_text(), end: hours.end_text() }
    }
}

/// Why two times are no quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadQuietHours {
    /// Not HH:MM.
    NotATime,
    /// Start and end are the same: ambiguous between never and always.
    Empty,
}

impl fmt::Display for BadQuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotATime => "must be two times of day as HH:MM",
            Self::Empty => "must not start when they end",
        })
    }
}

impl std::error::Error for BadQuietHours {}

impl QuietHours {
    /// Reads two times of day, `"22:00"` and `"08:00"`.
    pub fn parse(start: &str, end: &str) -> Result<Self, BadQuietHours> {
        let time = |s| NaiveTime::parse_from_str(s, "%H:%M").map_err(|_| BadQuietHours::NotATime);
        let (start, end) = (time(start)?, time(end)?);
        if start == end {
            return Err(BadQuietHours::Empty);
        }
        Ok(Self { start, end })
    }

    /// When they start, as HH:MM.
    pub fn start_text(&self) -> String {
        self.start.format("%H:%M").to_string()
    }

    /// When they end, as HH:MM.
    pub fn end_text(&self) -> String {
        self.end.format("%H:%M").to_string()
    }

    /// `None` when `now` is not quiet, else the first moment after it that is not.
    ///
    /// Decided on instants, not on the wall clock: in the hour that comes twice in autumn a span
    /// that ended in the first pass has ended, it does not begin anew.
    pub fn release(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut free = now;
        // Two spans touch only around a skipped day; one more turn than that is enough.
        for _ in 0..3 {
            let Some(end) = self.span_around(zone, free) else { break };
            free = end;
        }
        (free != now).then_some(free)
    }

    /// End of the span that holds `at`, if one does.
    fn span_around(&self, zone: Tz, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = at.with_timezone(&zone).date_naive();
        // Two days back: where a calendar day was skipped, a span that started "the day before
        // yesterday" can still run.
        [2, 1, 0]
            .into_iter()
            .filter_map(|back| today.checked_sub_days(Days::new(back)))
            .filter_map(|day| self.span_of(zone, day))
            .filter(|(start, end)| *start <= at && at < *end)
            .map(|(_, end)| end)
            .max()
    }

    /// The span that starts on a day, as instants.
    fn span_of(&self, zone: Tz, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let last = if self.start < self.end { day } else { day.checked_add_days(Days::new(1))? };
        Some((instant(zone, day.and_time(self.start)), instant(zone, last.and_time(self.end))))
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.format("%H:%M"), self.end.format("%H:%M"))
    }
}

#[cfg(test)]
#[path = "quiet_tests.rs"]
mod tests;
