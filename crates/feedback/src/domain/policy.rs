//! What is promised to whom (product rows FB-1, FB-4, FB-6, FB-9).
//!
//! A policy is an ordered list of rules; for each clock the first rule that matches decides. What
//! was promised is kept with the ticket as a [`Plan`], calendars included, so that editing the
//! policy never moves a running clock.

use super::calendar::Calendar;
use super::calendar_spec::{BadCalendar, CalendarSpec, minute_of_day, zone};
use super::kinds::{Category, Channel, ClockKind, Satisfier};
use super::week::Week;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One promise and the feedback it is made for. An empty list matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The promise.
    pub clock: ClockKind,
    /// Channels it is made on.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Categories it is made for.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Only for paying customers, or only for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paying: Option<bool>,
    /// Seconds allowed, in the calendar. Weekly reports have none: they are due on Monday.
    #[serde(default)]
    pub within_seconds: i64,
    /// Whose deed keeps it.
    #[serde(default = "anyone")]
    pub by: Satisfier,
    /// Stands still while the ticket waits for the customer.
    #[serde(default)]
    pub pauses: bool,
    /// Name of the calendar; empty means around the clock.
    #[serde(default)]
    pub calendar: String,
}

fn anyone() -> Satisfier {
    Satisfier::Any
}

impl Rule {
    fn matches(&self, channel: Channel, category: Category, paying: bool) -> bool {
        (self.channels.is_empty() || self.channels.contains(&channel))
            && (self.categories.is_empty() || self.categories.contains(&category))
            && self.paying.is_none_or(|wanted| wanted == paying)
    }
}

/// The rules in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// In order: for each clock the first match decides.
    pub rules: Vec<Rule>,
    /// Calendars that rules name.
    pub calendars: BTreeMap<String, CalendarSpec>,
    /// Zone of the weekly reports.
    pub report_zone: String,
    /// Time of the Monday at which the weekly report is due, `HH:MM`.
    pub report_time: String,
    /// Share of the time after which a promise counts as nearly broken, in percent.
    pub warn_percent: u8,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPolicy {
    /// A rule names a calendar that is not there.
    UnknownCalendar(String),
    /// A calendar is wrong.
    Calendar(String, BadCalendar),
    /// A rule other than a weekly report allows no time, or more than a year.
    NoTime(usize),
    /// The report's zone or time is wrong.
    Report,
    /// Not between 1 and 99.
    WarnPercent,
}

impl std::fmt::Display for BadPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownCalendar(name) => write!(f, "there is no calendar \"{name}\""),
            Self::Calendar(name, bad) => write!(f, "calendar \"{name}\": {bad}"),
            Self::NoTime(index) => {
                write!(f, "promise {index} needs within_seconds between 1 and 31536000")
            }
            Self::Report => f.write_str("report_zone or report_time is wrong"),
            Self::WarnPercent => f.write_str("warn_percent must lie between 1 and 99"),
        }
    }
}

/// Longest promise: a year.
const MAX_SECONDS: i64 = 31_536_000;

impl Policy {
    /// Checks everything a plan could trip over later.
    pub fn check(&self) -> Result<(), BadPolicy> {
        for (name, spec) in &self.calendars {
            spec.build().map_err(|bad| BadPolicy::Calendar(name.clone(), bad))?;
        }
        for (index, rule) in self.rules.iter().enumerate() {
            if rule.clock != ClockKind::Report && !(1..=MAX_SECONDS).contains(&rule.within_seconds)
            {
                return Err(BadPolicy::NoTime(index));
            }
            if !rule.calendar.is_empty() && !self.calendars.contains_key(&rule.calendar) {
                return Err(BadPolicy::UnknownCalendar(rule.calendar.clone()));
            }
        }
        if !(1..=99).contains(&self.warn_percent) {
            return Err(BadPolicy::WarnPercent);
        }
        if zone(&self.report_zone).is_err() || minute_of_day(&self.report_time).is_none() {
            return Err(BadPolicy::Report);
        }
        Ok(())
    }

    /// What is promised for feedback of this kind.
    pub fn plan(&self, channel: Channel, category: Category, paying: bool) -> Plan {
        let mut promises: Vec<Promise> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.matches(channel, category, paying)) {
            if promises.iter().all(|promise| promise.clock != rule.clock) {
                promises.push(self.promise(rule));
            }
        }
        promises.sort_by_key(|promise| promise.clock);
        Plan { paying, warn_percent: self.warn_percent, promises }
    }

    fn promise(&self, rule: &Rule) -> Promise {
        let limit = match rule.clock {
            ClockKind::Report => Limit::WeeklyReport {
                zone: self.report_zone.clone(),
                time: self.report_time.clone(),
            },
            _ => Limit::Within {
                seconds: rule.within_seconds,
                calendar: CalendarSnapshot::of(self.calendars.get(&rule.calendar)),
            },
        };
        Promise { clock: rule.clock, limit, by: rule.by, pauses: rule.pauses }
    }
}

/// The promises made for one ticket: what stays when the policy is edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Made to a paying customer, who is served first.
    pub paying: bool,
    /// Share of the time after which a promise counts as nearly broken, in percent.
    pub warn_percent: u8,
    /// At most one for each clock.
    pub promises: Vec<Promise>,
}

impl Plan {
    /// The promise for this clock.
    pub fn promise(&self, clock: ClockKind) -> Option<&Promise> {
        self.promises.iter().find(|promise| promise.clock == clock)
    }

    /// The place in the queue before time counts: paying customers first.
    pub fn tier(&self) -> i16 {
        if self.paying { 1 } else { 2 }
    }
}

/// One promise of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// What is promised.
    pub clock: ClockKind,
    /// Until when.
    pub limit: Limit,
    /// Whose deed keeps it.
    pub by: Satisfier,
    /// Stands still while the ticket waits for the customer.
    pub pauses: bool,
}

/// How a due time follows from a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// An amount of business time.
    Within {
        /// The amount.
        seconds: i64,
        /// In these hours.
        calendar: CalendarSnapshot,
    },
    /// The report on the ISO week of the start.
    WeeklyReport {
        /// Zone of the week.
        zone: String,
        /// Time of the Monday after, `HH:MM`.
        time: String,
    },
}

static ALWAYS: Calendar = Calendar::Always;

impl Limit {
    /// The time allowed for a promise that starts at `start`, and the hours that count.
    pub fn target(&self, start: DateTime<Utc>) -> (TimeDelta, &Calendar) {
        match self {
            Self::Within { seconds, calendar } => {
                (TimeDelta::seconds(*seconds), &calendar.calendar)
            }
            Self::WeeklyReport { zone: name, time } => {
                let zone = zone(name).unwrap_or(chrono_tz::Tz::UTC);
                let due = Week::of(start, zone).report_due(minute_of_day(time).unwrap_or(0));
                (due - start, &ALWAYS)
            }
        }
    }
}

/// A calendar as it was when the promise was made, kept in its written form. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CalendarSpec", into = "CalendarSpec")]
pub struct CalendarSnapshot {
    spec: Arc<CalendarSpec>,
    calendar: Arc<Calendar>,
}

impl CalendarSnapshot {
    /// Around the clock when there is no spec, or none that works ([`Policy::check`] refuses it).
    fn of(spec: Option<&CalendarSpec>) -> Self {
        let spec = spec.cloned().unwrap_or_default();
        let calendar = spec.build().unwrap_or(Calendar::Always);
        Self { spec: Arc::new(spec), calendar: Arc::new(calendar) }
    }
}

impl TryFrom<CalendarSpec> for CalendarSnapshot {
    type Error = BadCalendar;
    fn try_from(spec: CalendarSpec) -> Result<Self, BadCalendar> {
        Ok(Self { calendar: Arc::new(spec.build()?), spec: Arc::new(spec) })
    }
}

impl From<CalendarSnapshot> for CalendarSpec {
    fn from(snapshot: CalendarSnapshot) -> Self {
        snapshot.spec.as_ref().clone()
    }
}
