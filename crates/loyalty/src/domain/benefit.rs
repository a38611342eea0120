//! Coupons, the catalogue, scarce benefits, charity and feature unlocks (product rows LY-9, 11, 12, 14).

use serde::{Deserialize, Serialize};

/// What can be had beside points.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BenefitRules {}

impl BenefitRules {
    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        None
    }
}
