//! The simulation as part of the ordinary tests.

use super::{Options, Report, run};
use perennial_testkit::TestDatabase;

/// Operations of each run.
const OPERATIONS: u64 = 2_000;

pub(super) async fn simulate(seed: u64, operations: u64) -> Report {
    let database = TestDatabase::fresh().await;
    let folder = std::env::temp_dir();
    let options = Options { seed, operations, folder, database: database.config() };
    run(&options).await.unwrap()
}

async fn passes(seed: u64) {
    let report = simulate(seed, OPERATIONS).await;
    println!("{report}");
    assert!(report.passed(), "perennial simulate loyalty --seed {seed} --ops {OPERATIONS}");
}

#[tokio::test]
async fn a_first_seed_finds_nothing() {
    passes(1).await;
}

#[tokio::test]
async fn a_second_seed_finds_nothing() {
    passes(2).await;
}

#[tokio::test]
async fn a_fresh_seed_finds_nothing() {
    passes(uuid::Uuid::new_v4().as_u64_pair().0).await;
}

#[tokio::test]
async fn a_seed_repeats_itself() {
    let (first, second) = (simulate(3, 400).await, simulate(3, 400).await);
    assert_eq!(first, second);
}

mod museum;
mod scenes;
