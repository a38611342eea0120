//! Telling members of worse rules, before they hold for them, and that they do not come when they
//! are given up.

use crate::app::App;
use crate::domain::rules::Recorded;
use crate::domain::rules::notice::promised;
use crate::store::notices::{self, Notice};
use crate::store::rules;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Result, time};
use perennial_proto::loyalty::v1::{RuleChangeAnnounced, RuleChangeWithdrawn};
use sea_orm::ConnectionTrait;

/// Members told in one transaction.
const BATCH: u64 = 500;

impl App {
    /// Tells some members of the version that is announced, or that one was withdrawn; answers how
    /// many, 0 when all were told.
    pub(crate) async fn tell_of_rules(&self) -> Result<u64> {
        let conn = self.db.read();
        if notices::withdrawn(conn).await?.is_some() {
            return self.tell_of_withdrawal().await;
        }
        match waiting(conn).await? {
            Some(_) => self.tell_of_announcement().await,
            None => Ok(0),
        }
    }

    async fn tell_of_announcement(&self) -> Result<u64> {
        let tx = self.db.begin().await?;
        let (now, _) = self.lock_rules(&tx).await?;
        let Some(mut version) = waiting(&tx).await? else { return Ok(0) };
        let announced_at = version.announced_at.unwrap_or(now);
        let name = version.rules.version.clone();
        let users = notices::missing(&tx, &name, announced_at, BATCH).await?;
        if users.is_empty() {
            version.noticed_at = Some(now);
            rules::save(&tx, vec![version]).await?;
            tx.commit().await?;
            return Ok(1);
        }
        // Fixed by the announcement, unless that was made by a release that did not do so.
        let notice = self.programme().notice;
        let unfixed = || promised(&version, announced_at, announced_at, notice);
        let effective_at = version.effective_existing.unwrap_or_else(unfixed);
        let notice = Notice { version: name.clone(), told_at: now, effective_at };
        notices::add(&tx, &notice, &users).await?;
        let told = users.iter().map(|user| {
            let announced = RuleChangeAnnounced {
                user_id: user.clone(),
                rule_version: name.clone(),
                effective_time: Some(time::to_proto(effective_at)),
            };
            NewEvent::of(now, user, &announced)
        });
        events::append(&tx, told);
        tx.commit().await?;
        Ok(users.len() as u64)
    }

    /// A notice of what does not come is dropped as its member is told so.
    async fn tell_of_withdrawal(&self) -> Result<u64> {
        let tx = self.db.begin().await?;
        let (now, _) = self.lock_rules(&tx).await?;
        let Some(version) = notices::withdrawn(&tx).await? else { return Ok(0) };
        let told = notices::take(&tx, &version, BATCH).await?;
        let events = told.iter().map(|(user, effective_at)| {
            let withdrawn = RuleChangeWithdrawn {
                user_id: user.clone(),
                rule_version: version.clone(),
                effective_time: Some(time::to_proto(*effective_at)),
            };
            NewEvent::of(now, user, &withdrawn)
        });
        events::append(&tx, events);
        tx.commit().await?;
        Ok(told.len() as u64)
    }
}

/// The announced version of which not everybody was told yet.
async fn waiting(conn: &impl ConnectionTrait) -> Result<Option<Recorded>> {
    Ok(rules::announced(conn).await?.filter(|version| version.noticed_at.is_none()))
}
