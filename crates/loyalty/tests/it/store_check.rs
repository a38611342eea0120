//! The operator's check finds what somebody's hand in the tables has broken.

use crate::fixture::Service;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::HoldRequest;
use sea_orm::ConnectionTrait;

/// A service with a bit of everything, and the findings after a statement was run by hand.
async fn after(statement: &str) -> Vec<String> {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.suite.settle().await;
    service.earn("bob", 10).await;
    service.spend("ann", 100).await.unwrap();
    let request = HoldRequest { user_id: "bob".to_owned(), points: 5, ..Default::default() };
    service.points().hold(request).await.unwrap();
    assert_eq!(service.check().await, Vec::<String>::new());
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared(statement).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    service.check().await
}

fn names(findings: &[String], invariant: &str) -> bool {
    findings.iter().any(|finding| finding.starts_with(&format!("{invariant}:")))
}

#[tokio::test]
async fn points_out_of_nowhere() {
    let found = after("UPDATE members SET available = available + 1 WHERE user_id = 'ann'").await;
    assert!(names(&found, "I12") && names(&found, "I4"), "{found:?}");
}

#[tokio::test]
async fn a_lot_refilled() {
    let found = after("UPDATE lots SET remaining = amount WHERE user_id = 'ann'").await;
    assert!(names(&found, "I5"), "{found:?}");
}

#[tokio::test]
async fn an_entry_deleted() {
    let found = after("DELETE FROM entries WHERE seq = 2").await;
    assert!(names(&found, "I11") && names(&found, "I12"), "{found:?}");
}

#[tokio::test]
async fn an_entry_changed() {
    let found = after("UPDATE entries SET available = -90, redeemed = 90 WHERE kind = 2").await;
    assert!(names(&found, "I6") && names(&found, "I11"), "{found:?}");
}

#[tokio::test]
async fn a_hold_closed_without_an_entry() {
    let found = after("UPDATE holds SET state = 3").await;
    assert!(names(&found, "I9"), "{found:?}");
}

#[tokio::test]
async fn a_tier_given_away() {
    let found = after("UPDATE standings SET tier = 4").await;
    assert!(names(&found, "I15"), "{found:?}");
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
