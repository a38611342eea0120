//! `perennial check`: rules that the data on disk must keep, whatever crashed when.

use super::NotificationId;
use crate::config::Config;
use crate::store::checks;
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::Result;
use perennial_platform::db::Db;

/// Findings of one kind that are listed one by one.
const LISTED: u64 = 20;

/// Looks for messages that break a rule and says which and how; empty = all is well.
///
/// The rules: each dedupe key stands once per user and channel; a cap slot is held by exactly
/// what was sent, is being handed over, or may have been sent; nothing is overdue by more than
/// the grace time; whatever waits has a next time and whatever ended has none; every decision is
/// recorded.
pub async fn check(config: &Config, db: &Db, now: DateTime<Utc>) -> Result<Vec<String>> {
    let grace = TimeDelta::seconds(config.overdue_grace_seconds.into());
    let mut findings = Vec::new();
    for (user, channel, key) in checks::doubled_keys(db.read()).await? {
        findings.push(format!("user {user}, channel {channel}: the key {key} stands twice"));
    }
    for (rule, id) in checks::broken(db.read(), now - grace, LISTED).await? {
        findings.push(format!("{} {rule}", NotificationId::from(id)));
    }
    Ok(findings)
}
