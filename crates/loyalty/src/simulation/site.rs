//! One process of the service: its database, its line of postings, its calls, jobs and consumer.

use super::trap::Trap;
use crate::app::App;
use crate::app::ledger::Posting;
use crate::app::quotas::Claiming;
use crate::app::rulebook::Rulebook;
use crate::app::snapshots::Snapshots;
use crate::config::Config;
use crate::grpc::{Benefits, Points, Tiers};
use crate::jobs::Activities;
use perennial_platform::Result;
use perennial_platform::clock::Clock;
use perennial_platform::commit::Committer;
use perennial_platform::db::Db;
use perennial_platform::events::Consumer as _;
use perennial_platform::gather::Gather;
use perennial_platform::page::Pages;
use perennial_platform::tasks::Tasks;
use perennial_platform::vault::Vault;
use perennial_proto::events::v1::Event;
use std::path::Path;
use std::sync::Arc;

/// The key under which request ids are told apart; the same for all replicas.
const MASTER: [u8; 32] = [7; 32];

/// A process.
pub(super) struct Site {
    pub(super) db: Db,
    pub(super) app: App,
    pub(super) points: Points,
    pub(super) tiers: Tiers,
    pub(super) benefits: Benefits,
    pub(super) trap: Arc<Trap>,
    activities: Activities,
    tasks: Tasks,
}

impl Site {
    /// Starts a process on the database, whose tables are there.
    pub(super) async fn open(config: &Config, folder: &Path, clock: &Clock) -> Result<Self> {
        let trap = Arc::new(Trap::default());
        let faults = Arc::clone(&trap);
        let db = Db::open_with_faults("loyalty", &config.database, folder, faults).await?;
        let vault = Vault::new(&MASTER)?;
        let rules = Arc::new(Rulebook::open(&db, clock.now(), config).await?);
        let tasks = Tasks::new();
        let posting = Posting { rules: Arc::clone(&rules) };
        let claiming = Claiming { rules: Arc::clone(&rules) };
        let (of, at) = (db.clone(), clock.clone());
        let snapshots = Snapshots { db: of, clock: at, rules: Arc::clone(&rules) };
        let app = App {
            ledger: Committer::start(&tasks, clock, &db, "simulation", posting),
            claims: Committer::start(&tasks, clock, &db, "simulated claims", claiming),
            clock: clock.clone(),
            pages: Pages::new(vault.clone()),
            vault,
            snapshots: Gather::start(&tasks, snapshots),
            rules: Arc::clone(&rules),
            db: db.clone(),
        };
        app.apply_notice_setting().await?;
        Ok(Self {
            db,
            points: Points { app: app.clone() },
            tiers: Tiers { app: app.clone() },
            benefits: Benefits { app: app.clone() },
            app,
            trap,
            activities: Activities { rules },
            tasks,
        })
    }

    /// Ends the process, with whatever it was doing.
    pub(super) async fn end(self) {
        let Self { db, app, points, tiers, benefits, tasks, .. } = self;
        drop((app, points, tiers, benefits));
        tasks.stop();
        tasks.ended().await;
        db.close().await;
    }

    /// Hands an event of identity's log to the consumer, as the platform does.
    pub(super) async fn deliver(&self, event: &Event) -> Result<()> {
        let now = self.app.now();
        let tx = self.db.begin().await?;
        self.activities.handle(&tx, now, event).await?;
        tx.commit().await
    }
}
