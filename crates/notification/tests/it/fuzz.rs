//! Whatever is sent: no handler fails inside, and the data keep their rules.

use crate::world::World;
use chrono::TimeDelta;
use perennial_testkit::fuzz;

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let world = World::new().await;
    world.people.add("u1");
    let channel = world.suite.channel();
    fuzz::break_nothing(&channel, "perennial.notification.v1", async |round| {
        if round % 10 == 0 {
            world.suite.advance(TimeDelta::days(2), TimeDelta::hours(6)).await;
        }
    })
    .await;
    assert_eq!(world.check().await, Vec::<String>::new());
}
