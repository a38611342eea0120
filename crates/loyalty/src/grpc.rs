//! The contract's services over the use cases.

mod convert;
mod points;
mod reports;
mod tiers;

pub(crate) use points::Points;
pub(crate) use reports::Reports;
pub(crate) use tiers::Tiers;
