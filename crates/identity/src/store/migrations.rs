//! Migrations of this service's tables, oldest first. One that has been released is never edited.

mod m0001_init;

use sea_orm_migration::MigrationTrait;

/// All of them.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_init::Migration)]
}
