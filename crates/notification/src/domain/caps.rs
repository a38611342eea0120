//! Frequency caps: how many messages a user may get in a window (product row NT-5).
//!
//! A message that counts holds a *slot*: the moment at which it passed the gates. Counts are made
//! from the slots themselves, never from counters that are reset, so they are exact for any
//! number and any window.

use super::kinds::Channel;
use super::zone::instant;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A message that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// On which channel it went.
    pub channel: Channel,
    /// What it was about.
    pub topic: String,
    /// When it passed the gates.
    pub at: DateTime<Utc>,
}

/// At most `max` messages per user in a window. All rules that fit a message must have room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapRule {
    /// Shown in explanations.
    pub name: String,
    /// Only messages on this channel; left out = on every channel, counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Only messages about this topic; left out = about every topic, counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Count each topic by itself.
    #[serde(default)]
    pub each_topic: bool,
    /// Most messages in the window.
    pub max: u32,
    /// Most messages in the window while the user has an open complaint (product row AC-1).
    pub max_with_complaint: u32,
    /// The window.
    pub window: Window,
}

/// Over which time messages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The last so many seconds: a message leaves the window exactly that long after its slot.
    RollingSeconds(u32),
    /// The user's own calendar day, week (from Monday) or month. A day has 23, 24 or 25 hours.
    CalendarLocal(Calendar),
}

/// Calendar windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Calendar {
    Day,
    Week,
    Month,
}

/// A rule as it stands for one user and one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapUse {
    /// Name of the rule.
    pub rule: String,
    /// Its window is rolling (else calendar).
    pub rolling: bool,
    /// Messages are counted from here on.
    pub window_start: DateTime<Utc>,
    /// Messages that count, without the one asked about.
    pub used: u32,
    /// Most messages.
    pub max: u32,
    /// `max` is the tighter one of an open complaint.
    pub tightened: bool,
    /// When the rule has room again; `None` = it has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<DateTime<Utc>>,
}

/// Longest window there is: older slots never count. A local month has at most 31 days.
pub fn reach(rules: &[CapRule]) -> TimeDelta {
    let of = |rule: &CapRule| match rule.window {
        Window::RollingSeconds(seconds) => TimeDelta::seconds(seconds.into()),
        Window::CalendarLocal(Calendar::Day) => TimeDelta::days(2),
        Window::CalendarLocal(Calendar::Week) => TimeDelta::days(8),
        Window::CalendarLocal(Calendar::Month) => TimeDelta::days(32),
    };
    rules.iter().map(of).max().unwrap_or_else(TimeDelta::zero)
}

impl CapRule {
    /// Whether the rule speaks about messages of this channel and topic.
    pub fn fits(&self, channel: Channel, topic: &str) -> bool {
        self.channel.is_none_or(|c| c == channel) && self.topic.as_ref().is_none_or(|t| t == topic)
    }

    /// How the rule stands at `now` for a message about `topic`; `slots` are the user's.
    pub fn usage(
        &self,
        slots: &[Slot],
        topic: &str,
        complaint_open: bool,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> CapUse {
        let (window_start, window_end) = self.window.around(zone, now);
        let inside = |at: DateTime<Utc>| match self.window {
            Window::RollingSeconds(_) => at > window_start,
            Window::CalendarLocal(_) => at >= window_start && at < window_end,
        };
        let mut times: Vec<_> = slots
            .iter()
            .filter(|s| self.fits(s.channel, &s.topic) && (!self.each_topic || s.topic == topic))
            .map(|s| s.at)
            .filter(|at| inside(*at))
            .collect();
        times.sort_unstable();
        let tightened = complaint_open && self.max_with_complaint < self.max;
        let max = if tightened { self.max_with_complaint } else { self.max };
        CapUse {
            rule: self.name.clone(),
            rolling: matches!(self.window, Window::RollingSeconds(_)),
            window_start,
            used: u32::try_from(times.len()).unwrap_or(u32::MAX),
            max,
            tightened,
            next: self.next_room(&times, max, window_end),
        }
    }

    /// When there is room again: `times` are the slots in the window, oldest first.
    fn next_room(
        &self,
        times: &[DateTime<Utc>],
        max: u32,
        window_end: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let excess = times.len().checked_sub(usize::try_from(max).ok()?)?;
        match self.window {
            // Once this slot has left, fewer than `max` remain. With max = 0 none ever suffices:
            // ask again after a whole window.
            Window::RollingSeconds(seconds) => Some(
                times.get(excess).map_or(window_end, |at| *at + TimeDelta::seconds(seconds.into())),
            ),
            Window::CalendarLocal(_) => Some(window_end),
        }
    }
}

impl Window {
    /// Start and end of the window that holds `now`. A rolling window ends one length from now:
    /// by then everything that is in it has left.
    fn around(self, zone: Tz, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let unit = match self {
            Self::RollingSeconds(seconds) => {
                let length = TimeDelta::seconds(seconds.into());
                return (now - length, now + length);
            }
            Self::CalendarLocal(unit) => unit,
        };
        let today = now.with_timezone(&zone).date_naive();
        let (first, next) = unit.around(today).unwrap_or((today, today));
        let midnight = |day: NaiveDate| instant(zone, day.and_time(NaiveTime::MIN));
        (midnight(first), midnight(next))
    }
}

impl Calendar {
    /// First day of the unit that holds `day`, and of the next one.
    fn around(self, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        match self {
            Self::Day => Some((day, day.checked_add_days(Days::new(1))?)),
            Self::Week => {
                let since_monday = u64::from(day.weekday().num_days_from_monday());
                let first = day.checked_sub_days(Days::new(since_monday))?;
                Some((first, first.checked_add_days(Days::new(7))?))
            }
            Self::Month => {
                let first = day.with_day(1)?;
                Some((first, first.checked_add_months(Months::new(1))?))
            }
        }
    }
}

#[cfg(test)]
#[path = "caps_tests.rs"]
mod tests;
