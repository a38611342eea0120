//! Who has a place, or had.

use super::QuotaRefusal;
use crate::domain::Time;
use perennial_platform::id::{Id, Kind};

/// Names a claim: `clm_...`.
pub type ClaimId = Id<Claim>;

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
