//! The service under a seed: real code on a real database, in simulated time, with faults.
//!
//! A seed decides what callers, identity and the clock do, and where faults fall. After every step
//! a slow model that shares no rule with the service (the oracle) must agree on the answer,
//! refusals included, and on the balance of whoever was touched; another one on scarce places, which
//! the same members want; again and again, and at the end, the operator's check must find nothing. What a fault left unknown is decided as a caller would:
//! by the same call under the same request id.
//!
//! Faults fall at the steps of transactions (begin, each statement, commit, answer), which are
//! counted, not timed, and what runs at the same time is led step by step; so a seed repeats itself.

mod call;
mod oracle;
mod random;
mod report;
mod site;
mod trap;
mod world;

pub use report::Report;

use crate::config::Config;
use crate::domain::RuleVersion;
use crate::domain::benefit::BenefitRules;
use crate::domain::progress::ProgressRules;
use crate::domain::quota::QuotaRule;
use perennial_platform::Result;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use std::path::PathBuf;
use world::World;

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides everything.
    pub seed: u64,
    /// Steps at most; a violation ends the run.
    pub operations: u64,
    /// An empty folder for the database when it is a file.
    pub folder: PathBuf,
    /// An empty database; the default is a file in the folder.
    pub database: DatabaseConfig,
}

/// Runs a simulation. Errors: those of the database, where no fault was meant.
pub async fn run(options: &Options) -> Result<Report> {
    let config = config(options);
    let db = Db::open("loyalty", &config.database, &options.folder).await?;
    db.migrate(crate::migrations).await?;
    let mut world = World::new(options, config.clone()).await?;
    let found = world.run(&db).await?;
    let report = world.end(found).await;
    db.close().await;
    Ok(report)
}

/// The shipped settings; but points expire whether or not their holder was told, because nobody
/// reports deliveries here; nothing but purchases and check-ins earns, which is what the oracle
/// knows; and there is one benefit, with few places.
fn config(options: &Options) -> Config {
    let database = options.database.clone();
    let nothing = ProgressRules {
        tasks: Vec::new(),
        challenges: Vec::new(),
        stamp_cards: Vec::new(),
        streaks: Vec::new(),
    };
    let places = vec![QuotaRule {
        key: oracle::BENEFIT.to_owned(),
        places: u32::try_from(oracle::PLACES).unwrap_or(u32::MAX),
        per_member: u32::try_from(oracle::EACH).unwrap_or(u32::MAX),
        ..QuotaRule::default()
    }];
    let benefits = BenefitRules { places, catalogue: Vec::new(), ..BenefitRules::default() };
    let rules = vec![RuleVersion { progress: nothing, benefits, ..RuleVersion::default() }];
    Config { database, rules, require_expiry_warning: false, ..Config::default() }
}

#[cfg(test)]
mod tests;
