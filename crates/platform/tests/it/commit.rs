//! Group commit: many callers, one transaction, each its own answer.

use crate::tally::{self, Tally};
use perennial_platform::Code;
use perennial_platform::commit::Committer;
use perennial_platform::idempotency::Key;
use perennial_platform::tasks::Tasks;
use perennial_platform::vault::Vault;
use perennial_proto::admin::v1::AdvanceRequest;
use perennial_testkit::TestDatabase;
use std::sync::atomic::Ordering;

fn key(id: &str, steps: i64) -> Option<Key> {
    let request =
        AdvanceRequest { request_id: id.to_owned(), step_seconds: steps, ..Default::default() };
    let vault = Vault::new(&[1; 32]).unwrap();
    Key::of("Advance", &request.request_id, &request, &vault)
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_commands_share_batches_and_none_is_lost() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let tally = Tally::default();
    let committer = Committer::start(&Tasks::new(), &tally::clock(), &db, "tally", tally.clone());
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let committer = committer.clone();
            Tasks::new().spawn(async move { committer.submit(None, "hot".to_owned()).await })
        })
        .collect();
    for caller in callers {
        assert!(!caller.await.unwrap().unwrap().replayed);
    }
    assert_eq!(tally::count(&db, "hot").await, 200);
    let batches = tally.batches.load(Ordering::SeqCst);
    assert!(batches < 200, "200 commands took {batches} transactions");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_command_fails_alone() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let committer =
        Committer::start(&Tasks::new(), &tally::clock(), &db, "tally", Tally::default());
    for bad in ["refused", "broken", "panic"] {
        let names = ["a", bad, "b"];
        let commands = names.iter().map(|name| (None, (*name).to_owned())).collect();
        let answers = committer.submit_many(commands).await;
        assert!(answers[0].is_ok() && answers[2].is_ok(), "{bad}: {answers:?}");
        let expected = if bad == "refused" { Code::FailedPrecondition } else { Code::Internal };
        assert_eq!(answers[1].as_ref().unwrap_err().code(), expected);
    }
    assert_eq!((tally::count(&db, "a").await, tally::count(&db, "b").await), (3, 3));
}

/// On one thread the line waits until all are handed in, so that they make one batch.
#[tokio::test]
async fn a_bad_command_among_many_is_found_by_halving() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let tally = Tally::default();
    let committer = Committer::start(&Tasks::new(), &tally::clock(), &db, "tally", tally.clone());
    let names = (0..64).map(|n| if n == 37 { "broken" } else { "a" });
    let answers = committer.submit_many(names.map(|name| (None, name.to_owned())).collect()).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_err(), n == 37, "{n}: {answer:?}");
    }
    assert_eq!(tally::count(&db, "a").await, 63);
    // All, then two halves of each part that fails: 64, 32, 16, 8, 4 and 2 commands.
    assert_eq!(tally.batches.load(Ordering::SeqCst), 13);
}

#[tokio::test]
async fn what_failed_is_not_tried_again_for_callers_who_left() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let committer =
        Committer::start(&Tasks::new(), &tally::clock(), &db, "tally", Tally::default());
    for (stays, carried_out) in [(false, false), (true, true)] {
        let id = format!("stays {stays}");
        let mut leaving = Box::pin(committer.submit(key(&id, 0), id.clone()));
        let mut bad = Box::pin(committer.submit(None, "broken".to_owned()));
        assert!(futures::poll!(leaving.as_mut()).is_pending());
        assert!(futures::poll!(bad.as_mut()).is_pending());
        // Here the line takes both.
        tokio::task::yield_now().await;
        drop(bad);
        if stays {
            assert!(leaving.await.is_ok());
        } else {
            drop(leaving);
        }
        let again = committer.submit(key(&id, 0), id.clone()).await.unwrap();
        assert_eq!(again.replayed, carried_out, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_has_one_effect_and_one_answer() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let committer =
        Committer::start(&Tasks::new(), &tally::clock(), &db, "tally", Tally::default());
    // Twins in one batch, then once more later.
    let twins = (0..3).map(|_| (key("one", 0), "a".to_owned())).collect();
    let answers = committer.submit_many(twins).await;
    let replayed: Vec<_> = answers.iter().map(|a| a.as_ref().unwrap().replayed).collect();
    assert_eq!(replayed, [false, true, true]);
    assert!(committer.submit(key("one", 0), "a".to_owned()).await.unwrap().replayed);
    assert_eq!(tally::count(&db, "a").await, 1);
    // The same id for another request names the field that differs.
    let other = committer.submit(key("one", 9), "a".to_owned()).await.unwrap_err();
    assert_eq!((other.code(), other.reason()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert!(other.message().contains("step_seconds"), "{other}");
    // A refusal is remembered as well.
    let first = committer.submit(key("no", 0), "refused".to_owned()).await.unwrap_err();
    let again = committer.submit(key("no", 0), "refused".to_owned()).await.unwrap_err();
    assert_eq!((first.code(), first.reason()), (again.code(), again.reason()));
    // A bug is not: the same id may be tried again once it is mended.
    assert!(committer.submit(key("bug", 0), "broken".to_owned()).await.is_err());
    assert!(!committer.submit(key("bug", 0), "a".to_owned()).await.unwrap().replayed);
}

#[tokio::test]
async fn a_command_is_carried_out_unless_its_caller_leaves_before_its_turn() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let committer =
        Committer::start(&Tasks::new(), &tally::clock(), &db, "tally", Tally::default());
    for (name, turns, carried_out) in [("early", 0, false), ("late", 1, true)] {
        // Polled once, so that the command is handed in. There is one thread: the line takes it when
        // this test yields.
        let mut leaving = Box::pin(committer.submit(key(name, 0), name.to_owned()));
        assert!(futures::poll!(leaving.as_mut()).is_pending());
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        drop(leaving);
        let again = committer.submit(key(name, 0), name.to_owned()).await.unwrap();
        assert_eq!(again.replayed, carried_out, "{name}");
        assert_eq!(tally::count(&db, name).await, 1);
    }
}
