//! Callers in Python: the example as its page prints it, and what docs/clients.md promises of the
//! service config, seen with grpcio against the real binary.

mod caller;
mod gate;

use caller::{Caller, SERVICE_CONFIG, python};
use gate::{Fate, Gate};
use perennial_tests::workspace::root;
use perennial_tests::{Running, Setup};
use std::time::{Duration, Instant};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Loyalty, open to everybody.
async fn loyalty() -> (Setup, Running) {
    let setup = Setup::fresh().await.only("loyalty");
    let running = setup.start().await;
    (setup, running)
}

fn gate(running: &Running) -> Gate {
    let [_, _, loyalty, _] = running.channels();
    Gate::before(loyalty)
}

/// The content of the fenced blocks of this kind.
fn blocks(text: &str, kind: &str) -> String {
    let begin = format!("```{kind}\n");
    let parts = text.split(&begin).skip(1);
    parts.filter_map(|part| part.split_once("```").map(|(block, _)| block)).collect()
}

#[tokio::test]
async fn the_page_works_as_printed() {
    let page = std::fs::read_to_string(root().join("examples/python/README.md")).unwrap();
    let (setup, _running) = loyalty().await;
    let folder = tempfile::tempdir().unwrap();
    let lines = blocks(&page, "sh").replace(".tools/python", &folder.path().display().to_string());
    let output = python("bash", &setup).args(["-c", &lines]).output().unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, blocks(&page, "text"), "{errors}");
}

#[tokio::test]
async fn a_token_goes_along() {
    let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
    let setup = Setup::fresh().await.with(&format!(
        "[[auth.tokens]]\nname = \"shop\"\nsha256 = {sha256:?}\nscopes = [\"loyalty.points.*\"]\n"
    ));
    let _running = setup.start().await;
    let earn = |token: Option<&str>| {
        let mut command = python("python3", &setup);
        command.arg(root().join("examples/python/earn.py"));
        if let Some(token) = token {
            command.env("TOKEN", token);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let refused = earn(None);
    assert!(refused.contains("UNAUTHENTICATED CREDENTIALS_REQUIRED"), "{refused}");
    assert_eq!(earn(Some(&secret)), "earned 100\nbalance 100\n");
}

fn unavailable(pushback: Option<&'static str>) -> Fate {
    let mut status = Status::unavailable("as told");
    if let Some(pushback) = pushback {
        let pushback = MetadataValue::from_static(pushback);
        status.metadata_mut().insert("grpc-retry-pushback-ms", pushback);
    }
    Fate::Refused(status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_tried_four_times_while_unavailable() {
    let (_setup, running) = loyalty().await;
    let gate = gate(&running);
    let mut caller = Caller::of(&[&gate], SERVICE_CONFIG);
    gate.script((0..3).map(|_| unavailable(None)));
    assert_eq!(caller.earn("three-refused"), "OK new");
    assert_eq!(gate.attempts().len(), 4);
    // Another caller: this one has used up what it may retry.
    let mut caller = Caller::of(&[&gate], SERVICE_CONFIG);
    gate.script((0..4).map(|_| unavailable(None)));
    assert_eq!(caller.earn("four-refused"), "UNAVAILABLE as told");
    assert_eq!(gate.attempts().len(), 4);
    // The control: without the config there is one attempt.
    let mut plain = Caller::of(&[&gate], "{}");
    gate.script([unavailable(None)]);
    assert_eq!(plain.earn("plain"), "UNAVAILABLE as told");
    assert_eq!(gate.attempts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_that_the_server_names_is_kept() {
    let (_setup, running) = loyalty().await;
    let gate = gate(&running);
    let mut caller = Caller::of(&[&gate], SERVICE_CONFIG);
    // Longer than any first pause of the policy: 50 ms and the library's jitter.
    gate.script([unavailable(Some("700"))]);
    assert_eq!(caller.earn("later"), "OK new");
    let attempts = gate.attempts();
    assert_eq!(attempts.len(), 2);
    assert!(attempts[1] - attempts[0] >= Duration::from_millis(690), "{attempts:?}");
    gate.script([unavailable(Some("-1"))]);
    assert_eq!(caller.earn("never"), "UNAVAILABLE as told");
    assert_eq!(gate.attempts().len(), 1, "a negative pushback forbids it");
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_waited_out_by_the_caller_when_the_service_names_a_time() {
    let (_setup, running) = loyalty().await;
    let gate = gate(&running);
    let mut caller = Caller::of(&[&gate], SERVICE_CONFIG);
    let pause = Duration::from_millis(700);
    for code in [Code::ResourceExhausted, Code::Aborted] {
        let details = ErrorDetails::with_retry_info(Some(pause));
        gate.script([Fate::Refused(Status::with_error_details(code, "as told", details))]);
        assert_eq!(caller.earn(&format!("{code:?}")), "OK new");
        let attempts = gate.attempts();
        assert_eq!(attempts.len(), 2, "{code:?}");
        assert!(attempts[1] - attempts[0] >= pause, "{attempts:?}");
        gate.script([Fate::Refused(Status::new(code, "as told"))]);
        assert!(caller.earn(&format!("{code:?} for good")).ends_with("as told"));
        assert_eq!(gate.attempts().len(), 1, "{code:?} without a time is final");
    }
}

async fn balance(running: &Running) -> i64 {
    let request = perennial_proto::loyalty::v1::GetBalanceRequest { user_id: "ada".into() };
    let answer = running.clients().points.get_balance(request).await.unwrap().into_inner();
    answer.balance.unwrap().spendable
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_counts_once() {
    let (_setup, running) = loyalty().await;
    let gate = gate(&running);
    let mut caller = Caller::of(&[&gate], SERVICE_CONFIG);
    gate.script([Fate::AnswerLost, Fate::AnswerLost]);
    assert_eq!(caller.earn("order-1"), "OK replayed");
    assert_eq!(gate.attempts().len(), 3);
    assert_eq!(balance(&running).await, 1);
    // The control: without a request_id each attempt counts.
    gate.script([Fate::AnswerLost, Fate::AnswerLost]);
    assert_eq!(caller.earn(""), "OK new");
    assert_eq!(balance(&running).await, 1 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_stop_while_most_calls_fail() {
    let (_setup, running) = loyalty().await;
    let gate = gate(&running);
    let mut caller = Caller::of(&[&gate], SERVICE_CONFIG);
    gate.refuse_all(Status::unavailable("as told"));
    // Of ten tokens a failure takes one; at five there are no more retries.
    for expected in [4, 1, 1] {
        assert_eq!(caller.earn("refused"), "UNAVAILABLE as told");
        assert_eq!(gate.attempts().len(), expected);
    }
}

/// Calls until the second gate has been passed over this often in a row; false when it never was.
fn passed_over(caller: &mut Caller, gates: [&Gate; 2], patience: Duration) -> bool {
    let (until, mut calls) = (Instant::now() + patience, 0);
    let mut alone = 0;
    while alone < 20 && Instant::now() < until {
        calls += 1;
        assert!(caller.earn(&format!("after-{calls}")).starts_with("OK"));
        alone = if gates[1].attempts().is_empty() { alone + 1 } else { 0 };
    }
    alone == 20
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_stopping_gets_no_new_calls() {
    let (_setup, running) = loyalty().await;
    let without = SERVICE_CONFIG.replace("healthCheckConfig", "noHealthCheckConfig");
    for (config, patience, moves) in [
        (SERVICE_CONFIG, Duration::from_secs(30), true),
        // The control: nobody asks for health.
        (without.as_str(), Duration::from_secs(3), false),
    ] {
        let gates = [gate(&running), gate(&running)];
        let mut caller = Caller::of(&[&gates[0], &gates[1]], config);
        let until = Instant::now() + Duration::from_secs(30);
        while gates.iter().any(|gate| gate.attempts().is_empty()) {
            for n in 0..4 {
                assert!(caller.earn(&format!("before-{n}")).starts_with("OK"));
            }
            assert!(Instant::now() < until, "calls do not go to both");
        }
        gates[1].serve(false).await;
        assert_eq!(passed_over(&mut caller, [&gates[0], &gates[1]], patience), moves, "{config}");
    }
}
