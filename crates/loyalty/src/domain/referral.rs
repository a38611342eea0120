//! Referrals: who brought whom, when that counts, and what it earns (product row LY-6; reference,
//! S11).
//!
//! Invariant: a referral counts from the first instant at which the friend's order can no longer
//! be returned and nobody has to look at it; that instant follows from what is stored, so it
//! counts at once, whether or not a job has written it down.

pub mod code;
pub mod rules;
pub mod signal;
pub mod touch;

#[cfg(test)]
mod tests;

pub use rules::{ReferralRules, Step};
pub use signal::{Evidence, Seen, Signal, SignalKind};
pub use touch::{Refused, Touch};

use super::Time;
use super::tier::DealId;
use perennial_platform::id::{Id, Kind};

/// Names a referral: `ref_...`; derived from the friend, who has only one.
pub type ReferralId = Id<Referral>;

/// Where a referral stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "explained in kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum State {
    Registered = 1,
    Escrowed = 2,
    UnderReview = 3,
    Qualified = 4,
    Rejected = 5,
    Reversed = 6,
}

/// Whether a referral may count. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "explained in referrals.proto, whose numbers these are")]
#[repr(i16)]
pub enum Verdict {
    Allow = 1,
    Review = 2,
    Block = 3,
}

/// One friend whom one member brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// Its name.
    pub id: ReferralId,
    /// Who brought.
    pub advocate: String,
    /// Who was brought.
    pub friend: String,
    /// The code they came by; empty when the advocate was named.
    pub code: String,
    /// When the friend followed the code.
    pub touched_at: Time,
    /// When it was taken in.
    pub made_at: Time,
    /// The version of the rules that judges it for ever.
    pub version: String,
    /// What was found when it was taken in, and why.
    pub found: Verdict,
    /// See `found`.
    pub signals: Vec<Signal>,
    /// What holds now, after reviews and appeals.
    pub standing: Verdict,
    /// Since when it waits for review.
    pub waiting_since: Option<Time>,
    /// The last review.
    pub review: Option<Review>,
    /// The appeal; there is one at most.
    pub appeal: Option<Appeal>,
    /// The order that makes it count.
    pub order: Option<Order>,
    /// Until when an order counts that is the first.
    pub buy_until: Option<Time>,
    /// The friend was erased before it counted.
    pub friend_erased: bool,
    /// Since when it counts; written down by whoever comes by first after that instant.
    pub qualified_at: Option<Time>,
    /// When the order was given back after that.
    pub reversed_at: Option<Time>,
    /// Where it stood when it was last written down, and told.
    pub state: State,
    /// The recommendation that stands among the advocate's facts because of it.
    pub counted: Option<Counted>,
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Allow or block.
    pub verdict: Verdict,
    /// Who.
    pub reviewer: String,
    /// Why: a key of the caller's.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// What was said against a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// Why: a key of the caller's.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// An order that makes a referral count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The purchase.
    pub deal: DealId,
    /// When it was paid.
    pub paid_at: Time,
    /// From when on it can no longer be returned.
    pub final_at: Time,
}

/// A recommendation among the advocate's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The fact.
    pub deal: DealId,
    /// From when on it counts.
    pub from: Time,
}

/// An order of the friend's, less what was refunded of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paid {
    /// The purchase.
    pub deal: DealId,
    /// When it was paid.
    pub paid_at: Time,
    /// Qualifying money left.
    pub spend: i64,
    /// It was given back in full.
    pub returned: bool,
}

impl Kind for Referral {
    const PREFIX: &'static str = "ref";
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Registered,
        Self::Escrowed,
        Self::UnderReview,
        Self::Qualified,
        Self::Rejected,
        Self::Reversed,
    ];

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl Verdict {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Allow, Self::Review, Self::Block].into_iter().find(|v| v.number() == number)
    }
}

impl Referral {
    /// The id of the one referral of a friend.
    pub fn id_for(friend: &str) -> ReferralId {
        ReferralId::derived(&format!("referral {friend}"))
    }

    /// Where it stands at an instant, if nothing else happens.
    pub fn state_at(&self, now: Time) -> State {
        match (self.standing, self.counts_from()) {
            _ if self.reversed_at.is_some() => State::Reversed,
            _ if self.qualified_at.is_some() => State::Qualified,
            _ if self.friend_erased => State::Rejected,
            (Verdict::Block, _) => State::Rejected,
            (Verdict::Review, _) => State::UnderReview,
            (Verdict::Allow, Some(from)) if from <= now => State::Qualified,
            (Verdict::Allow, Some(_)) => State::Escrowed,
            (Verdict::Allow, None) => State::Registered,
        }
    }

    /// From when on it counts, as things stand: when the order is final, but not before somebody
    /// allowed it who had to.
    pub fn counts_from(&self) -> Option<Time> {
        if let Some(at) = self.qualified_at {
            return Some(at);
        }
        if self.friend_erased || self.standing != Verdict::Allow {
            return None;
        }
        let allowed_at = self.review.as_ref().map_or(self.made_at, |review| review.at);
        if flawed!(SignupIsEnough) {
            return Some(allowed_at);
        }
        self.order.map(|order| order.final_at.max(allowed_at))
    }

    /// Writes down what time brought about; answers the change of state since it was last written.
    pub fn settle(&mut self, now: Time) -> Option<(State, State)> {
        let state = self.state_at(now);
        if state == State::Qualified && self.qualified_at.is_none() {
            self.qualified_at = self.counts_from();
        }
        let before = std::mem::replace(&mut self.state, state);
        (before != state).then_some((before, state))
    }

    /// Takes the friend's orders into account, in any order. What time brought about before was
    /// settled first: an order given back after it counted reverses the referral, for ever; before
    /// that, the next order may take its place.
    pub fn follow(&mut self, orders: &[Paid], rules: &ReferralRules, now: Time) {
        let kept = |paid: &&Paid| !paid.returned && paid.spend >= rules.min_order_minor_units;
        if self.qualified_at.is_some() {
            let its_own = |paid: &&Paid| self.order.is_some_and(|order| order.deal == paid.deal);
            let given_back = orders.iter().filter(its_own).any(|paid| !kept(&paid));
            if given_back && self.reversed_at.is_none() {
                self.reversed_at = Some(now);
            }
            return;
        }
        let in_time = |paid: &&Paid| {
            self.touched_at <= paid.paid_at && self.buy_until.is_none_or(|end| paid.paid_at <= end)
        };
        let first = orders.iter().filter(kept).filter(in_time);
        let first = first.min_by_key(|paid| (paid.paid_at, paid.deal));
        self.order = first.map(|paid| Order {
            deal: paid.deal,
            paid_at: paid.paid_at,
            final_at: rules.final_at(paid.paid_at),
        });
    }

    /// The friend was erased: what had not counted by then never will.
    pub fn forget_friend(&mut self) {
        if self.qualified_at.is_none() {
            self.friend_erased = true;
            self.order = None;
        }
    }

    /// Decides what waits for review; `false` when it does not wait.
    pub fn decide(&mut self, review: Review) -> bool {
        if self.state_at(review.at) != State::UnderReview {
            return false;
        }
        self.standing = review.verdict;
        self.waiting_since = None;
        self.review = Some(review);
        true
    }

    /// Sends what was rejected back to review. Errors: why that cannot be.
    pub fn appeal(&mut self, appeal: Appeal) -> Result<(), NoAppeal> {
        if self.state_at(appeal.at) != State::Rejected || self.friend_erased {
            return Err(NoAppeal::NotRejected);
        }
        if self.appeal.is_some() {
            return Err(NoAppeal::AppealedBefore);
        }
        self.standing = Verdict::Review;
        self.waiting_since = Some(appeal.at);
        self.appeal = Some(appeal);
        Ok(())
    }
}

/// Why there is no appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NoAppeal {
    #[error("the referral was not rejected by a verdict")]
    NotRejected,
    #[error("the referral was appealed before")]
    AppealedBefore,
}
