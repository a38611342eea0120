//! What time brings about: notices, charges that fall due, endings.

use super::keep;
use crate::app::App;
use crate::store::{charges, memberships};
use perennial_platform::Result;

/// Memberships looked at in one transaction.
const BATCH: u64 = 50;

impl App {
    /// Brings memberships up to now whose time has come; answers how many, 0 when none has.
    pub(crate) async fn settle_memberships(&self) -> Result<u64> {
        let now = self.now();
        if memberships::due(self.db.read(), now, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let programme = self.rules.locked(&tx).await?;
        let due = memberships::due(&tx, now, BATCH).await?;
        let done = due.len() as u64;
        for mut membership in due {
            membership.advance(&programme, now);
            let first = charges::last_paid(&tx, &membership.user).await?.is_none();
            membership.announce(&programme, now, false, first);
            membership.ask(now);
            keep(&tx, &programme, now, membership).await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}
