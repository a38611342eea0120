//! Coupons, the catalogue, scarce benefits, charity and feature unlocks.

use super::activities::Activity;
use crate::domain::reward::Span;
use crate::domain::{Grant, Programme, Time};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Sets aside what a purchase gives to charity, and takes it back with a refund. The caller has
/// locked the ledger's head.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn follow(_: &Tx, _: &Programme, _: Time, _: &Activity) -> Result<()> {
    Ok(())
}

/// Hands a coupon over.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn give_coupon(
    _: &Tx,
    _: &Programme,
    _: Time,
    _: &Grant,
    _: &str,
) -> Result<bool> {
    Ok(false)
}

/// Takes a coupon back that was not used.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn take_coupon(_: &Tx, _: Time, _: &Grant) -> Result<()> {
    Ok(())
}

/// Opens a feature.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn unlock(
    _: &Tx,
    _: &Programme,
    _: Time,
    _: &Grant,
    _: &str,
    _: Span,
) -> Result<bool> {
    Ok(false)
}

/// Closes what a grant opened.
#[expect(clippy::unused_async, reason = "there are none yet")]
pub(crate) async fn lock(_: &Tx, _: Time, _: &Grant) -> Result<()> {
    Ok(())
}

/// Drops what is held for an erased person.
#[expect(clippy::unused_async, reason = "nothing is kept yet")]
pub(crate) async fn forget(_: &Tx, _: &str) -> Result<()> {
    Ok(())
}
