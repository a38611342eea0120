//! Whatever is sent: no handler fails inside, and the data stays sound.

use crate::world::World;
use chrono::TimeDelta;
use perennial_testkit::fuzz;

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let world = World::start().await;
    let channel = world.suite.channel();
    fuzz::break_nothing(&channel, "perennial.feedback.v1", async |_| {
        world.pass(TimeDelta::minutes(7));
        world.suite.settle().await;
    })
    .await;
    world.assert_sound().await;
}
