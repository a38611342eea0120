//! `perennial health`: the exit code that a container runtime or a supervisor asks for, in an image
//! that has no shell and no other client.

use crate::cli;
use crate::client::caller;
use std::process::ExitCode;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Asks, prints the answer, and succeeds when it is "serving". Needs no token: health is open.
pub async fn run(options: &cli::Health) -> anyhow::Result<ExitCode> {
    let mut client = HealthClient::new(caller(&options.address, None).await?);
    let answer = client.check(HealthCheckRequest::default()).await?.into_inner();
    let serving = answer.status() == ServingStatus::Serving;
    println!("{}", if serving { "serving" } else { "not serving" });
    Ok(if serving { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
