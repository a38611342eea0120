//! Triggers: what happened -> which message, when, and until when it is of use (product rows NT-3
//! and NT-6). The table of rules is configuration.

use super::kinds::{Channel, Class};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What happened to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// Paid for the first time.
    FirstPurchase,
    /// Said something; a ticket stands.
    FeedbackReceived,
    /// Their ticket was solved.
    TicketResolved,
    /// Rose to a higher tier.
    TierUp,
    /// Points expire soon.
    PointsExpiring,
    /// Earned a reward, by a task, a referral or the like.
    RewardEarned,
    /// Was given something for a failure of ours.
    Compensated,
    /// Their membership renews by itself soon.
    RenewalDue,
    /// Their free trial becomes a paid membership soon.
    TrialEnding,
    /// A renewal could not be charged.
    PaymentFailed,
    /// Access to their membership ended because nobody paid.
    AccessLost,
    /// Worse rules will hold for them.
    RulesChange,
    /// Worse rules that were announced will not come.
    RulesWithdrawn,
    /// Risk of leaving rose to light, and the user is silent or uses the product less. Risk from
    /// complaints and bad reviews alone is no occasion: those have messages of their own.
    RiskLight,
    /// Rose to medium, as for light.
    RiskMedium,
    /// Rose to severe, as for light.
    RiskSevere,
    /// Has not opened the product for the rule's delay.
    Inactive,
}

impl Occasion {
    /// Win-back occasions: a new grade takes the place of what an earlier one planned.
    pub const WIN_BACK: [Self; 3] = [Self::RiskLight, Self::RiskMedium, Self::RiskSevere];
}

/// One row of the table of triggers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRule {
    /// Stands in the notification and in its dedupe key.
    pub name: String,
    /// What happened.
    pub on: Occasion,
    /// Template to send.
    pub template: String,
    /// Topic the user can opt out of.
    pub topic: String,
    /// One message per channel.
    pub channels: Vec<Channel>,
    /// Class of the message.
    pub class: Class,
    /// Sent this long after it happened. For `inactive`: how long the silence is.
    pub delay_seconds: u32,
    /// Of no use this long after that.
    pub expire_after_seconds: u32,
}

/// When a triggered message goes, and from when on it is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Planned time.
    pub send_at: DateTime<Utc>,
    /// Expiry.
    pub expire_at: DateTime<Utc>,
}

impl TriggerRule {
    /// Times of the message for something that happened at `occurred`. They are counted from the
    /// event, not from when it is read: a log read late does not greet a year-old purchase.
    pub fn times(&self, occurred: DateTime<Utc>) -> Times {
        let send_at = occurred + TimeDelta::seconds(self.delay_seconds.into());
        let expire_at = send_at + TimeDelta::seconds(self.expire_after_seconds.into());
        Times { send_at, expire_at }
    }

    /// The key that makes the message unique: this rule and what happened.
    pub fn dedupe_key(&self, event: &str) -> String {
        format!("trigger/{}/{event}", self.name)
    }
}

/// The shipped table.
pub fn shipped() -> Vec<TriggerRule> {
    use Channel::{Email, Inbox};
    use Class::{Marketing, Transactional};
    use Occasion as On;
    const HOUR: u32 = 3_600;
    const DAY: u32 = 24 * HOUR;
    let rule =
        |name: &str, on, topic: &str, channel, class, delay_seconds, expire_after_seconds| {
            TriggerRule {
                name: name.to_owned(),
                on,
                template: name.to_owned(),
                topic: topic.to_owned(),
                channels: vec![channel],
                class,
                delay_seconds,
                expire_after_seconds,
            }
        };
    vec![
        rule("welcome", On::FirstPurchase, "onboarding", Email, Marketing, DAY, 7 * DAY),
        rule("first-use-call", On::FirstPurchase, "onboarding", Email, Marketing, 3 * DAY, 7 * DAY),
        rule("feedback-received", On::FeedbackReceived, "service", Inbox, Transactional, 0, DAY),
        rule("ticket-resolved", On::TicketResolved, "service", Inbox, Transactional, 0, 7 * DAY),
        rule("tier-up", On::TierUp, "membership", Email, Marketing, 0, 7 * DAY),
        rule("points-expiring", On::PointsExpiring, "membership", Email, Marketing, 0, 6 * DAY),
        rule("reward", On::RewardEarned, "membership", Inbox, Marketing, 0, 7 * DAY),
        rule("compensation", On::Compensated, "service", Email, Transactional, 0, 7 * DAY),
        // What people must know about their money and their rights is not advertising.
        rule("membership-renewal", On::RenewalDue, "billing", Email, Transactional, 0, 6 * DAY),
        rule("trial-ending", On::TrialEnding, "billing", Email, Transactional, 0, 6 * DAY),
        rule("payment-failed", On::PaymentFailed, "billing", Email, Transactional, 0, 3 * DAY),
        rule("membership-on-hold", On::AccessLost, "billing", Email, Transactional, 0, 7 * DAY),
        rule("rules-notice", On::RulesChange, "billing", Email, Transactional, 0, 14 * DAY),
        rule("rules-withdrawn", On::RulesWithdrawn, "billing", Email, Transactional, 0, 14 * DAY),
        rule("care", On::RiskLight, "care", Email, Marketing, 0, 7 * DAY),
        rule("win-back-offer", On::RiskMedium, "care", Email, Marketing, 0, 7 * DAY),
        rule("win-back-interview", On::RiskSevere, "care", Email, Marketing, 0, 14 * DAY),
        rule("inactivity", On::Inactive, "reminder", Email, Marketing, 3 * DAY, 2 * DAY),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use std::collections::BTreeSet;

    #[test]
    fn times_count_from_the_event() {
        let rules = shipped();
        let paid = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
        let delays: Vec<_> = rules
            .iter()
            .filter(|r| r.on == Occasion::FirstPurchase)
            .map(|r| (r.times(paid).send_at - paid).num_hours())
            .collect();
        assert_eq!(delays, [24, 72]);
    }

    #[test]
    fn names_are_unique() {
        let rules = shipped();
        let names: BTreeSet<_> = rules.iter().map(|r| &r.name).collect();
        assert_eq!(names.len(), rules.len());
    }
}
