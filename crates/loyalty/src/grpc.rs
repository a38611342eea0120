//! The contract's services over the use cases.

mod audit;
mod convert;
mod points;
mod reports;
mod tiers;

pub(crate) use audit::Audit;
pub(crate) use points::Points;
pub(crate) use reports::Reports;
pub(crate) use tiers::Tiers;
