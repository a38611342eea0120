//! Whatever is sent: no handler fails inside, and the data stays sound.

use crate::fixture::World;
use chrono::TimeDelta;
use perennial_testkit::fuzz;

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let world = World::start().await;
    let channel = world.suite.channel();
    fuzz::break_nothing(&channel, "perennial.identity.v1", async |_| {
        world.suite.clock.advance(TimeDelta::hours(7));
        world.suite.settle().await;
    })
    .await;
    assert_eq!(world.violations().await, Vec::<String>::new());
}
