#![doc = include_str!("../README.md")]

pub mod config;
pub mod domain;

mod check;
mod ids;
mod store;

mod app;
mod consumers;
mod grpc;
mod jobs;

pub use check::check;
pub use config::Config;
pub use store::migrations;

use crate::app::{App, Core, Intake};
use perennial_platform::error::Result;
use perennial_platform::host::Host;
use perennial_proto::feedback::v1::feedback_service_server::FeedbackServiceServer;
use perennial_proto::feedback::v1::insight_service_server::InsightServiceServer;
use perennial_proto::feedback::v1::ticket_service_server::TicketServiceServer;
use std::time::Duration;

/// Adds the service to a host: its database, services, jobs and consumers. Errors:
/// INVALID_ARGUMENT for settings that cannot be followed; UNAVAILABLE without a database.
pub async fn mount(config: Config, host: &mut Host) -> Result<()> {
    config.check()?;
    let db = host.database(&config.database, migrations).await?;
    let core = Core::new(db.clone(), host.clock(), host.vault(), &config);
    let intake = host.committer("feedback.intake", &db, Intake(core.clone()));
    let app = App { core: core.clone(), pages: host.pages(), intake };

    host.service(FeedbackServiceServer::new(grpc::Feedback(app.clone())));
    host.service(TicketServiceServer::new(grpc::Tickets(app.clone())));
    host.service(InsightServiceServer::new(grpc::Insight(app)));

    let every = Duration::from_secs(config.watch_every_seconds.max(1).into());
    let queue = core.clone();
    host.backlog("feedback.watch", move || {
        let queue = queue.clone();
        async move { queue.backlog().await }
    });
    host.job(&db, jobs::Watch { core: core.clone(), every });
    host.job(&db, jobs::Close(core.clone()));
    host.job(&db, jobs::Weekly(core.clone()));
    host.consumer(&db, consumers::Customers(core));
    Ok(())
}
