//! The use cases: each opens its transaction, asks the domain, keeps the outcome.

mod complaints;
mod deciding;
mod facts;
mod figures;
mod lookup;
mod personal;
mod profiles;
mod recording;
mod rfm;
mod telling;

pub use complaints::ComplaintChange;
pub use figures::{Metrics, RetentionFigure};
pub use lookup::Live;
pub use profiles::{ProfileFilter, ProfileView, Upsert};
pub use recording::{ActivityKind, Outcome, Recorder};
pub use rfm::{Census, Population};

pub(crate) use facts::gather;

use crate::domain::evaluation::Evaluator;
use crate::domain::money::Currency;
use perennial_platform::clock::Clock;
use perennial_platform::db::Db;
use perennial_platform::page::Pages;
use perennial_platform::vault::Vault;
use std::sync::Arc;

/// The service's use cases over its database.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The service's own database.
    pub db: Db,
    /// The suite's clock.
    pub clock: Clock,
    /// Keys for personal data.
    pub vault: Vault,
    /// Page tokens.
    pub pages: Pages,
    /// Rules and calendar.
    pub evaluator: Arc<Evaluator>,
    /// Takes activities in.
    pub recorder: Recorder,
    /// Looks at the buyers.
    pub census: Census,
    /// Currency of RFM when none is named.
    pub home_currency: Currency,
}
