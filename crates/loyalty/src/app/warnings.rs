//! What became of the warnings: notification's log says it.

use super::ledger;
use crate::domain::{Notice, Programme, Time};
use crate::store::{head, lots, warnings};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use uuid::Uuid;

/// What notification tells about a message that answered one of our warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The event that told the warning.
    pub(crate) event: Uuid,
    /// What became of the message.
    pub(crate) notice: Notice,
    /// When.
    pub(crate) at: Time,
}

/// Takes it in. A message that answered something else, or a date that has changed since, changes
/// nothing.
pub(crate) async fn take_in(tx: &Tx, programme: &Programme, now: Time, heard: Heard) -> Result<()> {
    let Some(warning) = warnings::find(tx, heard.event).await? else { return Ok(()) };
    head::lock(tx).await?;
    if heard.notice == Notice::HandedOver {
        warnings::handed_over(tx, heard.event, heard.at).await?;
    }
    let lot = lots::by_id(tx, [warning.lot]).await?.pop();
    let Some(lot) = lot.filter(|lot| lot.expires_at == Some(warning.expires_at)) else {
        return Ok(());
    };
    ledger::warned(tx, programme, now, (&lot.user, lot.id), heard.notice, heard.at).await
}

/// What a message that was dropped for this reason means. Who does not want to be told has decided
/// so; all else is ours to mend.
pub(crate) fn dropped(reason: &str) -> Notice {
    match reason {
        "OPTED_OUT" => Notice::OptedOut,
        "NO_ADDRESS" => Notice::NoAddress,
        _ => Notice::Dropped,
    }
}
