//! Tasks, streaks, challenges, badges and stamp cards (product rows LY-3, 4, 5 and 7).

use serde::{Deserialize, Serialize};

/// What members can do, and what it earns them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgressRules {}

impl ProgressRules {
    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        None
    }
}
