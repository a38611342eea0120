//! A calendar as an operator writes it and as a plan keeps it: text, checked when it is read.

use super::calendar::{Calendar, Hours, Interval};
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Opening hours in words. Days without an entry are closed; a spec without any `week` and
/// `dates` means around the clock.
///
/// ```toml
/// zone = "Asia/Shanghai"
/// week = { mon = ["09:00-12:00", "13:30-18:00"], fri = ["22:00-06:00"] }
/// holidays = ["2026-10-01"]
/// dates = { "2026-10-10" = ["09:00-18:00"] }   # make-up and half days; win over holidays
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarSpec {
    /// IANA time zone of the hours; empty means UTC.
    pub zone: String,
    /// Hours by weekday: `mon` to `sun`. An interval that closes at or before its opening runs
    /// over midnight.
    pub week: BTreeMap<String, Vec<String>>,
    /// Days on which nothing is open.
    pub holidays: Vec<NaiveDate>,
    /// Days with hours of their own: half days, make-up working days.
    pub dates: BTreeMap<NaiveDate, Vec<String>>,
}

/// Why a calendar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadCalendar {
    /// Not an IANA time zone.
    Zone(String),
    /// Not one of `mon` to `sun`.
    Weekday(String),
    /// Not `HH:MM-HH:MM`.
    Interval(String),
    /// Hours on some dates, but none on any weekday: promises would end with the dates.
    NeverOpen,
}

impl std::fmt::Display for BadCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zone(zone) => write!(f, "\"{zone}\" is not an IANA time zone"),
            Self::Weekday(day) => {
                write!(f, "\"{day}\" is not one of mon, tue, wed, thu, fri, sat, sun")
            }
            Self::Interval(text) => write!(f, "\"{text}\" is not of the form HH:MM-HH:MM"),
            Self::NeverOpen => f.write_str("no weekday has opening hours"),
        }
    }
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl CalendarSpec {
    /// The calendar that the words mean.
    pub fn build(&self) -> Result<Calendar, BadCalendar> {
        if self.week.is_empty() && self.dates.is_empty() && self.holidays.is_empty() {
            return Ok(Calendar::Always);
        }
        let zone = zone(&self.zone)?;
        let mut week: [Vec<Interval>; 7] = Default::default();
        for (day, hours) in &self.week {
            let index = WEEKDAYS.iter().position(|name| name == day);
            let index = index.ok_or_else(|| BadCalendar::Weekday(day.clone()))?;
            week[index] = intervals(hours)?;
        }
        if week.iter().all(Vec::is_empty) {
            return Err(BadCalendar::NeverOpen);
        }
        let mut dates: BTreeMap<_, _> =
            self.holidays.iter().map(|day| (*day, Vec::new())).collect();
        for (day, hours) in &self.dates {
            dates.insert(*day, intervals(hours)?);
        }
        Ok(Calendar::Hours(Hours { zone, week, dates }))
    }
}

/// The zone of this name; empty means UTC.
pub fn zone(name: &str) -> Result<Tz, BadCalendar> {
    if name.is_empty() {
        return Ok(Tz::UTC);
    }
    name.parse().map_err(|_| BadCalendar::Zone(name.to_owned()))
}

fn intervals(texts: &[String]) -> Result<Vec<Interval>, BadCalendar> {
    let mut list = texts.iter().map(|text| interval(text)).collect::<Result<Vec<_>, _>>()?;
    list.sort_by_key(|interval| interval.open);
    Ok(list)
}

fn interval(text: &str) -> Result<Interval, BadCalendar> {
    let parse = || {
        let (open, close) = text.split_once('-')?;
        let (open, close) = (minute_of_day(open)?, minute_of_day(close)?);
        let close = if close <= open { close + 1_440 } else { close };
        (open < 1_440).then_some(Interval { open, close })
    };
    parse().ok_or_else(|| BadCalendar::Interval(text.to_owned()))
}

/// Minutes after midnight of `HH:MM`, up to 24:00.
pub fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 1_440 && hour <= 24).then_some(hour * 60 + minute)
}
