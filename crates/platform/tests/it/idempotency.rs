//! `once`: a write in a transaction of its own, at most once per request id.

use crate::tally;
use perennial_platform::db::{Db, Tx};
use perennial_platform::error::{Error, Result};
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::tasks::Tasks;
use perennial_platform::vault::Vault;
use perennial_platform::{Code, clock::Clock};
use perennial_proto::admin::v1::{AdvanceRequest, AdvanceResponse};
use perennial_testkit::TestDatabase;

fn key(id: &str) -> Option<Key> {
    let request = AdvanceRequest { request_id: id.to_owned(), ..Default::default() };
    Key::of("Advance", id, &request, &Vault::new(&[1; 32]).unwrap())
}

async fn work(tx: &Tx, outcome: Result<()>) -> Result<AdvanceResponse> {
    tally::add(tx, "a", 1).await?;
    outcome.map(|()| AdvanceResponse { work_done: 7, time: None })
}

async fn run(
    db: &Db,
    clock: &Clock,
    id: &str,
    outcome: Result<()>,
) -> Result<Reply<AdvanceResponse>> {
    once(db, clock, key(id), async |tx: &Tx| work(tx, outcome).await).await
}

#[tokio::test]
async fn executes_once_and_answers_the_same() {
    let test = TestDatabase::fresh().await;
    let (db, clock) = (tally::database(&test).await, tally::clock());
    let first = run(&db, &clock, "x", Ok(())).await.unwrap();
    let again = run(&db, &clock, "x", Ok(())).await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.value, again.value);
    assert_eq!(tally::count(&db, "a").await, 1);
}

#[tokio::test]
async fn a_refusal_undoes_its_writes_and_stays_a_refusal() {
    let test = TestDatabase::fresh().await;
    let (db, clock) = (tally::database(&test).await, tally::clock());
    let no = || Err(Error::precondition("NO", "by rule").with("left", 3));
    assert_eq!(run(&db, &clock, "x", no()).await.unwrap_err().reason(), "NO");
    // It would be allowed now; a retry must not change the outcome.
    let again = run(&db, &clock, "x", Ok(())).await.unwrap_err();
    assert_eq!((again.code(), again.reason()), (Code::FailedPrecondition, "NO"));
    assert_eq!(tally::count(&db, "a").await, 0);
}

#[tokio::test]
async fn what_says_nothing_about_the_request_is_not_remembered() {
    let test = TestDatabase::fresh().await;
    let (db, clock) = (tally::database(&test).await, tally::clock());
    for passing in [Error::unavailable("GONE", "x"), Error::internal("x"), Error::aborted("A", "x")]
    {
        assert!(run(&db, &clock, "x", Err(passing)).await.is_err());
    }
    assert!(!run(&db, &clock, "x", Ok(())).await.unwrap().replayed);
    assert_eq!(tally::count(&db, "a").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_twins_have_one_effect() {
    let test = TestDatabase::fresh().await;
    let (db, clock) = (tally::database(&test).await, tally::clock());
    let twins: Vec<_> = (0..8)
        .map(|_| {
            let (db, clock) = (db.clone(), clock.clone());
            Tasks::new().spawn(async move { run(&db, &clock, "x", Ok(())).await })
        })
        .collect();
    for twin in twins {
        match twin.await.unwrap() {
            Ok(reply) => assert_eq!(reply.value.work_done, 7),
            Err(error) => assert_eq!(error.code(), Code::Aborted),
        }
    }
    assert_eq!(tally::count(&db, "a").await, 1);
}

/// The twin that was faster did it; the slower one is refused because of that, and must still be
/// given the twin's answer.
#[tokio::test]
async fn a_refusal_caused_by_the_twin_is_answered_as_the_twin_was() {
    let test = TestDatabase::fresh().await;
    let (db, clock) = (tally::database(&test).await, tally::clock());
    let refused = || Error::already_exists("EXISTS", "the twin made it");
    let slow = once(&db, &clock, key("x"), async |tx: &Tx| {
        if db.engine() == perennial_platform::db::Engine::Postgres {
            run(&db, &clock, "x", Ok(())).await?;
        }
        work(tx, Err(refused())).await
    });
    match slow.await {
        Ok(reply) => assert!(reply.replayed && reply.value.work_done == 7),
        // SQLite has one writer: no twin can come in between.
        Err(error) => {
            assert_eq!(db.engine(), perennial_platform::db::Engine::Sqlite);
            assert_eq!(error.reason(), "EXISTS");
        }
    }
}
