//! The contract's services over the use cases.

mod audit;
mod benefits;
mod catalogue;
mod charity;
mod compensation;
mod convert;
mod coupons;
mod document;
mod features;
mod memberships;
mod points;
mod progress;
mod referrals;
mod reports;
mod rules;
mod tiers;

pub(crate) use audit::Audit;
pub(crate) use benefits::Benefits;
pub(crate) use catalogue::Catalogue;
pub(crate) use charity::Charity;
pub(crate) use compensation::Compensation;
pub(crate) use coupons::Coupons;
pub(crate) use features::Features;
pub(crate) use memberships::Memberships;
pub(crate) use points::Points;
pub(crate) use progress::ProgressApi;
pub(crate) use referrals::Referrals;
pub(crate) use reports::Reports;
pub(crate) use rules::Rules;
pub(crate) use tiers::Tiers;

use perennial_platform::{Error, Result, time};

/// How long something is held, where the caller says it.
fn timeout(field: &str, said: Option<&prost_types::Duration>) -> Result<Option<chrono::TimeDelta>> {
    said.map(|said| time::duration_from_proto(field, said)).transpose()
}

/// The business event of a request: its source and id. Errors: INVALID_ARGUMENT for one without
/// the other.
fn event(source: String, event: String) -> Result<Option<(String, String)>> {
    if source.is_empty() != event.is_empty() {
        return Err(Error::invalid("source_event_id", "goes together with source"));
    }
    Ok((!source.is_empty()).then_some((source, event)))
}
