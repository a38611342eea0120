//! Quotas: places that are never given out twice.
//!
//! Invariant (I16): places taken never pass the places there are; a place is held, used, or given
//! back, and each claim ends once (reference, S12: a quota is a guarded account, a claim is a
//! hold, its use a capture, its return a void).

mod claim;

pub use claim::{Claim, ClaimId, ClaimState};

use super::{Tier, Time};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Stands for "without limit"; far above what can ever be claimed.
pub const UNLIMITED: i64 = 1_000_000_000_000;

/// Over which time places are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Once and for all.
    #[default]
    Once,
    /// Each local month anew.
    Month,
}

/// How many places there are, for whom, and from when on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaRule {
    /// Its key.
    pub key: String,
    /// How many; 0: without limit.
    pub places: u32,
    /// Over which time.
    pub period: Period,
    /// The lowest tier that may claim.
    pub min_tier: Tier,
    /// How many one member may have (in the period); 0: without limit.
    pub per_member: u32,
    /// From when on places can be claimed.
    pub open_from: Option<Time>,
    /// Who may claim earlier.
    pub early_tier: Tier,
    /// By how many hours.
    pub early_hours: u32,
}

/// The places of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The key, and the period it is for.
    pub id: String,
    /// How many there are.
    pub places: i64,
    /// How many are held or used.
    pub taken: i64,
    /// How many claims were ever accepted.
    pub accepted: i64,
}

/// Why there is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum QuotaRefusal {
    #[error("it is for {0:?} members and above")]
    TierTooLow(Tier),
    #[error("it opens at {0}")]
    NotOpenYet(Time),
    #[error("nobody may have more than {0}")]
    LimitReached(u32),
    #[error("all places are taken")]
    NoPlacesLeft,
    #[error("the claim was used")]
    Used,
    #[error("the claim was returned")]
    Returned,
    #[error("the claim timed out")]
    TimedOut,
}

impl Default for QuotaRule {
    fn default() -> Self {
        Self {
            key: String::new(),
            places: 0,
            period: Period::Once,
            min_tier: Tier::Ordinary,
            per_member: 0,
            open_from: None,
            early_tier: Tier::Diamond,
            early_hours: 0,
        }
    }
}

impl QuotaRule {
    /// Why it is not sound.
    pub fn fault(&self) -> Option<&'static str> {
        match () {
            () if self.key.is_empty() || self.key.len() > 100 => Some("has no key, or a long one"),
            () if self.key.contains('@') => Some("has a key with an @"),
            () if self.places > 1_000_000_000 => Some("has more than 1,000,000,000 places"),
            () if self.early_hours > 24 * 366 => Some("opens more than a year earlier for some"),
            () => None,
        }
    }

    /// How many places there are.
    pub fn limit(&self) -> i64 {
        if self.places == 0 { UNLIMITED } else { i64::from(self.places) }
    }

    /// The local month that counts, as YYYY-MM; empty when places are counted once.
    pub fn period_at(&self, now: Time, zone: Tz) -> String {
        match self.period {
            Period::Once => String::new(),
            Period::Month => now.with_timezone(&zone).format("%Y-%m").to_string(),
        }
    }

    /// The name of the quota of a period.
    pub fn quota_id(&self, period: &str) -> String {
        if period.is_empty() { self.key.clone() } else { format!("{}@{period}", self.key) }
    }

    /// From when on a member of this tier may claim.
    pub fn opens_for(&self, tier: Tier) -> Option<Time> {
        let early = if tier >= self.early_tier { self.early_hours } else { 0 };
        self.open_from?.checked_sub_signed(TimeDelta::hours(i64::from(early)))
    }

    /// Whether a member of this tier who has `own` places can have one more of the quota now.
    pub fn admits(
        &self,
        now: Time,
        tier: Tier,
        own: i64,
        quota: &Quota,
    ) -> Result<(), QuotaRefusal> {
        if tier < self.min_tier {
            return Err(QuotaRefusal::TierTooLow(self.min_tier));
        }
        if let Some(opens) = self.opens_for(tier).filter(|opens| now < *opens) {
            return Err(QuotaRefusal::NotOpenYet(opens));
        }
        if self.per_member > 0 && own >= i64::from(self.per_member) {
            return Err(QuotaRefusal::LimitReached(self.per_member));
        }
        if quota.taken >= quota.places {
            return Err(QuotaRefusal::NoPlacesLeft);
        }
        Ok(())
    }
}

impl Quota {
    /// One that nobody has claimed yet.
    pub fn fresh(rule: &QuotaRule, period: &str) -> Self {
        Self { id: rule.quota_id(period), places: rule.limit(), taken: 0, accepted: 0 }
    }

    /// Follows the rules; places that are taken are not taken away.
    pub fn follow(&mut self, rule: &QuotaRule) {
        self.places = rule.limit().max(self.taken);
    }
}

#[cfg(test)]
mod tests;
