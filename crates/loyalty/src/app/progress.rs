//! Tasks, streaks, challenges, badges and stamp cards: what members do, followed and rewarded.

use super::activities::Activity;
use crate::domain::{Grant, Programme, Time};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Counts an activity. The caller has locked the ledger's head.
#[expect(clippy::unused_async, reason = "counts nothing yet")]
pub(crate) async fn follow(_: &Tx, _: &Programme, _: Time, _: &Activity) -> Result<()> {
    Ok(())
}

/// Hands a badge over.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn give_badge(_: &Tx, _: Time, _: &Grant, _: &str) -> Result<bool> {
    Ok(false)
}

/// Takes a badge back.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn take_badge(_: &Tx, _: Time, _: &Grant) -> Result<()> {
    Ok(())
}

/// Drops what an erased person did.
#[expect(clippy::unused_async, reason = "nothing is kept yet")]
pub(crate) async fn forget(_: &Tx, _: &str) -> Result<()> {
    Ok(())
}
