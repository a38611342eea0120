//! Settings of the service; every one has a default that works.

use crate::domain::calendar_spec::CalendarSpec;
use crate::domain::interview::Booking;
use crate::domain::kinds::{Category, Channel, ClockKind, Satisfier};
use crate::domain::policy::{Policy, Rule};
use chrono::TimeDelta;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the feedback service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where feedback and tickets are kept.
    pub database: DatabaseConfig,
    /// What is promised, in order: for each clock the first rule that matches decides. Editing
    /// it moves no promise made before.
    pub promises: Vec<Rule>,
    /// Opening hours that promises name in `calendar`; a promise without counts around the clock.
    pub calendars: BTreeMap<String, CalendarSpec>,
    /// Who gets new tickets; empty means nobody until somebody is assigned.
    pub team: String,
    /// Share of a promise's time after which TicketNearBreach is told, in percent.
    pub warn_percent: u8,
    /// Time zone of the weekly reports (IANA).
    pub report_zone: String,
    /// Time of the Monday at which the report on the week before is due, `HH:MM`. It is made from
    /// 00:05 on.
    pub report_time: String,
    /// Days after which a solved ticket is closed for good.
    pub close_after_days: u16,
    /// Seconds between the request for an interview and its start at least.
    pub interview_lead_seconds: u32,
    /// Length of every interview in seconds.
    pub interview_slot_seconds: u32,
    /// Seconds between two looks at the promises that run out.
    pub watch_every_seconds: u32,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

impl Default for Config {
    fn default() -> Self {
        Self {
            database: DatabaseConfig::default(),
            promises: promises(),
            calendars: BTreeMap::new(),
            // FB-4: sent to product development at once.
            team: "product-development".to_owned(),
            warn_percent: 80,
            report_zone: "Asia/Shanghai".to_owned(),
            report_time: "09:00".to_owned(),
            close_after_days: 7,
            interview_lead_seconds: 72 * 3_600,
            interview_slot_seconds: 3_600,
            watch_every_seconds: 5,
        }
    }
}

/// The promises of a new installation.
fn promises() -> Vec<Rule> {
    let rule = |clock, within_seconds, by| Rule {
        clock,
        channels: Vec::new(),
        categories: Vec::new(),
        paying: None,
        within_seconds,
        by,
        pauses: false,
        calendar: String::new(),
    };
    let on = |channel, rule: Rule| Rule { channels: vec![channel], ..rule };
    vec![
        // FB-6: paying customers are answered within 15 min, by a human, whatever the channel.
        Rule { paying: Some(true), ..rule(ClockKind::Respond, 15 * MINUTE, Satisfier::Human) },
        // FB-1: the form is acknowledged within 24 h; the automatic acknowledgement counts.
        on(Channel::Form, rule(ClockKind::Acknowledge, 24 * HOUR, Satisfier::Any)),
        // FB-1: instant messages are answered by a human within 15 min.
        on(Channel::Chat, rule(ClockKind::Respond, 15 * MINUTE, Satisfier::Human)),
        // FB-1: community posts get an official answer within 2 h.
        on(Channel::Community, rule(ClockKind::Respond, 2 * HOUR, Satisfier::Official)),
        // FB-4: whoever writes otherwise is told "answer expected within 24 h".
        Rule {
            channels: vec![Channel::Form, Channel::Interview],
            ..rule(ClockKind::Respond, 24 * HOUR, Satisfier::Human)
        },
        // FB-9: complaints are solved within 24 h, time waiting for the customer not counted.
        Rule {
            categories: vec![Category::Complaint],
            pauses: true,
            ..rule(ClockKind::Resolve, 24 * HOUR, Satisfier::Human)
        },
        // FB-1: behaviour data appears in the report of its week.
        on(Channel::Behaviour, rule(ClockKind::Report, 0, Satisfier::Any)),
    ]
}

impl Config {
    /// The promises as rules of the domain.
    pub fn policy(&self) -> Policy {
        Policy {
            rules: self.promises.clone(),
            calendars: self.calendars.clone(),
            report_zone: self.report_zone.clone(),
            report_time: self.report_time.clone(),
            warn_percent: self.warn_percent,
        }
    }

    /// What is asked of an interview.
    pub fn booking(&self) -> Booking {
        Booking {
            lead: TimeDelta::seconds(i64::from(self.interview_lead_seconds)),
            slot: TimeDelta::seconds(i64::from(self.interview_slot_seconds)),
        }
    }

    /// Refuses settings that could not be followed. Errors: INVALID_ARGUMENT.
    pub fn check(&self) -> Result<()> {
        self.policy().check().map_err(|bad| Error::invalid("feedback.promises", bad.to_string()))
    }
}
