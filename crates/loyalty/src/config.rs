//! Settings of the loyalty service.

use crate::domain::rules::{ReversalPolicy, RuleVersion};
use crate::domain::{NoticePolicy, Programme};
use chrono::TimeDelta;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::{Error, Result};
use serde::{Deserialize, Serialize};

/// Days that a setting may count at most: a hundred years.
const MAX_DAYS: u32 = 36_600;
/// Seconds that a hold may last, as in the contract: thirty days.
const MAX_HOLD_SECONDS: u32 = 2_592_000;

/// Settings of the loyalty service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where its data is kept.
    pub database: DatabaseConfig,
    /// IANA zone in which days begin and end: for expiry, and for one check-in a day.
    pub time_zone: String,
    /// How long points stay set aside when a hold does not say it: 1 to 2,592,000 seconds.
    pub hold_timeout_seconds: u32,
    /// Whole days for which points can still be spent that come back after their date, because a
    /// hold was given up or a spend taken back; 0: they expire at once. At most 36,600.
    pub void_grace_days: u32,
    /// How many days before points expire their holder is told; at most 36,600.
    pub expiry_warning_days: u32,
    /// Points expire only when notification's log says that the warning was handed over at least
    /// `expiry_warning_days` before; else they are extended. Off where nothing warns members.
    pub require_expiry_warning: bool,
    /// How many days earlier than that holders are told, because a message may have to wait for the
    /// morning or for room among others; at most 36,600. Only with `require_expiry_warning`.
    pub expiry_warning_lead_days: u32,
    /// For how many more days points are good whose holder was not warned in time; more than
    /// `expiry_warning_days` and `expiry_warning_lead_days` together, at most 36,600.
    pub expiry_extension_days: u32,
    /// What to do when points to be taken back are no longer all there: "only_pending",
    /// "within_balance" or "unlimited" (the rest becomes a debt).
    pub reversal_policy: ReversalPolicy,
    /// How often background work looks for what fell due.
    pub sweep_seconds: u32,
    /// How many days before worse rules hold for a member they are announced; at most 36,600.
    pub notice_days: u32,
    /// The rules, in versions, with which a programme without members begins. They are recorded
    /// then; later ones are proposed by `RuleService/ProposeRules`, and settings that differ from
    /// what is on record are refused. Absent: the rules on record.
    pub rules: Vec<RuleVersion>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: DatabaseConfig::default(),
            time_zone: "Asia/Shanghai".to_owned(),
            hold_timeout_seconds: 15 * 60,
            void_grace_days: 7,
            expiry_warning_days: 7,
            require_expiry_warning: true,
            expiry_warning_lead_days: 3,
            expiry_extension_days: 30,
            reversal_policy: ReversalPolicy::default(),
            sweep_seconds: 10,
            notice_days: 30,
            rules: vec![RuleVersion::default()],
        }
    }
}

impl Config {
    /// What is promised to members. Errors: INVALID_ARGUMENT naming the setting that is not sound.
    pub fn programme(&self) -> Result<Programme> {
        let zone = self.time_zone.parse().map_err(|_| {
            Error::invalid("loyalty.time_zone", "is not the name of an IANA time zone")
        })?;
        let bounded = [
            ("hold_timeout_seconds", self.hold_timeout_seconds, 1..=MAX_HOLD_SECONDS),
            ("void_grace_days", self.void_grace_days, 0..=MAX_DAYS),
            ("expiry_warning_days", self.expiry_warning_days, 0..=MAX_DAYS),
            ("notice_days", self.notice_days, 0..=MAX_DAYS),
            ("expiry_warning_lead_days", self.expiry_warning_lead_days, 0..=MAX_DAYS),
            ("expiry_extension_days", self.expiry_extension_days, 1..=MAX_DAYS),
        ];
        if let Some((name, _, range)) = bounded.iter().find(|(_, n, range)| !range.contains(n)) {
            let (least, most) = (range.start(), range.end());
            let text = format!("must be from {least} to {most}");
            return Err(Error::invalid(format!("loyalty.{name}"), text));
        }
        let programme = Programme::new(zone, self.rules.clone());
        let mut programme = programme.map_err(|fault| Error::invalid("loyalty.rules", fault))?;
        programme.hold_timeout = TimeDelta::seconds(i64::from(self.hold_timeout_seconds));
        programme.void_grace_days = self.void_grace_days;
        let required = self.require_expiry_warning;
        let lead = if required { self.expiry_warning_lead_days } else { 0 };
        let told = self.expiry_warning_days + lead;
        if required && self.expiry_extension_days <= told {
            let text = format!("must be more than {told}, when holders are told");
            return Err(Error::invalid("loyalty.expiry_extension_days", text));
        }
        programme.warning = TimeDelta::days(i64::from(told));
        programme.expiry_notice = NoticePolicy {
            required,
            days: self.expiry_warning_days,
            extension_days: self.expiry_extension_days,
        };
        programme.reversal_policy = self.reversal_policy;
        programme.notice = TimeDelta::days(i64::from(self.notice_days));
        Ok(programme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_calendar_holds_are_refused() {
        assert!(Config::default().programme().is_ok());
        let long = 100_000_000;
        for config in [
            Config { expiry_warning_days: long, ..Config::default() },
            Config { void_grace_days: long, ..Config::default() },
            Config { hold_timeout_seconds: long, ..Config::default() },
            Config { hold_timeout_seconds: 0, ..Config::default() },
        ] {
            assert!(config.programme().is_err(), "{config:?}");
        }
    }
}
