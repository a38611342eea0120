//! The service's tables, step by step. A step that has shipped is never edited.

mod m0001_ledger;
mod m0002_tiers;
mod m0003_rules;
mod m0004_grants;
mod m0005_points;
mod m0006_integrity;
mod m0007_rulebook;
mod m0008_progress;
mod m0009_referrals;
mod m0010_tiers;
mod m0011_memberships;
mod m0012_benefits;
mod m0013_compensation;
mod m0014_notice;

use sea_orm_migration::MigrationTrait;

/// All steps, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_ledger::Migration),
        Box::new(m0002_tiers::Migration),
        Box::new(m0003_rules::Migration),
        Box::new(m0004_grants::Migration),
        Box::new(m0005_points::Migration),
        Box::new(m0006_integrity::Migration),
        Box::new(m0007_rulebook::Migration),
        Box::new(m0008_progress::Migration),
        Box::new(m0009_referrals::Migration),
        Box::new(m0010_tiers::Migration),
        Box::new(m0011_memberships::Migration),
        Box::new(m0012_benefits::Migration),
        Box::new(m0013_compensation::Migration),
        Box::new(m0014_notice::Migration),
    ]
}
