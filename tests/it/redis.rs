//! Redis speeds things up and is never the truth: while it is killed, frozen, emptied and started
//! again under load, no call fails and no answer is wrong.

use perennial_proto::identity::v1::GetProfileRequest;
use perennial_proto::identity::v1::{Profile, UpsertProfileRequest};
use perennial_proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
use perennial_testkit::free_port;
use perennial_tests::programs::Program;
use perennial_tests::{Clients, Setup};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tonic::Status;

const CALLERS: usize = 8;

/// How long each state of Redis lasts.
const STATE: Duration = Duration::from_secs(2);

fn redis(port: u16, folder: &TempDir) -> Program {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--appendonly", "no", "--loglevel", "warning"]).arg("--dir").arg(folder.path());
    Program::start(&mut command, port)
}

#[derive(Default)]
struct Seen {
    calls: u64,
    failures: Vec<Status>,
    earned: i64,
}

/// Reads that are cached and writes that wake others, until told to stop.
async fn caller(clients: Clients, user: String, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Relaxed) {
        seen.calls += 3;
        let earn = EarnRequest { user_id: user.clone(), points: 1, ..EarnRequest::default() };
        let outcomes = [
            clients.points.clone().earn(earn).await.map(|_| seen.earned += 1),
            clients
                .points
                .clone()
                .get_balance(GetBalanceRequest { user_id: user.clone() })
                .await
                .map(drop),
            clients
                .profiles
                .clone()
                .get_profile(GetProfileRequest { user_id: user.clone() })
                .await
                .map(drop),
        ];
        seen.failures.extend(outcomes.into_iter().filter_map(Result::err));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_whatever_becomes_of_redis() {
    let (port, folder) = (free_port(), TempDir::new().unwrap());
    let server = redis(port, &folder);
    let setup =
        Setup::fresh().await.with(&format!("[redis]\nurl = \"redis://127.0.0.1:{port}/0\""));
    let running = setup.start().await;
    let clients = running.clients();
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let user = format!("user-{number}");
        let profile = Profile { user_id: user.clone(), ..Profile::default() };
        let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
        clients.profiles.clone().upsert_profile(request).await.unwrap();
        callers.push((user.clone(), tokio::spawn(caller(clients.clone(), user, stop.clone()))));
    }

    tokio::time::sleep(STATE).await;
    server.signal("STOP");
    tokio::time::sleep(STATE).await;
    server.signal("CONT");
    tokio::time::sleep(STATE).await;
    drop(server);
    tokio::time::sleep(STATE).await;
    let _again_and_empty = redis(port, &folder);
    tokio::time::sleep(STATE).await;
    stop.store(true, Ordering::Relaxed);

    let mut calls = 0;
    for (user, caller) in callers {
        let seen = caller.await.unwrap();
        assert!(seen.failures.is_empty(), "{user}: {:?}", seen.failures);
        let request = GetBalanceRequest { user_id: user.clone() };
        let balance = clients.points.clone().get_balance(request).await.unwrap().into_inner();
        assert_eq!(balance.balance.unwrap().spendable, seen.earned, "{user}");
        calls += seen.calls;
    }
    println!("{calls} calls, 0 failed");
    assert!(calls > 200, "only {calls} calls");
}

#[tokio::test]
async fn the_suite_starts_without_its_redis() {
    let url = format!("[redis]\nurl = \"redis://127.0.0.1:{}/0\"", free_port());
    let setup = Setup::fresh().await.with(&url);
    let running = setup.start().await;
    let earn = EarnRequest { user_id: "ada".into(), points: 5, ..EarnRequest::default() };
    running.clients().points.earn(earn).await.unwrap();
}
