//! The real binary under load, killed with SIGKILL again and again and started on the same data.
//!
//! What must hold afterwards: every acknowledged write is there exactly once, every refused one is
//! not, a repeated call gives its first answer, a purchase has earned its points once, and
//! `perennial check` finds the books in order. Besides the kills, one call in eight loses its
//! answer: the caller gives up within milliseconds and asks again.
//!
//! The control does the same with callers that mint a new request id for every attempt, which
//! turns the guard against repetition off. The same checks must find the damage; if they did not,
//! they would prove nothing.

mod bank;
mod load;
mod verify;

use load::History;
use perennial_testkit::{Random, environment};
use perennial_tests::Setup;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Kills of the ordinary run; PERENNIAL_CRASH_KILLS asks for more.
const KILLS: usize = 30;

/// Kills of the control: enough to lose answers.
const CONTROL_KILLS: usize = 3;

/// Random seed; a failing run prints it.
fn seed() -> u64 {
    environment("PERENNIAL_CRASH_SEED")
        .map_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0, |seed| seed.parse().unwrap())
}

/// Loads and kills; returns what the callers saw, with the suite stopped.
async fn run(setup: &Setup, kills: usize, guarded: bool) -> History {
    let seed = seed();
    println!("seed {seed}: run again with PERENNIAL_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let first = setup.start().await;
    let clients = first.clients();
    let stop = AtomicBool::new(false);
    let killing = async {
        let mut running = first;
        for kill in 1..=kills {
            let time = Duration::from_millis(200 + random.bits() % 1_000);
            tokio::time::sleep(time).await;
            running.kill();
            if kill % 10 == 0 {
                check(setup);
            }
            running = setup.start().await;
        }
        stop.store(true, Ordering::Relaxed);
        running
    };
    let (history, running) = tokio::join!(load::run(clients, seed, guarded, &stop), killing);
    println!("{kills} kills, {}", history.summary());
    let findings = verify::findings(&history, &running.clients()).await;
    assert!(!setup.log().contains("panicked"), "{}", setup.log());
    assert!(running.stop().await.success());
    check(setup);
    History { findings, ..history }
}

/// The books are in order, by the operator's own command.
fn check(setup: &Setup) {
    let output = setup.command("check").output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let kills = environment("PERENNIAL_CRASH_KILLS").map_or(KILLS, |n| n.parse().unwrap());
    let setup = Setup::fresh().await;
    let history = run(&setup, kills, true).await;
    assert!(history.acknowledged() > 200, "hardly any load: {}", history.summary());
    assert!(history.unanswered > 0, "every attempt was answered: {}", history.summary());
    assert!(history.findings.is_empty(), "{}", history.findings.join("\n"));
}

#[tokio::test]
async fn without_request_ids_the_same_checks_find_the_damage() {
    let setup = Setup::fresh().await;
    let history = run(&setup, CONTROL_KILLS, false).await;
    assert!(history.unanswered > 0, "every attempt was answered: {}", history.summary());
    assert!(!history.findings.is_empty(), "the checks saw nothing: {}", history.summary());
    println!("the control was caught: {}", history.findings[0]);
}
