//! Telling members of worse rules, before they hold for them.

use crate::app::App;
use crate::domain::rules::notice::promised;
use crate::domain::rules::{Class, Recorded, RuleState};
use crate::store::notices::{self, Notice};
use crate::store::rules;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Result, time};
use perennial_proto::loyalty::v1::RuleChangeAnnounced;
use sea_orm::ConnectionTrait;

/// Members told in one transaction.
const BATCH: u64 = 500;

impl App {
    /// Tells some members of the version that is announced; answers how many, 0 when all were
    /// told.
    pub(crate) async fn tell_of_rules(&self) -> Result<u64> {
        if waiting(self.db.read()).await?.is_none() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let (now, _) = self.lock_rules(&tx).await?;
        let programme = self.rules.locked(&tx).await?;
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
        let effective_at =
            promised(version.asked_existing, announced_at, Class::Worse, programme.notice);
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
}

/// The announced version of which not everybody was told yet.
async fn waiting(conn: &impl ConnectionTrait) -> Result<Option<Recorded>> {
    let all = rules::all(conn).await?;
    Ok(all.into_iter().find(|v| v.state == RuleState::Announced && v.noticed_at.is_none()))
}
