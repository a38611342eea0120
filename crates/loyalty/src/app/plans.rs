//! Membership plans: subscriptions, their charges, and who has access to what.

use crate::domain::reward::Span;
use crate::domain::{Grant, Programme, Time};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Adds time of a plan that was given, at the end of what the member has. The caller has locked
/// the ledger's head.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn give_time(
    _: &Tx,
    _: &Programme,
    _: Time,
    _: &Grant,
    _: &str,
    _: Span,
) -> Result<bool> {
    Ok(false)
}

/// Takes back what is left of such time.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn take_time(_: &Tx, _: &Programme, _: Time, _: &Grant) -> Result<()> {
    Ok(())
}

/// Ends what an erased person had.
#[expect(clippy::unused_async, reason = "nothing is kept yet")]
pub(crate) async fn forget(_: &Tx, _: &Programme, _: Time, _: &str) -> Result<()> {
    Ok(())
}
