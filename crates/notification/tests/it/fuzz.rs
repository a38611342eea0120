//! Whatever is sent: no handler fails inside, and the data keep their rules.

use crate::world::World;
use chrono::TimeDelta;
use perennial_proto::METHODS;
use perennial_testkit::{call, fuzz};
use tonic::Code;

const ROUNDS: u64 = 60;

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let world = World::new().await;
    world.people.add("u1");
    let mut generator = fuzz::Generator::new(20_261_122);
    let ours: Vec<_> =
        METHODS.iter().filter(|m| m.service.starts_with("perennial.notification.v1.")).collect();
    for round in 0..ROUNDS {
        for method in &ours {
            let case = generator.case(method.input);
            match call::call(&world.suite.channel(), method, vec![case.clone()], None).await {
                Ok(answers) => {
                    for answer in &answers {
                        generator.learn(method.output, answer);
                    }
                }
                Err(status) => {
                    let inside = matches!(status.code(), Code::Internal | Code::Unknown);
                    assert!(!inside, "{} answered {status:?} to {case:02x?}", method.path);
                }
            }
        }
        if round % 10 == 9 {
            world.suite.advance(TimeDelta::days(2), TimeDelta::hours(6)).await;
        }
    }
    assert_eq!(world.check().await, Vec::<String>::new());
}
