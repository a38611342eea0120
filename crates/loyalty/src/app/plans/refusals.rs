//! Refusals about memberships as errors with the stable reasons of the contract.

use crate::domain::plan::PlanRefusal;
use perennial_platform::Error;

impl From<PlanRefusal> for Error {
    fn from(refusal: PlanRefusal) -> Self {
        use PlanRefusal as R;
        let text = refusal.to_string();
        match refusal {
            R::NoMembership => Self::not_found("MEMBERSHIP_NOT_FOUND", text),
            R::NoPlan => Self::not_found("PLAN_NOT_FOUND", text),
            R::NoOffer => Self::not_found("OFFER_NOT_FOUND", text),
            R::NoCharge => Self::not_found("CHARGE_NOT_FOUND", text),
            R::NoPayout => Self::not_found("PAYOUT_NOT_FOUND", text),
            R::Subscribed { state } => {
                Self::precondition("ALREADY_SUBSCRIBED", text).with("state", format!("{state:?}"))
            }
            R::TrialUsed => Self::precondition("TRIAL_USED", text),
            R::NoTrial => Self::precondition("NO_TRIAL", text),
            R::Ended => Self::precondition("MEMBERSHIP_ENDED", text),
            R::Canceled => Self::precondition("ALREADY_CANCELED", text),
            R::NotCanceled => Self::precondition("NOT_CANCELED", text),
            R::NotActive => Self::precondition("NOT_ACTIVE", text),
            R::Paused => Self::precondition("ALREADY_PAUSED", text),
            R::NotPaused => Self::precondition("NOT_PAUSED", text),
            R::DoesNotRenew => Self::precondition("DOES_NOT_RENEW", text),
            R::ChargeDue => Self::precondition("CHARGE_DUE", text),
            R::ChargePaid => Self::precondition("CHARGE_PAID", text),
            R::ChargeVoid => Self::precondition("CHARGE_VOID", text),
            R::ChargeNotDue => Self::precondition("CHARGE_NOT_DUE", text),
            R::NothingPaid => Self::precondition("NOTHING_PAID", text),
            R::RefundOver { until } => {
                Self::precondition("REFUND_WINDOW_OVER", text).with("until", until.to_rfc3339())
            }
            R::Refunded => Self::precondition("ALREADY_REFUNDED", text),
            R::PayoutDone => Self::precondition("PAYOUT_DONE", text),
        }
    }
}
