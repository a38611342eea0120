//! The history of the tables. A migration that has been released never changes.

mod m0001_init;

use sea_orm_migration::MigrationTrait;

/// Every migration, oldest first.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_init::Migration)]
}
