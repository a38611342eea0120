//! The contract's services over the use cases.

mod audit;
mod convert;
mod memberships;
mod points;
mod referrals;
mod reports;
mod tiers;

pub(crate) use audit::Audit;
pub(crate) use memberships::Memberships;
pub(crate) use points::Points;
pub(crate) use referrals::Referrals;
pub(crate) use reports::Reports;
pub(crate) use tiers::Tiers;
