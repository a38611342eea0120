//! The part of the operator's check that is about promises (I18).

use crate::app::rulebook::programme_of;
use crate::domain::rules::{Class, Recorded, RuleState};
use crate::domain::tier::{Cause, Change};
use crate::domain::{Programme, Time};
use crate::store::{audit, notices, rules, standings};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::HashMap;

/// Members told of a version who are named in a finding, and standings read at once.
const PAGE: u64 = 500;

/// Every judgement on record was made by the version in force for that member at that time; every
/// version that is worse began for existing members only when they had been told it would.
pub(crate) async fn check(tx: &Tx, settings: &Programme) -> Result<Vec<String>> {
    let recorded = rules::all(tx).await?;
    let mut violations = Vec::new();
    for version in recorded.iter().filter(|version| version.state == RuleState::Active) {
        violations.extend(noticed(tx, version).await?);
    }
    let mut history = History { settings, recorded: &recorded, known: HashMap::new() };
    let joined = joined(tx).await?;
    violations.extend(entries(tx, &mut history, &joined).await?);
    violations.extend(tiers(tx, &mut history, &joined).await?);
    Ok(violations)
}

/// Who could not know it: existing members who were not told, or were told a later date.
async fn noticed(tx: &Tx, version: &Recorded) -> Result<Vec<String>> {
    let (Some(announced_at), Some(begins)) = (version.announced_at, version.effective_existing)
    else {
        return Ok(vec![format!("I18: {} is active without dates", version.rules.version)]);
    };
    if version.class != Some(Class::Worse) {
        return Ok(Vec::new());
    }
    let name = &version.rules.version;
    let missing = notices::missing(tx, name, announced_at, PAGE).await?;
    let mut violations: Vec<String> =
        missing.iter().map(|user| format!("I18: {user} was not told of {name}")).collect();
    let promised = notices::latest_promise(tx, name).await?;
    if promised.is_some_and(|promised| promised > begins) {
        violations.push(format!("I18: {name} begins before the date that members were told"));
    }
    Ok(violations)
}

/// The programme as it was known at the time of each judgement.
struct History<'a> {
    settings: &'a Programme,
    recorded: &'a [Recorded],
    /// By how many versions were active.
    known: HashMap<usize, Programme>,
}

impl History<'_> {
    /// The version that had to judge what happened at `at` when it was recorded.
    fn judge(&mut self, recorded_at: Time, joined_at: Time, at: Time) -> Result<String> {
        let active = |version: &&Recorded| {
            version.state == RuleState::Active
                && version.activated_at.is_some_and(|since| since <= recorded_at)
        };
        let count = self.recorded.iter().filter(active).count();
        if !self.known.contains_key(&count) {
            let mut known: Vec<Recorded> = self.recorded.iter().filter(active).cloned().collect();
            if known.is_empty() {
                // What was judged before the rules were recorded was judged by the first of them.
                let first = self.recorded.iter().filter(|v| v.proposer == "settings");
                known = first.cloned().collect();
            }
            self.known.insert(count, programme_of(self.settings, &known)?);
        }
        let programme = self.known.get(&count).unwrap_or(self.settings);
        Ok(programme.in_force_for(joined_at, at).version.clone())
    }
}

async fn joined(tx: &Tx) -> Result<HashMap<String, Time>> {
    let (mut joined, mut user) = (HashMap::new(), String::new());
    loop {
        let page = audit::accounts_after(tx, &user).await?;
        let Some(last) = page.last() else { return Ok(joined) };
        user.clone_from(&last.user);
        joined.extend(page.into_iter().map(|account| (account.user, account.joined_at)));
    }
}

async fn entries(
    tx: &Tx,
    history: &mut History<'_>,
    joined: &HashMap<String, Time>,
) -> Result<Vec<String>> {
    let (mut violations, mut seq) = (Vec::new(), 0);
    loop {
        let page = audit::entries_after(tx, seq).await?.entries;
        let Some(last) = page.last() else { return Ok(violations) };
        seq = last.seq;
        for entry in page.iter().filter(|e| ["purchase", "check-in"].contains(&&*e.origin.rule)) {
            let Some(joined_at) = joined.get(&entry.user) else { continue };
            // What an earlier life of a member earned was judged by when that one joined.
            if *joined_at > entry.recorded_at {
                continue;
            }
            let right = history.judge(entry.recorded_at, *joined_at, entry.occurred_at)?;
            if right != entry.origin.rule_version {
                let (seq, by) = (entry.seq, &entry.origin.rule_version);
                violations.push(format!("I18: entry {seq} was judged by {by}, not by {right}"));
            }
        }
    }
}

async fn tiers(
    tx: &Tx,
    history: &mut History<'_>,
    joined: &HashMap<String, Time>,
) -> Result<Vec<String>> {
    let (mut violations, mut user) = (Vec::new(), String::new());
    loop {
        let page = standings::page(tx, &user, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(violations) };
        user.clone_from(last);
        for (user, _) in page.iter().filter(|(_, kept)| kept.changes > 0) {
            let Some(joined_at) = joined.get(user) else { continue };
            let by_rules =
                |change: &Change| matches!(change.cause, Cause::Qualified | Cause::Lapsed);
            let changes = standings::history(tx, user, None, PAGE).await?;
            for (number, change) in changes.into_iter().filter(|(_, change)| by_rules(change)) {
                let right = history.judge(Time::MAX_UTC, *joined_at, change.at)?;
                if right != change.version {
                    let by = &change.version;
                    violations.push(format!(
                        "I18: tier change {number} of {user} was judged by {by}, not by {right}"
                    ));
                }
            }
        }
    }
}
