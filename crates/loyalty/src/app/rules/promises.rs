//! What was promised to a member.

use crate::app::App;
use crate::domain::rules::RuleState;
use crate::domain::{Tier, Time};
use crate::store::{notices, rules};
use perennial_platform::Result;

/// The parts of the rules that hold by version.
const TERMS: [&str; 6] = ["points", "tiers", "progress", "referrals", "plans", "benefits"];

/// One thing that was promised.
pub(crate) struct Promise {
    pub(crate) terms: &'static str,
    pub(crate) version: String,
    pub(crate) since: Time,
    pub(crate) until: Option<Time>,
    /// The version that follows.
    pub(crate) next: String,
    pub(crate) tier: Option<Tier>,
}

impl App {
    /// What was promised to a member. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn promises(&self, user: &str) -> Result<Vec<Promise>> {
        let joined_at = self.open_member(user).await?;
        let now = self.now();
        let programme = self.rules_now().await?;
        let own = programme.of_member(joined_at);
        let version = own.in_force(now);
        let starts = own.versions().iter().filter(|next| next.effective_from > now);
        let next = starts.min_by_key(|next| next.effective_from);
        let mut promises: Vec<Promise> = Vec::new();
        for terms in TERMS {
            promises.push(Promise {
                terms,
                version: version.version.clone(),
                since: version.effective_from.max(joined_at),
                until: next.map(|next| next.effective_from),
                next: next.map(|next| next.version.clone()).unwrap_or_default(),
                tier: None,
            });
        }
        let view = self.tier(user).await?;
        if view.standing.tier > Tier::Ordinary {
            let judged = view.justified_by.map(|change| change.version);
            promises.push(Promise {
                terms: "tier",
                version: judged.unwrap_or_else(|| version.version.clone()),
                since: view.standing.since,
                until: view.standing.keep_until,
                next: String::new(),
                tier: Some(view.standing.tier),
            });
        }
        promises.extend(self.notices_running(user, now).await?);
        Ok(promises)
    }

    /// The worse rules a member was told of that do not hold for them yet: when they begin, and
    /// that they do not begin before.
    async fn notices_running(&self, user: &str, now: Time) -> Result<Vec<Promise>> {
        let conn = self.db.read();
        let mut running = Vec::new();
        for told in notices::of(conn, user).await? {
            let Some(version) = rules::find(conn, &told.version).await? else { continue };
            let begins = version.effective_existing.unwrap_or(told.effective_at);
            if version.state != RuleState::Withdrawn && begins > now {
                running.push(Promise {
                    terms: "notice",
                    version: told.version,
                    since: told.told_at,
                    until: Some(begins),
                    next: String::new(),
                    tier: None,
                });
            }
        }
        Ok(running)
    }
}
