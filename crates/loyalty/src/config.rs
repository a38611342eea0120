//! Settings of the loyalty service.

use crate::domain::Programme;
use crate::domain::rules::{ReversalPolicy, RuleVersion};
use chrono::TimeDelta;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::{Error, Result};
use serde::{Deserialize, Serialize};

/// Settings of the loyalty service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where its data is kept.
    pub database: DatabaseConfig,
    /// IANA zone in which days begin and end: for expiry, and for one check-in a day.
    pub time_zone: String,
    /// How long points stay set aside when a hold does not say it.
    pub hold_timeout_seconds: u32,
    /// Whole days for which points can still be spent that come back after their date, because a
    /// hold was given up or a spend taken back; 0: they expire at once.
    pub void_grace_days: u32,
    /// How many days before points expire their holder is told.
    pub expiry_warning_days: u32,
    /// What to do when points to be taken back are no longer all there: "only_pending",
    /// "within_balance" or "unlimited" (the rest becomes a debt).
    pub reversal_policy: ReversalPolicy,
    /// How often background work looks for what fell due.
    pub sweep_seconds: u32,
    /// The rules, in versions. A version that has been in force is never edited: later rules are
    /// another version with a later `effective_from`.
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
            reversal_policy: ReversalPolicy::default(),
            sweep_seconds: 10,
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
        let programme = Programme::new(zone, self.rules.clone());
        let mut programme = programme.map_err(|fault| Error::invalid("loyalty.rules", fault))?;
        programme.hold_timeout = TimeDelta::seconds(i64::from(self.hold_timeout_seconds));
        programme.void_grace_days = self.void_grace_days;
        programme.warning = TimeDelta::days(i64::from(self.expiry_warning_days));
        programme.reversal_policy = self.reversal_policy;
        Ok(programme)
    }
}
