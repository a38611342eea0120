//! Whatever is sent: no handler fails inside, and the data stays sound.

use crate::world::World;
use chrono::TimeDelta;
use perennial_proto::METHODS;
use perennial_testkit::{call, fuzz};
use tonic::Code;

const ROUNDS: u64 = 60;

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let world = World::start().await;
    let mut generator = fuzz::Generator::new(20_261_122);
    let ours = METHODS.iter().filter(|m| m.service.starts_with("perennial.feedback.v1."));
    let ours: Vec<_> = ours.collect();
    for _ in 0..ROUNDS {
        for method in &ours {
            let case = generator.case(method.input);
            match call::call(&world.suite.channel(), method, vec![case.clone()], None).await {
                Ok(answers) => answers.iter().for_each(|a| generator.learn(method.output, a)),
                Err(status) => {
                    let inside = matches!(status.code(), Code::Internal | Code::Unknown);
                    assert!(!inside, "{} answered {status:?} to {case:02x?}", method.path);
                }
            }
        }
        world.pass(TimeDelta::minutes(7));
        world.suite.settle().await;
    }
    world.assert_sound().await;
}
