//! Holds: points set aside for a spend that is not certain yet.
//!
//! Invariant: a hold is resolved at most once, and what it reserved cannot expire or be spent
//! meanwhile, so that a capture never fails for lack of points (reference, S3 and S4).

use super::{Allocation, EntryId, HoldId, Time};
use perennial_platform::id::Kind;

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub id: HoldId,
    /// Whose points.
    pub user: String,
    /// How many.
    pub points: i64,
    /// When it comes free by itself.
    pub deadline: Time,
    /// Where it stands.
    pub state: HoldState,
    /// What it reserves, in the order of use.
    pub parts: Vec<Allocation>,
    /// The entry that resolved it.
    pub resolved_by: Option<EntryId>,
}

impl Kind for Hold {
    const PREFIX: &'static str = "hold";
}

impl Hold {
    /// The id of the one entry that may resolve this hold. As every resolution has the same id,
    /// the primary key of the ledger keeps a second one out.
    pub fn resolution_id(id: HoldId) -> EntryId {
        EntryId::derived(&format!("resolution {id}"))
    }

    /// Its time ran out and nothing has resolved it.
    pub fn is_due(&self, now: Time) -> bool {
        self.state == HoldState::Open && self.deadline <= now
    }
}

/// Where a hold stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum HoldState {
    Open = 1,
    Captured = 2,
    Voided = 3,
    TimedOut = 4,
}

impl HoldState {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Open, Self::Captured, Self::Voided, Self::TimedOut]
            .into_iter()
            .find(|state| state.number() == number)
    }
}
