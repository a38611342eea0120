//! Refusals by rule as errors with the stable reasons of the contract.

use crate::domain::coupon::CouponRefusal;
use crate::domain::incident::IncidentRefusal;
use crate::domain::quota::QuotaRefusal;
use perennial_platform::Error;

impl From<CouponRefusal> for Error {
    fn from(refusal: CouponRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            CouponRefusal::NotYours => Self::precondition("NOT_YOURS", text),
            CouponRefusal::Used => Self::precondition("COUPON_USED", text),
            CouponRefusal::Expired => Self::precondition("COUPON_EXPIRED", text),
            CouponRefusal::Revoked => Self::precondition("COUPON_REVOKED", text),
            CouponRefusal::Reserved => Self::precondition("COUPON_RESERVED", text),
            CouponRefusal::NotUsed => Self::precondition("COUPON_NOT_USED", text),
            CouponRefusal::BelowMinimum(least) => {
                Self::precondition("BELOW_MINIMUM", text).with("minimum", least)
            }
            CouponRefusal::WrongCurrency(right) => {
                Self::precondition("WRONG_CURRENCY", text).with("currency", right)
            }
            CouponRefusal::NotApplicable => Self::precondition("NOT_APPLICABLE", text),
        }
    }
}

/// The reason of a refusal, as the contract has it.
pub(crate) fn quota_reason(refusal: &QuotaRefusal) -> &'static str {
    match refusal {
        QuotaRefusal::TierTooLow(_) => "TIER_TOO_LOW",
        QuotaRefusal::NotOpenYet(_) => "NOT_OPEN_YET",
        QuotaRefusal::LimitReached(_) => "LIMIT_REACHED",
        QuotaRefusal::NoPlacesLeft => "NO_PLACES_LEFT",
        QuotaRefusal::Used => "CLAIM_USED",
        QuotaRefusal::Returned => "CLAIM_RETURNED",
        QuotaRefusal::TimedOut => "CLAIM_TIMED_OUT",
    }
}

impl From<QuotaRefusal> for Error {
    fn from(refusal: QuotaRefusal) -> Self {
        let error = Self::precondition(quota_reason(&refusal), refusal.to_string());
        match refusal {
            QuotaRefusal::TierTooLow(tier) => {
                error.with("tier", format!("{tier:?}").to_uppercase())
            }
            QuotaRefusal::NotOpenYet(opens) => error.with("opens", opens.to_rfc3339()),
            _ => error,
        }
    }
}

impl From<IncidentRefusal> for Error {
    fn from(refusal: IncidentRefusal) -> Self {
        let reason = match refusal {
            IncidentRefusal::SamePerson => "SAME_PERSON",
            IncidentRefusal::Approved => "INCIDENT_APPROVED",
            IncidentRefusal::Revoked => "INCIDENT_REVOKED",
            IncidentRefusal::WindowOpen => "WINDOW_OPEN",
        };
        Self::precondition(reason, refusal.to_string())
    }
}
