#![doc = include_str!("../README.md")]

pub mod config;
pub mod domain;

pub mod app;
pub mod store;

pub mod consumers;
pub mod grpc;
pub mod jobs;

mod check;

pub use check::check;
pub use config::Config;
pub use store::migrations;

use app::{Census, Identity, Recorder};
use chrono::TimeDelta;
use grpc::{ActivityApi, InsightApi, ProfileApi, SegmentApi};
use perennial_platform::Result;
use perennial_platform::host::Host;
use perennial_proto::identity::v1::activity_service_server::ActivityServiceServer;
use perennial_proto::identity::v1::insight_service_server::InsightServiceServer;
use perennial_proto::identity::v1::profile_service_server::ProfileServiceServer;
use perennial_proto::identity::v1::segment_service_server::SegmentServiceServer;
use std::sync::Arc;
use std::time::Duration;

/// Puts the service on a host: its database, services, job and consumer. Errors: INVALID_ARGUMENT
/// for settings that make no sense; those of [`Host::database`].
pub async fn mount(config: Config, host: &mut Host) -> Result<()> {
    let evaluator = Arc::new(config.evaluator()?);
    let db = host.database(&config.database, store::migrations).await?;
    let recorder = Recorder {
        evaluator: Arc::clone(&evaluator),
        tolerance: TimeDelta::seconds(config.future_tolerance_seconds),
    };
    let tracker = host.committer("identity.track", &db, recorder.clone());
    let identity = Identity {
        db: db.clone(),
        clock: host.clock(),
        vault: host.vault(),
        pages: host.pages(),
        evaluator,
        recorder,
        census: Census::new(host.cache()),
        home_currency: config.home_currency,
    };
    host.service(ProfileServiceServer::new(ProfileApi(identity.clone())));
    host.service(ActivityServiceServer::new(ActivityApi { identity: identity.clone(), tracker }));
    host.service(SegmentServiceServer::new(SegmentApi(identity.clone())));
    host.service(InsightServiceServer::new(InsightApi(identity.clone())));
    host.consumer(&db, consumers::FollowFeedback { identity: identity.clone() });
    let every = Duration::from_millis(config.evaluate_every_milliseconds);
    let queue = identity.clone();
    host.backlog("identity.evaluate", move || {
        let queue = queue.clone();
        async move { queue.backlog().await }
    });
    host.job(&db, jobs::Evaluate { identity, every });
    Ok(())
}
