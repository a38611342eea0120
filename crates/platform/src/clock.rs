//! The suite's time: the system's, or moved by hand in tests and simulations.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{Arc, PoisonError, RwLock};

/// Tells the time. Clones share it.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<RwLock<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(RwLock::new(start.trunc_subsecs(6)))))
    }

    /// Now, to the microsecond (what both databases keep).
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Manual(time) => *time.read().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Whether it can be moved.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Sets a manual clock; the system's is left alone.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Manual(time) = &self.0 {
            *time.write().unwrap_or_else(PoisonError::into_inner) = to.trunc_subsecs(6);
        }
    }

    /// Moves a manual clock forward.
    pub fn advance(&self, by: TimeDelta) {
        self.set(self.now() + by);
    }
}
