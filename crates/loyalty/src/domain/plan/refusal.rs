//! What cannot be done with a membership.

use super::State;
use crate::domain::Time;

/// Why a call about a membership is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    /// There never was one.
    #[error("this member has no membership")]
    NoMembership,
    /// No such plan, or not for this period.
    #[error("there is no such plan for this period")]
    NoPlan,
    /// No such offer.
    #[error("this plan has no such offer for this period")]
    NoOffer,
    /// There is one.
    #[error("there is a membership already")]
    Subscribed {
        /// Where it stands.
        state: State,
    },
    /// This person had a trial.
    #[error("this person has had a free trial")]
    TrialUsed,
    /// The plan has none, or there is time left.
    #[error("there is no free trial of this plan, or not beside the time that is left")]
    NoTrial,
    /// It is over.
    #[error("the membership has ended")]
    Ended,
    /// It was canceled before.
    #[error("the membership is canceled already")]
    Canceled,
    /// It was not canceled.
    #[error("the membership is not canceled")]
    NotCanceled,
    /// Only an active one can be paused.
    #[error("only an active membership without a charge that is due can be paused")]
    NotActive,
    /// It is.
    #[error("the membership is paused already")]
    Paused,
    /// It is not.
    #[error("the membership is not paused")]
    NotPaused,
    /// It will not ask for another period.
    #[error("the membership does not renew")]
    DoesNotRenew,
    /// A charge waits for payment.
    #[error("a charge is due")]
    ChargeDue,
    /// No such charge.
    #[error("there is no such charge")]
    NoCharge,
    /// It was paid.
    #[error("the charge is paid already")]
    ChargePaid,
    /// It is void.
    #[error("the charge is void")]
    ChargeVoid,
    /// Its time has not come.
    #[error("the charge is not due yet")]
    ChargeNotDue,
    /// There is nothing to give back.
    #[error("nothing was paid")]
    NothingPaid,
    /// It is too late.
    #[error("the time to ask for the money back is over")]
    RefundOver {
        /// Since when.
        until: Time,
    },
    /// It was given back.
    #[error("the charge was given back already")]
    Refunded,
    /// No such payout.
    #[error("there is no such payout")]
    NoPayout,
    /// It was done.
    #[error("the payout was done already")]
    PayoutDone,
}
