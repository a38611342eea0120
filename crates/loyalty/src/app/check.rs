//! The operator's check: do the invariants hold on the data as it is?

use super::{benefits, judgements, plans, progress, rulebook};
use crate::config::Config;
use crate::domain::audit::Auditor;
use crate::domain::tier::Standing;
use crate::domain::{LotId, Programme, Time};
use crate::store::{accounts, audit, facts, head, standings, warnings};
use perennial_platform::Result;
use perennial_platform::db::{Db, Tx};
use uuid::Uuid;

/// Standings read at once.
const PAGE: u64 = 500;

/// Checks the invariants of the ledger and of the tiers on a service's database: every entry
/// balanced, everything kept equal to what the ledger rebuilds, every hold resolved once, nothing
/// reversed twice, every tier equal to a judgement from scratch. Returns the violations, none when
/// all is well; each begins with the number of its invariant (I1 to I19; I8 leaves no trace).
///
/// Postings wait while it runs; nothing is changed. Errors: UNAVAILABLE; INVALID_ARGUMENT for
/// rules that are not sound.
pub async fn check(db: &Db, config: &Config) -> Result<Vec<String>> {
    let settings = config.programme()?;
    let tx = db.begin().await?;
    // Whoever posts locks the head first, so everything below belongs to one state.
    let head = head::lock(&tx).await?;
    let programme = rulebook::recorded_programme(&tx, &settings).await?;
    let mut auditor = Auditor::new(head.hash_from_seq);
    let mut seq = 0;
    loop {
        let page = audit::entries_after(&tx, seq).await?;
        auditor.note(page.faults);
        let Some(last) = page.entries.last() else { break };
        seq = last.seq;
        for entry in &page.entries {
            auditor.entry(entry);
        }
    }
    if audit::has_strays(&tx, seq).await? {
        auditor.note(vec!["I6: there are uses of lots without an entry".to_owned()]);
    }
    compare(&tx, &mut auditor).await?;
    check_warnings(&tx, &mut auditor).await?;
    let hash = auditor.hash();
    let mut violations = auditor.finish();
    if head.seq != seq {
        violations.push(format!("I11: the head says {}, the last entry is {seq}", head.seq));
    }
    if head.hash != hash {
        violations.push("I11: the head has another hash than the last entry".to_owned());
    }
    violations.extend(super::rules::audit::check(&tx, &settings).await?);
    violations.extend(judgements::check(&tx).await?);
    violations.extend(check_tiers(&tx, &programme).await?);
    violations.extend(super::referrals::audit::check(&tx).await?);
    violations.extend(plans::audit::check(&tx).await?);
    violations.extend(benefits::audit::check(&tx, &programme).await?);
    violations.extend(progress::audit::check(&tx, &programme).await?);
    tx.rollback().await?;
    Ok(violations)
}

/// Whoever's points expired on the strength of a warning was handed one over.
async fn check_warnings(tx: &Tx, auditor: &mut Auditor) -> Result<()> {
    for some in auditor.take_warned().chunks(usize::try_from(PAGE).unwrap_or(1)) {
        let lots: Vec<LotId> = some.iter().map(|(lot, ..)| *lot).collect();
        let handed = warnings::of_lots(tx, &lots).await?;
        let silent = some.iter().filter(|(lot, at, _)| {
            !handed.iter().any(|(warned, when)| warned == lot && when <= at)
        });
        let fault = |seq| format!("I14: points expired in entry {seq} without a warning");
        auditor.note(silent.map(|(.., seq)| fault(seq)).collect());
    }
    Ok(())
}

async fn compare(tx: &Tx, auditor: &mut Auditor) -> Result<()> {
    let mut user = String::new();
    loop {
        let page = audit::accounts_after(tx, &user).await?;
        let Some(last) = page.last() else { break };
        user.clone_from(&last.user);
        for account in &page {
            auditor.account(account);
        }
    }
    let mut lot = Uuid::nil();
    loop {
        let page = audit::lots_after(tx, lot).await?;
        let Some(last) = page.last() else { break };
        lot = last.id.uuid();
        for lot in &page {
            auditor.lot(lot);
        }
    }
    let mut hold = Uuid::nil();
    loop {
        let page = audit::holds_after(tx, hold).await?;
        let Some(last) = page.last() else { break };
        hold = last.id.uuid();
        for kept in &page {
            auditor.hold(kept);
        }
    }
    Ok(())
}

/// A tier that is kept equals the one from scratch. Members who are due to be judged are judged
/// in memory first.
async fn check_tiers(tx: &Tx, programme: &Programme) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let mut user = String::new();
    loop {
        let page = standings::page(tx, &user, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        user.clone_from(last);
        for (user, kept) in &page {
            let joined_at = accounts::find(tx, user).await?.map_or(Time::MIN_UTC, |a| a.joined_at);
            let known = facts::of(tx, user, None).await?;
            let until = kept.standing.judged_at;
            let programme = programme.of_member(joined_at);
            let (scratch, changes) = Standing::from_scratch(joined_at, &known, &programme, until);
            if scratch != kept.standing {
                violations.push(format!(
                    "I15: {user} stands as {:?}, from scratch as {scratch:?}",
                    kept.standing
                ));
            }
            if kept.changes != i64::try_from(changes.len()).unwrap_or(i64::MAX) {
                violations.push(format!("I15: {user} has another number of tier changes"));
            }
            let mut told = standings::history(tx, user, None, i64::MAX.unsigned_abs()).await?;
            told.reverse();
            if !told.into_iter().map(|(_, change)| change).eq(changes) {
                violations
                    .push(format!("I15: the tier changes of {user} are not those of its facts"));
            }
        }
    }
    Ok(violations)
}
