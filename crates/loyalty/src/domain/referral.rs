//! Referrals (product row LY-6).

use serde::{Deserialize, Serialize};

/// What bringing somebody is worth, and when it counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReferralRules {}

impl ReferralRules {
    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        None
    }
}
