//! Settings of this service. Every default is a figure of the product's catalogue or stated here.

mod rules;

pub use rules::Rules;

use crate::domain::caps::{Calendar, CapRule, Window};
use crate::domain::decision::{ClassPolicy, OnStop};
use crate::domain::kinds::Channel;
use crate::domain::notification::OnUnknown;
use crate::domain::retry::RetryPolicy;
use crate::domain::trigger::{self, TriggerRule};
use perennial_platform::config::DatabaseConfig;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const DAY_SECONDS: u32 = 86_400;

/// Settings of the notification service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where messages are kept.
    pub database: DatabaseConfig,
    /// `product.name` in templates.
    pub product_name: String,
    /// Language of users whose own is not known or has no text.
    pub default_locale: String,
    /// Zone of users whose own is not known (IANA name).
    pub default_time_zone: String,
    /// Quiet hours of users who did not choose their own.
    pub quiet_hours: QuietConfig,
    /// How gates treat messages that users asked for by what they did.
    pub transactional: ClassPolicy,
    /// How gates treat all other messages.
    pub marketing: ClassPolicy,
    /// Frequency caps; all that fit a message must have room.
    pub caps: Vec<CapRule>,
    /// What happened -> which message.
    pub triggers: Vec<TriggerRule>,
    /// Messages scheduled without an expiry are of no use this long after their send time.
    pub expire_after_seconds: u32,
    /// When failed hand-overs are tried again.
    pub retry: RetryPolicy,
    /// What to do when it is not known whether a hand-over worked.
    pub on_unknown: OnUnknown,
    /// How due messages are worked off.
    pub dispatch: DispatchConfig,
    /// E-mail.
    pub email: EmailConfig,
    /// Signed webhook; without a URL the channel is off.
    pub webhook: WebhookConfig,
    /// Page that calls PreferenceService.Unsubscribe; `{token}` is replaced. Must be https for
    /// one-click unsubscribing (RFC 8058).
    pub unsubscribe_url: String,
    /// `perennial check` reports messages that are overdue by more than this.
    pub overdue_grace_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        let marketing = ClassPolicy {
            obeys_caps: true,
            counts_towards_caps: true,
            obeys_quiet_hours: true,
            on_cap: OnStop::Hold,
            on_quiet_hours: OnStop::Hold,
        };
        Self {
            database: DatabaseConfig::default(),
            product_name: "Perennial".to_owned(),
            default_locale: "zh-CN".to_owned(),
            default_time_zone: "Asia/Shanghai".to_owned(),
            quiet_hours: QuietConfig::default(),
            transactional: ClassPolicy {
                obeys_caps: false,
                counts_towards_caps: false,
                obeys_quiet_hours: false,
                ..marketing
            },
            marketing,
            caps: caps(),
            triggers: trigger::shipped(),
            expire_after_seconds: 7 * DAY_SECONDS,
            retry: RetryPolicy::default(),
            on_unknown: OnUnknown::Retry,
            dispatch: DispatchConfig::default(),
            email: EmailConfig::default(),
            webhook: WebhookConfig::default(),
            unsubscribe_url: "https://www.example.com/unsubscribe?token={token}".to_owned(),
            overdue_grace_seconds: 3_600,
        }
    }
}

/// The shipped caps: two a day, four e-mails a week, two e-mails a week on one topic; half of
/// that while a complaint is open.
fn caps() -> Vec<CapRule> {
    let rule = |name: &str, channel, each_topic, max, window| CapRule {
        name: name.to_owned(),
        channel,
        topic: None,
        each_topic,
        max,
        max_with_complaint: max / 2,
        window,
    };
    let week = Window::RollingSeconds(7 * DAY_SECONDS);
    vec![
        rule("all-per-day", None, false, 2, Window::CalendarLocal(Calendar::Day)),
        rule("email-per-week", Some(Channel::Email), false, 4, week),
        rule("email-topic-per-week", Some(Channel::Email), true, 2, week),
    ]
}

/// Quiet hours by the user's wall clock (product row NT-4).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuietConfig {
    /// Whether there are any by default.
    pub enabled: bool,
    /// First quiet minute, HH:MM.
    pub start: String,
    /// First allowed minute, HH:MM.
    pub end: String,
    /// Messages held for the night go out spread over this time after its end.
    pub release_spread_seconds: u32,
}

impl Default for QuietConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            start: "22:00".to_owned(),
            end: "08:00".to_owned(),
            release_spread_seconds: 900,
        }
    }
}

/// How due messages are worked off.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DispatchConfig {
    /// How often to look for due messages and silent users, in milliseconds. What a call makes due
    /// at once is not waited for; what a trigger does may wait this long.
    pub every_ms: u64,
    /// Messages decided in one transaction.
    pub batch: u32,
    /// Hand-overs at the same time.
    pub concurrency: u32,
    /// Time after which a hand-over without a record counts as lost. Must be longer than a batch
    /// takes when every hand-over runs into its time-out, or replicas send what others still hold.
    pub lease_seconds: u32,
}

impl DispatchConfig {
    /// Seconds that a batch takes when every hand-over runs into a time-out of `each` seconds, and
    /// then takes one more to hang up and be recorded.
    pub(crate) fn longest_batch_seconds(&self, each: u32) -> u64 {
        let rounds = self.batch.div_ceil(self.concurrency.max(1));
        u64::from(rounds) * (u64::from(each) + 1)
    }
}

impl Default for DispatchConfig {
    fn default() -> Self {
        Self { every_ms: 1_000, batch: 200, concurrency: 16, lease_seconds: 600 }
    }
}

/// How e-mail leaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmailConfig {
    /// `smtp://user:password@host:587?tls=required`, `smtps://...`, or `smtp://host:25`. Without
    /// it messages are written as .eml files into `folder`.
    #[serde(skip_serializing)]
    pub smtp_url: Option<SecretString>,
    /// Folder for .eml files, one sub-folder a day.
    pub folder: PathBuf,
    /// Sender, with or without a display name.
    pub from: String,
    /// Time-out of one hand-over as a whole, however many answers it needs.
    pub timeout_seconds: u32,
}

impl Default for EmailConfig {
    fn default() -> Self {
        Self {
            smtp_url: None,
            folder: PathBuf::from("data/outbox"),
            from: "Perennial <no-reply@perennial.example>".to_owned(),
            timeout_seconds: 30,
        }
    }
}

/// How webhooks leave (Standard Webhooks 1.0.0).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// Gateway that takes the messages; empty = the channel is off.
    pub url: String,
    /// Signing secrets, `whsec_` and base64 of 24 to 64 bytes. Every one signs, so that a secret
    /// can be changed without a gap: the new one beside the old one, then the new one alone.
    #[serde(skip_serializing)]
    pub secrets: Vec<SecretString>,
    /// Time-out of one hand-over as a whole.
    pub timeout_seconds: u32,
    /// Allow addresses that are not public (loopback, private, link-local). Off, so that a URL
    /// from configuration or DNS cannot reach into the network.
    pub allow_private_networks: bool,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            secrets: Vec::new(),
            timeout_seconds: 15,
            allow_private_networks: false,
        }
    }
}
