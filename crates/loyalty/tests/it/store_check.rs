//! The operator's check finds what somebody's hand in the tables has broken.

use crate::fixture::Service;
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::{EarnRequest, HoldRequest, ReverseRequest};
use sea_orm::ConnectionTrait;

/// A service with a bit of everything, and the findings after a statement was run by hand.
async fn after(statement: &str) -> Vec<String> {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.suite.settle().await;
    service.earn("bob", 10).await;
    let spent = service.spend("ann", 8).await.unwrap();
    let request = HoldRequest { user_id: "bob".to_owned(), points: 5, ..Default::default() };
    service.points().hold(request).await.unwrap();
    let request = ReverseRequest { entry_id: spent.entry_id, points: 3, ..Default::default() };
    service.points().reverse(request).await.unwrap();
    let expire_time = Some(time::to_proto(service.now() + TimeDelta::days(1)));
    let (user_id, points) = ("cid".to_owned(), 3);
    let request = EarnRequest { user_id, points, expire_time, ..Default::default() };
    service.points().earn(request).await.unwrap();
    service.suite.clock.advance(TimeDelta::days(2));
    service.suite.settle().await;
    assert_eq!(service.check().await, Vec::<String>::new());
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared(statement).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    service.check().await
}

/// What was done by hand, and every invariant that the check then finds broken.
const TABLE: [(&str, &[&str]); 14] = [
    (
        "UPDATE members SET available = available + 1 WHERE user_id = 'ann'",
        &["I1", "I12", "I4", "I5"],
    ),
    ("UPDATE members SET issued = issued + 1, redeemed = redeemed + 1", &["I12"]),
    (
        "UPDATE entries SET available = -700, redeemed = 700 WHERE seq = 3",
        &["I11", "I12", "I3", "I6"],
    ),
    ("UPDATE lots SET remaining = amount WHERE user_id = 'ann'", &["I5"]),
    ("UPDATE allocations SET points = points + 1 WHERE entry_seq = 3", &["I11", "I13", "I5", "I6"]),
    ("UPDATE entries SET source_event_id = 'p2' WHERE seq = 1", &["I11", "I7"]),
    ("UPDATE holds SET state = 3", &["I9"]),
    ("UPDATE holds SET points = 4", &["I9"]),
    ("UPDATE entries SET points = 9 WHERE kind = 9", &["I10", "I11"]),
    ("UPDATE entries SET reason = 'x' WHERE kind = 6", &["I11"]),
    ("DELETE FROM entries WHERE seq = 4", &["I11", "I12", "I3", "I6", "I9"]),
    ("UPDATE lots SET expires_at = earned_at WHERE user_id = 'bob'", &["I12"]),
    ("UPDATE entries SET reason = '' WHERE kind = 7", &["I11", "I14"]),
    ("UPDATE standings SET tier = 4", &["I15"]),
];

#[tokio::test]
async fn each_invariant_is_found_when_it_is_broken_and_no_other() {
    for (statement, broken) in TABLE {
        let found = after(statement).await;
        let mut ids: Vec<&str> = found.iter().filter_map(|f| f.split(':').next()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, broken, "{statement}: {found:#?}");
    }
}

#[tokio::test]
async fn unbalanced_legs_are_refused_by_the_table_itself() {
    let service = Service::start().await;
    service.earn("ann", 10).await;
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    assert!(tx.execute_unprepared("UPDATE entries SET available = 11").await.is_err());
    tx.rollback().await.unwrap();
    db.close().await;
}
