//! The bug museum: the simulation has to catch every flaw that was put in on purpose.

use super::simulate;
use crate::museum::{Flaw, show};

/// Seeds tried for each flaw.
const SEEDS: u64 = 5;
/// Operations of each.
const OPERATIONS: u64 = 1_500;

/// After how many seeds and operations a flaw is caught, and by what.
async fn hunt(flaw: Flaw) -> Option<(u64, u64, String)> {
    show(Some(flaw));
    let mut caught = None;
    for seed in 1..=SEEDS {
        let report = simulate(seed, OPERATIONS).await;
        if let Some(violation) = report.violations.first() {
            caught = Some((seed, report.operations, violation.clone()));
            break;
        }
    }
    show(None);
    caught
}

#[tokio::test]
async fn every_flaw_is_caught() {
    let (mut seeds, mut missed) = (0, Vec::new());
    for (flaw, number, what) in Flaw::SIMULATED {
        let Some((seed, operations, violation)) = hunt(flaw).await else {
            println!("{number:<4} {what:<52} NOT CAUGHT");
            missed.push(what);
            continue;
        };
        seeds = seeds.max(seed);
        let violation: String = violation.chars().take(160).collect();
        println!("{number:<4} {what:<52} seed {seed}, operation {operations:>5}: {violation}");
    }
    println!("caught {} of {}", Flaw::SIMULATED.len() - missed.len(), Flaw::SIMULATED.len());
    assert_eq!(missed, Vec::<&str>::new());
    // Without a flaw the same seeds find nothing, so it is the flaws that were caught.
    for seed in 1..=seeds {
        assert_eq!(simulate(seed, OPERATIONS).await.violations, Vec::<String>::new(), "{seed}");
    }
}
