//! Sends what the generator makes, to every method of a service.

use super::Generator;
use crate::call::call;
use perennial_proto::METHODS;
use tonic::Code;
use tonic::transport::Channel;

/// The same in every run: what broke something breaks it again.
const SEED: u64 = 20_261_122;
/// How often every method is called.
const ROUNDS: u64 = 60;

/// Calls every method of a package ("perennial.loyalty.v1") with hostile requests, again and again;
/// answers teach the generator. `after` comes after each round, which it is told, counted from 1:
/// there time can pass and background work be done.
///
/// # Panics
/// When a handler fails inside instead of refusing.
pub async fn break_nothing(channel: &Channel, package: &str, mut after: impl AsyncFnMut(u64)) {
    let mut generator = Generator::new(SEED);
    let ours = |service: &str| service.strip_prefix(package).is_some_and(|s| s.starts_with('.'));
    let ours: Vec<_> = METHODS.iter().filter(|method| ours(method.service)).collect();
    assert!(!ours.is_empty(), "no methods in {package}");
    for round in 1..=ROUNDS {
        for method in &ours {
            let case = generator.case(method.input);
            match call(channel, method, vec![case.clone()], None).await {
                Ok(answers) => answers.iter().for_each(|a| generator.learn(method.output, a)),
                Err(status) => {
                    let inside = matches!(status.code(), Code::Internal | Code::Unknown);
                    assert!(!inside, "{} answered {status:?} to {case:02x?}", method.path);
                }
            }
        }
        after(round).await;
    }
}
