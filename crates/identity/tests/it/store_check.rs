//! The check finds what should not be.

use crate::fixture::{World, activity, profile};
use perennial_proto::identity::v1::{ActivityKind, Profile};
use sea_orm::ConnectionTrait as _;

#[tokio::test]
async fn the_check_finds_what_was_tampered_with() {
    let world = World::start().await;
    world.upsert(Profile { email: "li@example.cn".into(), ..profile("li") }).await;
    world.track(vec![activity("li", ActivityKind::Purchase, world.now(), "1")]).await;
    world.suite.settle().await;
    assert_eq!(world.violations().await, Vec::<String>::new());

    let tampered = [
        ("UPDATE user_days SET own = own + 1", "day tile"),
        ("UPDATE spend_days SET paid = paid - 1", "spending tile"),
        ("UPDATE users SET purchases = 7", "counters"),
        ("DELETE FROM memberships", "segments, grade or stage"),
        (
            "INSERT INTO complaints VALUES ('t', 'li', true, '2026-01-05 00:00:00+00:00')",
            "counters",
        ),
    ];
    for (statement, expected) in tampered {
        let db = world.db().await;
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(statement).await.unwrap();
        tx.commit().await.unwrap();
        let found = world.violations().await;
        assert!(found.iter().any(|line| line.contains(expected)), "{statement}: {found:?}");
    }
}
