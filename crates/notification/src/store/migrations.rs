//! Tables of this service, oldest change first. A migration that was released is never edited.

mod m0001_init;
mod m0002_trace;

use sea_orm_migration::MigrationTrait;

/// All migrations in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_init::Migration), Box::new(m0002_trace::Migration)]
}
