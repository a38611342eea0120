//! Whether a friend can be referred at all.

use super::ReferralRules;
use crate::domain::Time;
use chrono::TimeDelta;

/// A friend who came by a code, and what is known of both.
#[derive(Debug, Clone, Copy)]
pub struct Touch<'a> {
    /// Who is said to have brought.
    pub advocate: &'a str,
    /// Whom.
    pub friend: &'a str,
    /// When the friend followed the code.
    pub touched_at: Time,
    /// Now.
    pub now: Time,
    /// When the friend became a member, if so.
    pub joined_at: Option<Time>,
    /// The friend bought something.
    pub bought: bool,
    /// The friend has an advocate.
    pub referred: bool,
    /// Those above the advocate: who brought them, who brought those, ...
    pub above: &'a [String],
    /// Friends whom the advocate brought, those rejected left out.
    pub brought: i64,
}

/// Why a friend cannot be referred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refused {
    #[error("nobody refers themselves")]
    SelfReferral,
    #[error("the friend was referred before")]
    AlreadyReferred,
    #[error("the friend brought the advocate, directly or not")]
    Cycle,
    #[error("the friend bought something or was a member before")]
    AlreadyCustomer,
    #[error("the friend registered too long after following the code")]
    Expired,
    #[error("the advocate has brought as many as the rules let count: {limit}")]
    LimitReached { limit: u32 },
}

impl Touch<'_> {
    /// When the friend registered: referring makes a member of who is none.
    pub fn registered_at(&self) -> Time {
        self.joined_at.unwrap_or(self.now)
    }

    /// Errors: why the friend cannot be referred.
    pub fn check(&self, rules: &ReferralRules) -> Result<(), Refused> {
        let late = TimeDelta::hours(i64::from(rules.late_hours));
        let window = TimeDelta::days(i64::from(rules.window_days));
        let was_there = |joined_at: Time| self.touched_at - joined_at > late;
        match () {
            () if self.advocate == self.friend => Err(Refused::SelfReferral),
            () if self.referred => Err(Refused::AlreadyReferred),
            () if self.above.iter().any(|above| above == self.friend) => Err(Refused::Cycle),
            () if self.bought || self.joined_at.is_some_and(was_there) => {
                Err(Refused::AlreadyCustomer)
            }
            () if self.registered_at() - self.touched_at > window => Err(Refused::Expired),
            () if self.brought >= i64::from(rules.limit) => {
                Err(Refused::LimitReached { limit: rules.limit })
            }
            () => Ok(()),
        }
    }
}
