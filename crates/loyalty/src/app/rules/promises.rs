//! What was promised to a member.

mod kept;

use crate::app::App;
use crate::domain::rules::RuleState;
use crate::domain::{Programme, Tier, Time};
use crate::store::{notices, rules};
use perennial_platform::Result;
use perennial_proto::types::v1::Money;

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
    /// What it is about; empty for all of it.
    pub(crate) subject: String,
    pub(crate) price: Option<Money>,
    /// How many stand under it together.
    pub(crate) count: i64,
}

impl Promise {
    /// One of everything, without an end.
    pub(crate) fn of(terms: &'static str, version: String, since: Time) -> Self {
        let (next, subject) = (String::new(), String::new());
        Self { terms, version, since, until: None, next, subject, price: None, count: 1 }
    }
}

impl App {
    /// What was promised to a member. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn promises(&self, user: &str) -> Result<Vec<Promise>> {
        let joined_at = self.open_member(user).await?;
        let now = self.now();
        let programme = self.rules_now().await?;
        let mut promises = by_version(&programme, joined_at, now);
        promises.extend(self.tier_kept(user, &programme, joined_at, now).await?);
        promises.extend(self.begun(user, now).await?);
        promises.extend(self.membership_kept(user, &programme, now).await?);
        promises.extend(self.referrals_kept(user, now).await?);
        promises.extend(self.coupons_kept(user, now).await?);
        promises.extend(self.redemptions_kept(user, now).await?);
        promises.extend(self.notices_running(user, now).await?);
        Ok(promises)
    }

    /// The tier a member has, while it is guaranteed.
    async fn tier_kept(
        &self,
        user: &str,
        programme: &Programme,
        joined_at: Time,
        now: Time,
    ) -> Result<Option<Promise>> {
        let view = self.tier(user).await?;
        if view.standing.tier == Tier::Ordinary {
            return Ok(None);
        }
        let judged = view.justified_by.map(|change| change.version);
        let version =
            judged.unwrap_or_else(|| programme.of_member(joined_at).in_force(now).version.clone());
        let subject = format!("{:?}", view.standing.tier).to_lowercase();
        let until = view.standing.keep_until;
        let promise = Promise::of("tier", version, view.standing.since);
        Ok(Some(Promise { until, subject, ..promise }))
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
                let promise = Promise::of("notice", told.version, told.told_at);
                running.push(Promise { until: Some(begins), ..promise });
            }
        }
        Ok(running)
    }
}

/// What holds by the rules in force for somebody who joined then.
fn by_version(programme: &Programme, joined_at: Time, now: Time) -> Vec<Promise> {
    let own = programme.of_member(joined_at);
    let version = own.in_force(now);
    let later = own.versions().iter().filter(|next| next.effective_from > now);
    let next = later.min_by_key(|next| next.effective_from);
    let since = version.effective_from.max(joined_at);
    let promise = |terms: &&'static str| Promise {
        until: next.map(|next| next.effective_from),
        next: next.map(|next| next.version.clone()).unwrap_or_default(),
        ..Promise::of(terms, version.version.clone(), since)
    };
    TERMS.iter().map(promise).collect()
}
