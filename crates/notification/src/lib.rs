//! What customers are told, when, and how often.
//!
#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
mod consumers;
mod delivery;
pub mod domain;
mod grpc;
mod jobs;
pub mod store;

pub use app::check;
pub use config::Config;
pub use store::migrations::migrations;

use app::render::Renderer;
use app::{App, Planning, Profiles};
use consumers::{Feedback, Identity, Loyalty};
use delivery::Delivery;
use jobs::{Dispatch, Remind};
use perennial_platform::Result;
use perennial_platform::events::Peer;
use perennial_platform::host::Host;
use std::sync::Arc;
use std::time::Duration;

/// Puts the service together on `host`. Errors: INVALID_ARGUMENT with every setting that is
/// wrong; those of opening the database.
pub async fn mount(config: Config, host: &mut Host) -> Result<()> {
    assemble(config, host).await.map(drop)
}

/// As [`mount`]; also hands out the use cases, for tools and tests that work beside the server.
pub async fn assemble(config: Config, host: &mut Host) -> Result<App> {
    let rules = Arc::new(config::Rules::of(&config)?);
    let db = host.database(&config.database, migrations).await?;
    let app = App {
        db: db.clone(),
        clock: host.clock(),
        vault: host.vault(),
        pages: host.pages(),
        wake: host.wake(),
        rules,
        profiles: Profiles::new(host.peer(Peer::Identity)),
        renderer: Renderer::new(),
    };
    app.seed().await?;
    let delivery = Arc::new(Delivery::new(app.clone(), &config)?);
    let planner = host.committer("notification.plan", &db, Planning(app.clone()));
    grpc::serve(host, &app, planner);

    host.consumer(&db, Identity { app: app.clone(), folder: delivery.folder() });
    host.consumer(&db, Feedback { app: app.clone() });
    host.consumer(&db, Loyalty { app: app.clone() });
    let every = Duration::from_millis(config.dispatch.every_ms);
    host.job(&db, Remind { app: app.clone(), every });
    let queue = app.clone();
    host.backlog(app::DISPATCH, move || {
        let queue = queue.clone();
        async move { queue.backlog().await }
    });
    let concurrency = usize::try_from(config.dispatch.concurrency.max(1)).unwrap_or(1);
    let stopping = host.stopping();
    host.job(&db, Dispatch { app: app.clone(), delivery, every, concurrency, stopping });
    Ok(app)
}
