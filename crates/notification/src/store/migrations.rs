//! Tables of this service, oldest change first. A migration that was released is never edited.

mod m0001_init;

use sea_orm_migration::MigrationTrait;

/// All migrations in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_init::Migration)]
}
