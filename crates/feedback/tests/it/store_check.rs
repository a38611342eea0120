//! The operator's check finds what is broken, and only that.

use crate::world::{World, complaint};
use chrono::TimeDelta;
use perennial_feedback::{Config, check};
use perennial_proto::feedback::v1::{AuthorKind, Channel};
use sea_orm::ConnectionTrait;

/// A world with a bit of everything in it.
async fn busy() -> World {
    let mut world = World::start().await;
    let id = world.submit(complaint("li", Channel::Chat)).await.ticket_id;
    world.pass(TimeDelta::minutes(20));
    world.respond(&id, AuthorKind::Human).await;
    world.open("wang", Channel::Form).await;
    world.suite.settle().await;
    world.assert_sound().await;
    world
}

#[tokio::test]
async fn every_kind_of_damage_is_named() {
    let damages = [
        ("UPDATE tickets SET state = 5 WHERE user_id = 'li'", "its row"),
        ("UPDATE clocks SET breached = TRUE WHERE outcome = 1", "its clocks"),
        ("DELETE FROM clocks WHERE kind = 3", "its clocks"),
        ("UPDATE feedback SET user_id = 'zhao' WHERE user_id = 'li'", "another user"),
        ("DELETE FROM feedback WHERE user_id = 'zhao'", "has no feedback"),
        ("DELETE FROM tickets WHERE user_id = 'wang'", "has no ticket"),
        ("UPDATE customers SET data_key = NULL", "without a key"),
        (
            "UPDATE ticket_events SET kind = 4, instance = NULL WHERE kind = 15",
            "no breach was told",
        ),
    ];
    let world = busy().await;
    for (damage, named) in damages {
        let db = world.database().await;
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(damage).await.unwrap();
        tx.commit().await.unwrap();
        let found = check(&Config::default(), &db, world.suite.clock.now()).await.unwrap();
        assert!(found.iter().any(|text| text.contains(named)), "{damage}: {found:?}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_start_leaves_nothing_to_migrate() {
    // Every column is read and written by the other tests; here: nothing is left to migrate.
    let world = World::start().await;
    let db = world.database().await;
    assert!(db.pending(perennial_feedback::migrations).await.unwrap().is_empty());
    db.close().await;
}
