//! Settings of the service; `perennial --print-config` shows them with their defaults.

use crate::domain::calendar::Calendar;
use crate::domain::evaluation::Evaluator;
use crate::domain::money::Currency;
use crate::domain::rules::Rules;
use chrono_tz::Tz;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::{Error, Result};
use serde::{Deserialize, Serialize};

/// Settings of the identity service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the data is.
    pub database: DatabaseConfig,
    /// IANA zone whose calendar days the rules count. Set it before the first activity comes in:
    /// days already summed stay as they are (`perennial check` shows those that differ).
    pub calendar_zone: String,
    /// Currency of RFM when a caller names none.
    pub home_currency: Currency,
    /// How far ahead of our clock an activity may lie, in seconds: clocks of callers differ.
    pub future_tolerance_seconds: i64,
    /// How often to look for users whose segments, risk or stage change by time alone, in
    /// milliseconds.
    pub evaluate_every_milliseconds: u64,
    /// Figures of the rules.
    pub rules: Rules,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: DatabaseConfig::default(),
            calendar_zone: "Asia/Shanghai".to_owned(),
            home_currency: Currency::CNY,
            future_tolerance_seconds: 300,
            evaluate_every_milliseconds: 1_000,
            rules: Rules::default(),
        }
    }
}

impl Config {
    /// The evaluator these settings ask for. Errors: INVALID_ARGUMENT naming the setting that
    /// makes no sense.
    pub fn evaluator(&self) -> Result<Evaluator> {
        let zone: Tz = self.calendar_zone.parse().map_err(|_| {
            Error::invalid("identity.calendar_zone", "is not the name of a time zone")
        })?;
        let (segments, risk) = (&self.rules.segments, &self.rules.risk);
        let percents = [
            ("segments.churn_session_drop_percent", segments.churn_session_drop_percent),
            ("risk.use_down_percent", risk.use_down_percent),
        ];
        if let Some((name, _)) = percents.iter().find(|(_, value)| !(1..=100).contains(value)) {
            return Err(Error::invalid(format!("identity.rules.{name}"), "must be 1 to 100"));
        }
        let days = [
            ("segments.new_days", segments.new_days),
            ("segments.churn_silent_days", segments.churn_silent_days),
            ("risk.review_days", risk.review_days),
            ("risk.use_down_days", i64::from(risk.use_down_days)),
        ];
        let steps = risk.silence.iter().map(|step| ("risk.silence.days", step.days));
        let mut lengths = days.into_iter().chain(steps);
        if let Some((name, _)) = lengths.find(|(_, value)| !(1..=3_650).contains(value)) {
            return Err(Error::invalid(format!("identity.rules.{name}"), "must be 1 to 3650"));
        }
        Ok(Evaluator { rules: self.rules.clone(), calendar: Calendar(zone) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense_and_can_be_shown() {
        assert!(Config::default().evaluator().is_ok());
        let shown = perennial_platform::config::to_toml(&Config::default()).unwrap();
        assert!(shown.contains("high_value_percent = 150"), "{shown}");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let refused = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.evaluator().unwrap_err().message().to_owned()
        };
        assert!(refused(|c| c.calendar_zone = "Mars/Base".into()).contains("calendar_zone"));
        assert!(refused(|c| c.rules.risk.use_down_percent = 0).contains("use_down_percent"));
        assert!(refused(|c| c.rules.segments.new_days = -1).contains("new_days"));
        assert!(refused(|c| c.rules.risk.silence[0].days = 0).contains("silence"));
    }
}
