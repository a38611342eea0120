//! Money that is asked for, and money that goes back.
//!
//! Invariant: what is collected is the amount of the notice that was recorded (I19): a charge comes
//! into being with its notice and keeps its amount. What goes back is a payout with a state of its
//! own, one for each charge at most (B22).

use super::Period;
use crate::domain::Time;
use perennial_platform::id::{Id, Kind};

/// Names a charge: `chg_...`.
pub type ChargeId = Id<Charge>;
/// Names a payout: `pay_...`. It has the UUID of the charge that it gives back.
pub type PayoutId = Id<Payout>;

/// What it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeKind {
    /// The beginning, without a trial.
    First,
    /// The first period after a trial.
    TrialEnd,
    /// Another period.
    Renewal,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeState {
    /// Announced, or due once its time has come.
    Open,
    /// Collected.
    Paid,
    /// No longer to be collected.
    Void,
}

/// A charge, with its notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Its name.
    pub id: ChargeId,
    /// What it is for.
    pub kind: ChargeKind,
    /// Where it stands.
    pub state: ChargeState,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The plan it pays for.
    pub plan: String,
    /// The period that goes on after it.
    pub period: Period,
    /// Calendar months it pays for.
    pub months: u32,
    /// The version that set the price.
    pub version: String,
    /// When its notice was recorded.
    pub noticed_at: Time,
    /// When it is to be collected, as in the notice.
    pub due_at: Time,
    /// When its caller was told to collect it.
    pub asked_at: Option<Time>,
    /// How often it could not be collected, and why the last time.
    pub failures: u32,
    /// See `failures`.
    pub failure: String,
    /// When it was collected.
    pub paid_at: Option<Time>,
    /// How, as reported.
    pub payment_ref: String,
    /// The time it paid for.
    pub covers: Option<(Time, Time)>,
}

/// Why money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutCause {
    /// The member asked for it.
    Refund,
    /// It was collected for a charge that was void.
    VoidCharge,
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its name.
    pub id: PayoutId,
    /// Whose it is.
    pub user: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Why.
    pub cause: PayoutCause,
    /// Since when it is owed.
    pub due_at: Time,
    /// When it went back.
    pub done_at: Option<Time>,
    /// How, as reported.
    pub payment_ref: String,
}

impl Kind for Charge {
    const PREFIX: &'static str = "chg";
}

impl Kind for Payout {
    const PREFIX: &'static str = "pay";
}

impl Charge {
    /// Whether it is to be collected now.
    pub fn is_due(&self, now: Time) -> bool {
        self.state == ChargeState::Open && self.due_at <= now
    }

    /// The payout that gives it back in full.
    pub fn payout(&self, user: &str, cause: PayoutCause, now: Time) -> Payout {
        Payout {
            id: PayoutId::from(self.id.uuid()),
            user: user.to_owned(),
            amount: self.amount,
            currency: self.currency.clone(),
            cause,
            due_at: now,
            done_at: None,
            payment_ref: String::new(),
        }
    }
}

impl ChargeKind {
    /// As in the contract.
    pub fn number(self) -> i16 {
        match self {
            Self::First => 1,
            Self::TrialEnd => 2,
            Self::Renewal => 3,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [Self::First, Self::TrialEnd, Self::Renewal];
        all.into_iter().find(|kind| kind.number() == number)
    }
}

impl ChargeState {
    /// As it is kept.
    pub fn number(self) -> i16 {
        match self {
            Self::Open => 1,
            Self::Paid => 2,
            Self::Void => 3,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [Self::Open, Self::Paid, Self::Void];
        all.into_iter().find(|state| state.number() == number)
    }
}

impl PayoutCause {
    /// As in the contract.
    pub fn number(self) -> i16 {
        match self {
            Self::Refund => 1,
            Self::VoidCharge => 2,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Refund, Self::VoidCharge].into_iter().find(|cause| cause.number() == number)
    }
}
