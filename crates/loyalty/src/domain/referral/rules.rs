//! What bringing somebody is worth, and when it counts.

use super::signal::SignalRules;
use crate::domain::{Reward, Time, reward::Span};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// What bringing somebody is worth, and when it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReferralRules {
    /// Days from following a code to registering, at most.
    pub window_days: u32,
    /// Hours after registering within which a code can still be named.
    pub late_hours: u32,
    /// Days from registering to the first order that counts, at most; 0: no end.
    pub purchase_days: u32,
    /// What an order must be worth after refunds, in minor units of the programme's currency.
    pub min_order_minor_units: i64,
    /// Days within which an order can be given back; until then it waits in escrow.
    pub return_days: u32,
    /// Friends that one advocate can bring, those rejected left out.
    pub limit: u32,
    /// Codes that one member can have.
    pub codes: u32,
    /// What is given for how many friends, in rising order.
    pub steps: Vec<Step>,
    /// What speaks against a referral.
    pub signals: SignalRules,
}

/// What is given once so many friends count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Friends that count.
    pub friends: u32,
    /// What is given.
    pub rewards: Vec<Reward>,
}

impl Default for ReferralRules {
    /// One friend for three months of membership, five for a year.
    fn default() -> Self {
        let months = |months| Reward::Membership {
            plan: "premium".to_owned(),
            span: Span { months, days: 0 },
        };
        Self {
            window_days: 30,
            late_hours: 24,
            purchase_days: 90,
            min_order_minor_units: 5_000,
            return_days: 14,
            limit: 100,
            codes: 20,
            steps: vec![
                Step { friends: 1, rewards: vec![months(3)] },
                Step { friends: 5, rewards: vec![months(12)] },
            ],
            signals: SignalRules::default(),
        }
    }
}

impl ReferralRules {
    /// From when on an order can no longer be given back.
    pub fn final_at(&self, paid_at: Time) -> Time {
        later(paid_at, if flawed!(NoEscrow) { 0 } else { self.return_days })
    }

    /// Until when the first order of somebody counts who registered at an instant.
    pub fn buy_until(&self, registered_at: Time) -> Option<Time> {
        (self.purchase_days > 0).then(|| later(registered_at, self.purchase_days))
    }

    /// Steps that a number of friends reaches, those left out that were given.
    pub fn reached(&self, friends: i64, given: &[u32]) -> impl Iterator<Item = &Step> {
        let reached = move |step: &&Step| i64::from(step.friends) <= friends;
        self.steps.iter().take_while(reached).filter(|step| !given.contains(&step.friends))
    }

    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        let days = [self.window_days, self.purchase_days, self.return_days];
        let own = match () {
            () if days.iter().any(|days| *days > 36_600) || self.late_hours > 24 * 366 => {
                "has a time for referrals of more than 36,600 days"
            }
            () if !(0..1_000_000_000_000_000).contains(&self.min_order_minor_units) => {
                "asks a friend for an order that is worth less than nothing, or too much"
            }
            () if !(1..=1_000_000).contains(&self.limit) || !(1..=1_000).contains(&self.codes) => {
                "lets a member bring nobody, or too many"
            }
            () if self.steps.len() > 50 => "has more than 50 steps for referrals",
            () if self.steps.first().is_some_and(|step| step.friends == 0)
                || self.steps.windows(2).any(|pair| pair[1].friends <= pair[0].friends) =>
            {
                "has steps for referrals that do not rise"
            }
            () if self.steps.iter().any(|s| s.rewards.is_empty() || s.rewards.len() > 10) => {
                "has a step for referrals without rewards, or with more than ten"
            }
            () => {
                let mut rewards = self.steps.iter().flat_map(|step| &step.rewards);
                return rewards
                    .find_map(Reward::fault)
                    .map(|fault| format!("has a step for referrals that {fault}"))
                    .or_else(|| self.signals.fault().map(str::to_owned));
            }
        };
        Some(own.to_owned())
    }
}

fn later(at: Time, days: u32) -> Time {
    at.checked_add_signed(TimeDelta::days(i64::from(days))).unwrap_or(Time::MAX_UTC)
}
