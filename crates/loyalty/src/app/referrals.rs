//! Referrals: who brought whom, when it counts, and what it earns.

use super::activities::Activity;
use crate::domain::{Programme, Time};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Takes note of a friend's purchase or refund. The caller has locked the ledger's head.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn follow(_: &Tx, _: &Programme, _: Time, _: &Activity) -> Result<()> {
    Ok(())
}

/// Drops what is held about an erased person.
#[expect(clippy::unused_async, reason = "nothing is kept yet")]
pub(crate) async fn forget(_: &Tx, _: &str) -> Result<()> {
    Ok(())
}
