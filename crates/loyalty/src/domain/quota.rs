//! Quotas: places that are never given out twice.
//!
//! Invariant (I16): places taken never pass the places there are; a place is held, used, or given
//! back, and each claim ends once (reference, S12: a quota is a guarded account, a claim is a
//! hold, its use a capture, its return a void).

use super::{Tier, Time};
use chrono::TimeDelta;
use chrono_tz::Tz;
use perennial_platform::id::{Id, Kind};
use serde::{Deserialize, Serialize};

/// Names a claim: `clm_...`.
pub type ClaimId = Id<Claim>;

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

/// Where a claim stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in benefits.proto, whose numbers these are")]
#[repr(i16)]
pub enum ClaimState {
    Held = 1,
    Used = 2,
    Returned = 3,
    TimedOut = 4,
}

/// A place that a member has, or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub id: ClaimId,
    /// Whose.
    pub user: String,
    /// The key of the quota.
    pub key: String,
    /// The quota: key and period.
    pub quota: String,
    /// As it is written down; [`Claim::state_at`] says what holds.
    pub state: ClaimState,
    /// Its place in the line.
    pub number: i64,
    /// When.
    pub claimed_at: Time,
    /// Until when the place is held.
    pub held_until: Time,
    /// When it was used, returned or let go.
    pub resolved_at: Option<Time>,
    /// The version of the rules under which it was accepted.
    pub rule_version: String,
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

impl Kind for Claim {
    const PREFIX: &'static str = "clm";
}

impl ClaimState {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Held, Self::Used, Self::Returned, Self::TimedOut]
            .into_iter()
            .find(|state| state.number() == number)
    }

    /// Whether the place is taken.
    pub fn takes(self) -> bool {
        matches!(self, Self::Held | Self::Used)
    }
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

impl Claim {
    /// The period of its quota; empty when places are counted once.
    pub fn period(&self) -> &str {
        self.quota.split_once('@').map_or("", |(_, period)| period)
    }

    /// Where it stands, whether or not it was written down.
    pub fn state_at(&self, now: Time) -> ClaimState {
        match self.state {
            ClaimState::Held if self.held_until <= now => ClaimState::TimedOut,
            state => state,
        }
    }

    /// As it reads now.
    #[must_use]
    pub fn settled(mut self, now: Time) -> Self {
        if self.state_at(now) != self.state {
            self.state = ClaimState::TimedOut;
            self.resolved_at = Some(self.held_until);
        }
        self
    }

    /// Takes the place for good.
    pub fn use_up(&mut self, now: Time) -> Result<(), QuotaRefusal> {
        match self.state_at(now) {
            ClaimState::Held => {
                self.resolve(ClaimState::Used, now);
                Ok(())
            }
            ClaimState::Used => Err(QuotaRefusal::Used),
            ClaimState::Returned => Err(QuotaRefusal::Returned),
            ClaimState::TimedOut => Err(QuotaRefusal::TimedOut),
        }
    }

    /// Gives the place back.
    pub fn give_back(&mut self, now: Time) -> Result<(), QuotaRefusal> {
        match self.state_at(now) {
            ClaimState::Held | ClaimState::Used => {
                self.resolve(ClaimState::Returned, now);
                Ok(())
            }
            ClaimState::Returned => Err(QuotaRefusal::Returned),
            ClaimState::TimedOut => Err(QuotaRefusal::TimedOut),
        }
    }

    fn resolve(&mut self, state: ClaimState, now: Time) {
        self.state = state;
        self.resolved_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn the_few_may_come_earlier() {
        let rule = QuotaRule {
            key: "launch".to_owned(),
            places: 2,
            min_tier: Tier::Gold,
            per_member: 1,
            open_from: Some(at("2026-01-10T00:00:00Z")),
            early_hours: 48,
            ..QuotaRule::default()
        };
        let quota = Quota::fresh(&rule, "");
        let now = at("2026-01-08T00:00:00Z");
        assert_eq!(rule.admits(now, Tier::Diamond, 0, &quota), Ok(()));
        assert_eq!(
            rule.admits(now, Tier::Gold, 0, &quota),
            Err(QuotaRefusal::NotOpenYet(at("2026-01-10T00:00:00Z")))
        );
        let later = at("2026-01-10T00:00:00Z");
        assert_eq!(rule.admits(later, Tier::Gold, 0, &quota), Ok(()));
        assert_eq!(
            rule.admits(later, Tier::Silver, 0, &quota),
            Err(QuotaRefusal::TierTooLow(Tier::Gold))
        );
        assert_eq!(rule.admits(later, Tier::Gold, 1, &quota), Err(QuotaRefusal::LimitReached(1)));
        let full = Quota { taken: 2, ..quota };
        assert_eq!(rule.admits(later, Tier::Gold, 0, &full), Err(QuotaRefusal::NoPlacesLeft));
    }

    #[test]
    fn fewer_places_take_nothing_away() {
        let rule = QuotaRule { key: "q".to_owned(), places: 3, ..QuotaRule::default() };
        let mut quota = Quota { taken: 5, places: 10, ..Quota::fresh(&rule, "") };
        quota.follow(&rule);
        assert_eq!(quota.places, 5);
        assert_eq!(
            rule.admits(Time::UNIX_EPOCH, Tier::Ordinary, 0, &quota),
            Err(QuotaRefusal::NoPlacesLeft)
        );
    }

    #[test]
    fn months_are_local() {
        let rule = QuotaRule { key: "q".to_owned(), period: Period::Month, ..QuotaRule::default() };
        let month = |text| rule.period_at(at(text), chrono_tz::Asia::Shanghai);
        assert_eq!(month("2026-01-31T15:59:59Z"), "2026-01");
        assert_eq!(month("2026-01-31T16:00:00Z"), "2026-02");
    }

    #[test]
    fn a_claim_ends_once() {
        let held_until = at("2026-01-05T00:15:00Z");
        let claim = Claim {
            id: ClaimId::derived("c"),
            user: "ann".to_owned(),
            key: "q".to_owned(),
            quota: "q".to_owned(),
            state: ClaimState::Held,
            number: 1,
            claimed_at: at("2026-01-05T00:00:00Z"),
            held_until,
            resolved_at: None,
            rule_version: "1".to_owned(),
        };
        let mut late = claim.clone();
        assert_eq!(late.use_up(held_until), Err(QuotaRefusal::TimedOut));
        assert_eq!(late.give_back(held_until), Err(QuotaRefusal::TimedOut));
        let mut used = claim;
        used.use_up(at("2026-01-05T00:01:00Z")).unwrap();
        assert_eq!(used.use_up(held_until), Err(QuotaRefusal::Used));
        assert_eq!(used.state_at(held_until), ClaimState::Used);
        used.give_back(held_until).unwrap();
        assert_eq!(used.give_back(held_until), Err(QuotaRefusal::Returned));
    }
}
