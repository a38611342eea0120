//! A user as the service keeps them: what is known, what was decided, when to decide again.

use crate::domain::evaluation::Verdict;
use crate::domain::facts::Standing;
use crate::domain::risk::{Grade, SignalSet};
use crate::domain::stage::Stage;
use chrono::{DateTime, Utc};

/// A user, or the tombstone of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The caller's id of the user.
    pub user_id: String,
    /// What is known.
    pub standing: Standing,
    /// The latest erasure; stays when the user registers again.
    pub erase_time: Option<DateTime<Utc>>,
    /// Erased and not registered again.
    pub erased: bool,
    /// Churn grade last told.
    pub grade: Grade,
    /// Signals last seen.
    pub signals: SignalSet,
    /// Journey stage last told.
    pub stage: Stage,
    /// When to evaluate again; `None`: nothing changes by itself any more.
    pub next_change_time: Option<DateTime<Utc>>,
}

impl User {
    /// One of whom nothing is known, to be evaluated at once.
    pub fn new(user_id: &str, now: DateTime<Utc>) -> Self {
        Self {
            user_id: user_id.to_owned(),
            standing: Standing::new(now),
            erase_time: None,
            erased: false,
            grade: Grade::None,
            signals: SignalSet::default(),
            stage: Stage::Reach,
            next_change_time: Some(now),
        }
    }

    /// What is left of a user who is forgotten.
    #[must_use]
    pub fn tombstone(&self, now: DateTime<Utc>) -> Self {
        let blank = Self::new(&self.user_id, now);
        Self { erase_time: Some(now), erased: true, next_change_time: None, ..blank }
    }

    /// One who registers again after having been forgotten.
    #[must_use]
    pub fn reborn(&self, now: DateTime<Utc>) -> Self {
        Self { erase_time: self.erase_time, ..Self::new(&self.user_id, now) }
    }

    /// Nothing from before an erasure comes back, nor anything while erased.
    pub fn forgets(&self, occur_time: DateTime<Utc>) -> bool {
        self.erased || self.erase_time.is_some_and(|erased| occur_time < erased)
    }

    /// Keeps a new verdict.
    pub fn settle(&mut self, verdict: Verdict, next_change: Option<DateTime<Utc>>) {
        self.grade = verdict.grade;
        self.signals = verdict.signals;
        self.stage = verdict.stage;
        self.next_change_time = next_change;
    }
}
