//! Settings checked once and made ready for use.

use super::Config;
use crate::domain::decision::{ClassPolicy, Policy};
use crate::domain::kinds::Class;
use crate::domain::notification::OnUnknown;
use crate::domain::quiet::QuietHours;
use crate::domain::retry::RetryPolicy;
use crate::domain::trigger::{Occasion, TriggerRule};
use chrono::TimeDelta;
use chrono_tz::Tz;
use perennial_platform::error::Violation;
use perennial_platform::{Error, Result};
use std::collections::HashSet;

/// What decisions are made by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Classes, caps, spread.
    pub policy: Policy,
    /// Zone of users whose own is not known.
    pub zone: Tz,
    /// Quiet hours of users who did not choose.
    pub quiet: Option<QuietHours>,
    /// Language of users whose own has no text.
    pub locale: String,
    /// `product.name` in templates.
    pub product_name: String,
    /// Table of triggers.
    pub triggers: Vec<TriggerRule>,
    /// Expiry of messages scheduled without one.
    pub expire_after: TimeDelta,
    /// Waits between attempts.
    pub retry: RetryPolicy,
    /// After a hand-over without a record.
    pub on_unknown: OnUnknown,
    /// Messages decided in one transaction.
    pub batch: u32,
    /// Lease of a hand-over.
    pub lease: TimeDelta,
    /// Whether a gateway is configured.
    pub webhook: bool,
}

impl Rules {
    /// Checks the settings. Errors: INVALID_ARGUMENT with every setting that is wrong.
    pub fn of(config: &Config) -> Result<Self> {
        let mut wrong = Vec::new();
        let mut note = |field: &str, description: String| {
            wrong.push(Violation { field: format!("notification.{field}"), description });
        };
        let zone = config.default_time_zone.parse::<Tz>().unwrap_or_else(|_| {
            note("default_time_zone", "is not an IANA time zone".to_owned());
            Tz::UTC
        });
        let quiet = QuietHours::parse(&config.quiet_hours.start, &config.quiet_hours.end)
            .map_err(|error| note("quiet_hours", error.to_string()))
            .ok();
        if !config.unsubscribe_url.contains("{token}") {
            note("unsubscribe_url", "must contain {token}".to_owned());
        }
        let mut names = HashSet::new();
        for rule in &config.triggers {
            if !names.insert(&rule.name) {
                note("triggers", format!("{} stands there twice", rule.name));
            }
            let channels: HashSet<_> = rule.channels.iter().collect();
            if channels.is_empty() || channels.len() != rule.channels.len() {
                note("triggers", format!("{} must name a channel, and each once", rule.name));
            }
        }
        if config.dispatch.batch == 0 || config.dispatch.batch > 1_000 {
            note("dispatch.batch", "must lie between 1 and 1000".to_owned());
        }
        let timeout = config.email.timeout_seconds.max(config.webhook.timeout_seconds);
        let longest = config.dispatch.longest_batch_seconds(timeout);
        if u64::from(config.dispatch.lease_seconds) <= longest {
            let text = format!("must be more than {longest}, which a batch of time-outs takes");
            note("dispatch.lease_seconds", text);
        }
        if !wrong.is_empty() {
            return Err(Error::violations(wrong));
        }
        let seconds = |n: u32| TimeDelta::seconds(n.into());
        Ok(Self {
            policy: Policy {
                transactional: config.transactional,
                marketing: config.marketing,
                caps: config.caps.clone(),
                release_spread: seconds(config.quiet_hours.release_spread_seconds),
            },
            zone,
            quiet: quiet.filter(|_| config.quiet_hours.enabled),
            locale: config.default_locale.clone(),
            product_name: config.product_name.clone(),
            triggers: config.triggers.clone(),
            expire_after: seconds(config.expire_after_seconds),
            retry: config.retry.clone(),
            on_unknown: config.on_unknown,
            batch: config.dispatch.batch,
            lease: seconds(config.dispatch.lease_seconds),
            webhook: !config.webhook.url.is_empty(),
        })
    }

    /// The policy of a class.
    pub fn class(&self, class: Class) -> &ClassPolicy {
        self.policy.class(class)
    }

    /// The triggers for an occasion.
    pub fn on(&self, occasion: Occasion) -> impl Iterator<Item = &TriggerRule> {
        self.triggers.iter().filter(move |rule| rule.on == occasion)
    }

    /// Names of the triggers for some occasions.
    pub fn names_on(&self, occasions: &[Occasion]) -> Vec<&str> {
        let wanted = self.triggers.iter().filter(|rule| occasions.contains(&rule.on));
        wanted.map(|rule| rule.name.as_str()).collect()
    }

    /// The shortest silence that is worth a reminder, if any is.
    pub fn silence(&self) -> Option<TimeDelta> {
        self.on(Occasion::Inactive).map(|rule| TimeDelta::seconds(rule.delay_seconds.into())).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_survive_toml() {
        let config = Config::default();
        Rules::of(&config).unwrap();
        let text = toml::to_string(&config).unwrap();
        let read: Config = toml::from_str(&text).unwrap();
        assert_eq!(toml::to_string(&read).unwrap(), text);
    }

    #[test]
    fn the_lease_outlasts_a_batch_of_time_outs() {
        let mut config = Config::default();
        // 200 messages, 16 at a time, 30 seconds and one more each.
        config.dispatch.lease_seconds = 13 * 31;
        let text = Rules::of(&config).unwrap_err().to_string();
        assert!(text.contains("dispatch.lease_seconds"), "{text}");
        config.dispatch.lease_seconds += 1;
        Rules::of(&config).unwrap();
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut config = Config { default_time_zone: "Mars".to_owned(), ..Config::default() };
        config.quiet_hours.end = config.quiet_hours.start.clone();
        config.triggers.push(config.triggers[0].clone());
        let text = Rules::of(&config).unwrap_err().to_string();
        for part in ["default_time_zone", "quiet_hours", "welcome stands there twice"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
