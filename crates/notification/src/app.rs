//! Use cases, one method each: they open transactions, ask the domain, and write what it says.

mod check;
mod erase;
mod explain;
mod facts;
mod figures;
mod inbox;
mod manage;
mod plan;
mod preferences;
mod present;
mod profiles;
mod queue;
pub mod render;
mod report;
mod shipped;
mod templates;
mod triggers;
mod unsubscribe;

pub use check::check;
pub use explain::Explained;
pub use inbox::InboxPage;
pub use plan::{Plan, Planning};
pub use preferences::{PreferenceChange, Preferences};
pub use profiles::{Profile, Profiles};
pub use queue::{Ended, Handover, Refused};
pub use triggers::Happening;

use crate::config::Rules;
use perennial_platform::clock::Clock;
use perennial_platform::db::Db;
use perennial_platform::id::{Id, Kind};
use perennial_platform::page::Pages;
use perennial_platform::vault::Vault;
use perennial_platform::wake::Wake;
use render::Renderer;
use std::sync::Arc;

/// Name of the job that works off due messages.
pub const DISPATCH: &str = "notification.dispatch";

/// Names a notification: "ntf_...".
pub struct Ntf;

impl Kind for Ntf {
    const PREFIX: &'static str = "ntf";
}

/// Id of a notification.
pub type NotificationId = Id<Ntf>;

/// The service's use cases. Clones share everything.
#[derive(Clone)]
pub struct App {
    /// Its tables.
    pub db: Db,
    /// The suite's time.
    pub clock: Clock,
    /// Keys for tokens and tombstones.
    pub vault: Vault,
    /// Page tokens.
    pub pages: Pages,
    /// Wakes the job that works off due messages.
    pub wake: Wake,
    /// What decisions are made by.
    pub rules: Arc<Rules>,
    /// Names, addresses, zones: asked from identity.
    pub profiles: Profiles,
    /// Template engine.
    pub renderer: Renderer,
}

impl App {
    /// Lets due messages be worked off at once rather than when the job looks by itself. To be
    /// called after the commit that made something due: whoever looks before finds nothing.
    pub(crate) fn wake_dispatch(&self) {
        self.wake.notify(&format!("job:{DISPATCH}"));
    }

    /// The keyed hash under which an erased user is remembered.
    pub(crate) fn tombstone(&self, user_id: &str) -> String {
        hex::encode(self.vault.lookup_hash("notification.erased", user_id))
    }
}
