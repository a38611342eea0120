//! What points buy.
//!
//! Invariant: points, stock and reward change hands together; a redemption that was taken back has
//! given its points back into the lots they came from.

use super::quota::QuotaRule;
use super::{ClaimId, EntryId, Reward, Tier, Time};
use chrono::TimeDelta;
use perennial_platform::id::{Id, Kind};
use serde::{Deserialize, Serialize};

/// Names a redemption: `rdm_...`.
pub type RedemptionId = Id<Redemption>;

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Good {
    /// Something this service gives.
    Reward(Reward),
    /// A place of the benefit with this key.
    Place(String),
    /// Something somebody else delivers.
    External,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its key.
    pub key: String,
    /// Its price.
    pub points: i64,
    /// What it is.
    pub good: Good,
    /// How many there are; 0: without limit.
    #[serde(default)]
    pub stock: u32,
    /// How many one member may have; 0: without limit.
    #[serde(default)]
    pub per_member: u32,
    /// The lowest tier that may have it.
    #[serde(default = "anybody")]
    pub min_tier: Tier,
}

fn anybody() -> Tier {
    Tier::Ordinary
}

/// Where a redemption stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in catalogue.proto, whose numbers these are")]
#[repr(i16)]
pub enum RedemptionState {
    Held = 1,
    Paid = 2,
    Fulfilled = 3,
    Cancelled = 4,
    Lapsed = 5,
}

/// An item that was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// Its name.
    pub id: RedemptionId,
    /// Who bought it.
    pub user: String,
    /// The key of the item.
    pub item: String,
    /// What it cost.
    pub points: i64,
    /// As it is written down; [`Redemption::state_at`] says what holds.
    pub state: RedemptionState,
    /// The entry that spent the points, or holds them.
    pub entry: EntryId,
    /// The place of the stock.
    pub stock: ClaimId,
    /// The place of the benefit that was bought.
    pub place: Option<ClaimId>,
    /// When.
    pub redeemed_at: Time,
    /// Until when it is held.
    pub held_until: Option<Time>,
    /// When it was fulfilled, cancelled or let go.
    pub resolved_at: Option<Time>,
    /// The version of the rules that offered it.
    pub rule_version: String,
}

impl Kind for Redemption {
    const PREFIX: &'static str = "rdm";
}

impl RedemptionState {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Held, Self::Paid, Self::Fulfilled, Self::Cancelled, Self::Lapsed]
            .into_iter()
            .find(|state| state.number() == number)
    }
}

impl Item {
    /// Its stock, as a quota.
    pub fn quota(&self) -> QuotaRule {
        QuotaRule {
            key: format!("item:{}", self.key),
            places: self.stock,
            per_member: self.per_member,
            min_tier: self.min_tier,
            ..QuotaRule::default()
        }
    }

    /// Why it cannot be offered.
    pub fn fault(&self) -> Option<&'static str> {
        match &self.good {
            _ if self.key.is_empty() || self.key.len() > 90 => Some("has no key, or a long one"),
            _ if !(1..=1_000_000_000_000).contains(&self.points) => Some("has no price"),
            // Points for points would be a way round their dates.
            Good::Reward(Reward::Points(_)) => Some("sells points for points"),
            Good::Reward(reward) => reward.fault(),
            Good::Place(key) if key.is_empty() => Some("sells a place of what has no key"),
            _ => self.quota().fault(),
        }
    }
}

impl Redemption {
    /// Where it stands, whether or not it was written down.
    pub fn state_at(&self, now: Time) -> RedemptionState {
        let over = self.held_until.is_some_and(|until| until <= now);
        match self.state {
            RedemptionState::Held if over => RedemptionState::Lapsed,
            state => state,
        }
    }

    /// The points that go back when so much of the time that was bought is not used: its share,
    /// rounded down.
    pub fn share(&self, left: TimeDelta, whole: TimeDelta) -> i64 {
        let (left, whole) = (left.num_milliseconds(), whole.num_milliseconds());
        if whole <= 0 {
            return 0;
        }
        let share = i128::from(self.points) * i128::from(left.clamp(0, whole)) / i128::from(whole);
        i64::try_from(share).unwrap_or(0)
    }

    /// The points that went back, given how many of the entry that spent them were reversed. A
    /// redemption that was only held let all of them go, and nothing was reversed.
    pub fn returned(&self, now: Time, reversed: Option<i64>) -> i64 {
        match self.state_at(now) {
            RedemptionState::Held | RedemptionState::Paid | RedemptionState::Fulfilled => 0,
            RedemptionState::Cancelled => reversed.unwrap_or(self.points),
            RedemptionState::Lapsed => self.points,
        }
    }

    /// As it reads now.
    #[must_use]
    pub fn settled(mut self, now: Time) -> Self {
        if self.state_at(now) != self.state {
            self.state = RedemptionState::Lapsed;
            self.resolved_at = self.held_until;
        }
        self
    }
}
