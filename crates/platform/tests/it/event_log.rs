//! The event log: in commit order, whoever writes; and the control that shows why it must be.

use crate::tally;
use perennial_platform::db::{Db, Engine};
use perennial_platform::events::LogService;
use perennial_platform::page::Pages;
use perennial_platform::tasks::Tasks;
use perennial_platform::vault::Vault;
use perennial_platform::wake::Wake;
use perennial_proto::events::v1::ReadRequest;
use perennial_proto::events::v1::event_log_service_server::EventLogService;
use perennial_testkit::TestDatabase;
use std::collections::BTreeSet;
use std::path::Path;
use tokio_stream::StreamExt;

const WRITERS: usize = 8;
const EACH: usize = 40;

fn log(db: &Db) -> LogService {
    let tasks = Tasks::new();
    let pages = Pages::new(Vault::new(&[1; 32]).unwrap());
    LogService::new("tally", db, pages, Wake::new(&tasks, None), tasks)
}

/// The subjects after a position, and the new position.
async fn read(log: &LogService, after: i64) -> (Vec<String>, i64) {
    let request = ReadRequest { after, ..ReadRequest::default() };
    let mut pages = log.read(tonic::Request::new(request)).await.unwrap().into_inner();
    let (mut subjects, mut position) = (Vec::new(), after);
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        subjects.extend(page.events.into_iter().map(|event| event.subject));
        position = page.position;
    }
    (subjects, position)
}

/// Writers beside a reader who only ever reads on. Returns what the reader never saw.
async fn missed(db: &Db, round: usize) -> Vec<String> {
    let log = log(db);
    let (_, start) = read(&log, 0).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let db = db.clone();
            Tasks::new().spawn(async move {
                for n in 0..EACH {
                    let tx = db.begin().await.unwrap();
                    tally::add(&tx, &format!("{round}-{writer}-{n}"), 1).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        })
        .collect();
    let mut seen = BTreeSet::new();
    let mut position = start;
    let mut done = false;
    while !done {
        done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let (subjects, next) = read(&log, position).await;
        for subject in subjects {
            assert!(seen.insert(subject), "an event was read twice");
        }
        position = next;
    }
    let all = (0..WRITERS).flat_map(|w| (0..EACH).map(move |n| format!("{round}-{w}-{n}")));
    all.filter(|subject| !seen.contains(subject)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_only_reads_on_sees_every_event_once() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    for round in 0..3 {
        assert_eq!(missed(&db, round).await, Vec::<String>::new());
    }
}

/// The control: without the lock that keeps appending commits in order, Postgres makes a lower
/// position visible after a higher one, and the reader misses it.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_order_of_commits_events_are_lost() {
    if TestDatabase::engine() != Engine::Postgres {
        return; // SQLite has one writer; there is no guard to switch off.
    }
    let test = TestDatabase::fresh().await;
    tally::database(&test).await;
    let db = Db::open_unordered("tally", &test.config(), Path::new("/nonexistent")).await.unwrap();
    let mut lost = 0;
    for round in 0..50 {
        lost += missed(&db, round).await.len();
        if lost > 0 {
            return;
        }
    }
    panic!("50 rounds without the guard lost nothing: the test above proves nothing");
}

#[tokio::test]
async fn filters_leave_out_but_the_position_goes_on() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let tx = db.begin().await.unwrap();
    tally::add(&tx, "a", 1).await.unwrap();
    tally::add(&tx, "b", 1).await.unwrap();
    tx.commit().await.unwrap();
    let log = log(&db);
    let request = ReadRequest { subject: "a".to_owned(), ..ReadRequest::default() };
    let mut pages = log.read(tonic::Request::new(request)).await.unwrap().into_inner();
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(page.position > page.events[0].position, "the last event was looked at as well");
}

#[tokio::test]
async fn an_undone_transaction_tells_nothing() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let tx = db.begin().await.unwrap();
    tally::add(&tx, "a", 1).await.unwrap();
    drop(tx);
    assert_eq!(read(&log(&db), 0).await.0, Vec::<String>::new());
}

#[tokio::test]
async fn a_position_beyond_the_end_is_told() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let request = ReadRequest { after: 7, ..ReadRequest::default() };
    let refused = log(&db).read(tonic::Request::new(request)).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange);
}
