//! Membership plans (product row LY-8).

use serde::{Deserialize, Serialize};

/// The plans on offer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanRules {}

impl PlanRules {
    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        None
    }
}
