//! Three replicas of every service on one Postgres are replaced one after another, three times
//! over, while back ends call: no call fails.
//!
//! Callers are Rust without a retry, and Python's grpcio with a service config. Every replica that
//! is told to end has guests who would keep a careless server for ever: open streams, health
//! watches, connections that never say a word; it has to be gone within ten seconds nevertheless.
//! The control kills the replicas instead, so that nobody hears of it beforehand, and calls must
//! fail. Replicas need a database that they can share, so on SQLite there is nothing to test.
//!
//! The same is asked of an upgrade, where PERENNIAL_TEST_OLD_BINARY names a build of the version before:
//! its replicas serve while the new one migrates, and are replaced by the new one.
//!
//! Calls that come too late or are turned away tell of a machine that cannot answer so many, not of
//! a replica that took them with it: then half as many are tried.

mod calls;
mod guests;
mod python;
mod rust;

use crate::ALONE;
use guests::Guests;
use perennial_platform::db::Engine;
use perennial_testkit::{TestDatabase, environment};
use perennial_tests::running::{Running, tail};
use perennial_tests::{Setup, programs};
use python::Python;
use rust::Rust;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::Code;

const REPLICAS: usize = 3;

/// How often all are replaced; PERENNIAL_ROLLS asks for another number.
const ROLLS: usize = 3;

/// Calls a second, half from each kind of callers.
const RATE: u32 = 200;

/// What a caller waits for an answer, as the service config says to Python's.
const DEADLINE: Duration = Duration::from_secs(5);

/// From SIGTERM to the end of the process.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Between one that came and the next that goes; a deployment's `minReadySeconds`.
const SETTLE: Duration = Duration::from_secs(2);

/// What is said where a connection or a lock was waited for in vain.
const DATABASE_BUSY: &str = "the database took too long";

/// What docs/clients.md gives to libraries; relative to the root of the workspace.
const SERVICE_CONFIG: &str = "deploy/clients/service-config.json";

/// What became of calls.
#[derive(Debug, Default)]
struct Tally {
    answered: u64,
    /// By what was said of it, code first.
    failed: BTreeMap<String, u64>,
}

impl Tally {
    fn fail(&mut self, code: Code, what: &str, count: u64) {
        *self.failed.entry(format!("{code:?} {what}")).or_default() += count;
    }

    /// Whether some calls failed, and only for the reason that there were too many: for their
    /// callers' patience, for the suite, or for its database.
    fn is_too_many(&self) -> bool {
        let codes =
            [Code::DeadlineExceeded, Code::ResourceExhausted].map(|code| format!("{code:?} "));
        let is_one = |why: &String| {
            codes.iter().any(|code| why.starts_with(code)) || why.ends_with(DATABASE_BUSY)
        };
        !self.failed.is_empty() && self.failed.keys().all(is_one)
    }
}

/// Calls until told to stop.
async fn callers(replicas: &[[u16; 4]], rate: u32, stop: &AtomicBool) -> (Tally, Tally) {
    let mut rust = Rust::start(replicas);
    let mut python = Python::start(replicas);
    let mut ticks = tokio::time::interval(Duration::from_secs(2) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        rust.send(calls::call(number));
        python.send(&calls::call(number));
        number += 1;
    }
    let rust = rust.end().await;
    let python = tokio::task::spawn_blocking(move || python.end()).await.unwrap();
    (rust, python)
}

/// Replaces every replica in turn.
async fn roll(replicas: &[Setup], running: &mut Vec<Running>, orderly: bool) {
    for replica in replicas {
        let old = running.remove(0);
        if orderly {
            let guests = Guests::visit(&replica.ports()).await;
            let begin = Instant::now();
            assert!(old.stop().await.success(), "{}", replica.log());
            let took = begin.elapsed();
            println!("gone after {took:?} with {} guests", guests.count());
            assert!(took <= GONE_WITHIN, "gone after {took:?}:\n{}", tail(&replica.log()));
        } else {
            old.kill();
        }
        running.push(replica.start().await);
        tokio::time::sleep(SETTLE).await;
    }
}

/// What is done while calls come.
struct Trial<'a> {
    rolls: usize,
    rate: u32,
    /// Whether replicas are told to end, or killed.
    orderly: bool,
    /// The build that is replaced.
    before: &'a Path,
}

async fn run(trial: Trial<'_>) -> (Tally, Tally) {
    let settings = "[server]\ndrain_delay_seconds = 2\ndrain_seconds = 5\n";
    let setup = Setup::fresh().await.with(settings);
    assert!(setup.command_of(trial.before, "migrate").output().unwrap().status.success());
    let replicas: Vec<Setup> =
        (0..REPLICAS).map(|number| setup.replica(&format!("replica-{number}"))).collect();
    let mut running = Vec::new();
    for replica in &replicas {
        running.push(replica.start_of(trial.before).await);
    }
    let ports: Vec<[u16; 4]> = replicas.iter().map(Setup::ports).collect();
    let stop = AtomicBool::new(false);
    let rolling = async {
        tokio::time::sleep(SETTLE).await;
        // What a deployment's Job does before the first replica is replaced.
        let mut migration = tokio::process::Command::from(setup.command("migrate"));
        assert!(migration.output().await.unwrap().status.success());
        for _ in 0..trial.rolls {
            roll(&replicas, &mut running, trial.orderly).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (tallies, ()) = tokio::join!(callers(&ports, trial.rate, &stop), rolling);
    drop(running);
    for replica in &replicas {
        assert!(!replica.log().contains("panicked"), "{}", replica.log());
    }
    println!("{} rolls at {} calls a second: {tallies:?}", trial.rolls, trial.rate);
    let check = setup.command("check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    tallies
}

/// Replaces a build by the one under test; with fewer calls where the machine cannot answer so many.
async fn no_call_fails(before: &Path, rolls: usize) {
    for rate in [RATE, RATE / 2, RATE / 4, RATE / 8] {
        let (rust, python) = run(Trial { rolls, rate, orderly: true, before }).await;
        assert!(rust.answered > 100 && python.answered > 100, "hardly any calls");
        if !rust.is_too_many() && !python.is_too_many() {
            assert!(rust.failed.is_empty(), "Rust: {:?}", rust.failed);
            assert!(python.failed.is_empty(), "Python: {:?}", python.failed);
            return;
        }
    }
    panic!("this machine does not answer {} calls a second", RATE / 8);
}

fn on_postgres() -> bool {
    let postgres = TestDatabase::engine() == Engine::Postgres;
    if !postgres {
        println!("replicas share Postgres: see PERENNIAL_TEST_DATABASE");
    }
    postgres
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_all_replicas_are_replaced() {
    let _alone = ALONE.lock().await;
    if !on_postgres() {
        return;
    }
    let rolls = environment("PERENNIAL_ROLLS").map_or(ROLLS, |rolls| rolls.parse().unwrap());
    no_call_fails(&programs::perennial(), rolls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_during_an_upgrade() {
    let _alone = ALONE.lock().await;
    match environment("PERENNIAL_TEST_OLD_BINARY") {
        Some(before) if on_postgres() => no_call_fails(Path::new(&before), 1).await,
        _ => println!("PERENNIAL_TEST_OLD_BINARY names no build of the version before"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_where_nobody_is_told() {
    let _alone = ALONE.lock().await;
    if !on_postgres() {
        return;
    }
    let before = &programs::perennial();
    let (rust, _) = run(Trial { rolls: 1, rate: RATE, orderly: false, before }).await;
    let is_lost = |why: &String| why.starts_with("Unavailable ");
    assert!(rust.failed.keys().any(is_lost), "a replica that is killed takes no call with it");
}
