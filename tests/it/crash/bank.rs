//! A bank on the real binary: many callers over few members earn, spend, hold, capture, give up,
//! take back and give to each other, and read balances, while the process is killed every one to
//! three seconds.
//!
//! Afterwards the ledger is read as anybody could read it, and held against what callers saw:
//! points are conserved and no member ever owes what was held; places in the ledger have no gaps
//! and agree with real time (an entry acknowledged before another call was sent comes before that
//! call's entry); every acknowledged entry is there as it was told and nothing else is; and every
//! balance that was read stood in the ledger at some moment not earlier than the read.

mod history;
mod ledger;

use super::{check, seed};
use history::Caller;
use perennial_testkit::{Random, environment};
use perennial_tests::Setup;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Kills of the ordinary run; PERENNIAL_BANK_KILLS asks for more.
const KILLS: usize = 20;
/// Callers at once.
const CALLERS: u64 = 12;

#[tokio::test]
async fn the_ledger_is_what_callers_saw() {
    let kills = environment("PERENNIAL_BANK_KILLS").map_or(KILLS, |n| n.parse().unwrap());
    let seed = seed();
    println!("seed {seed}: run again with PERENNIAL_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let setup = Setup::fresh().await;
    let first = setup.start().await;
    let clients = first.clients();
    let (stop, began) = (AtomicBool::new(false), Instant::now());
    let killing = async {
        let mut running = first;
        for _ in 0..kills {
            tokio::time::sleep(Duration::from_millis(1_000 + random.bits() % 2_000)).await;
            running.kill();
            running = setup.start().await;
        }
        stop.store(true, Ordering::Relaxed);
        running
    };
    let callers = (0..CALLERS)
        .map(|number| Caller::new(clients.points.clone(), seed, number, began).run(&stop));
    let (histories, running) = tokio::join!(futures::future::join_all(callers), killing);
    let points = running.clients().points;
    let (history, entries) = (history::together(histories), ledger::read(points).await);
    println!("{kills} kills, {}", history.summary(entries.len()));
    let findings = ledger::findings(&history, &entries);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(history.done.len() > 200 && history.refused > 0, "hardly any load");
    assert!(history.unanswered > 0, "every attempt was answered");
    assert!(!setup.log().contains("panicked"), "{}", setup.log());
    assert!(running.stop().await.success());
    check(&setup);
}

/// The same findings on a ledger that was tampered with: they would be worth nothing otherwise.
#[test]
fn a_ledger_that_lies_is_found_out() {
    ledger::control();
}
