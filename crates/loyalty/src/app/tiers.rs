//! Tiers: taking facts in, judging what fell due, and saying why.

use super::App;
use crate::domain::rules::Timing;
use crate::domain::tier::{
    Change, Deal, DealId, Fact, Given, Holder, Metrics, Standing, Threshold, TierRules,
};
use crate::domain::{Account, Grant, Programme, RuleVersion, Tier, Time};
use crate::store::standings::{self, Kept};
use crate::store::{accounts, facts};
use perennial_platform::db::Tx;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Error, Result, time};
use perennial_proto::loyalty::v1 as proto;
use sea_orm::ConnectionTrait;
use std::collections::HashMap;
use uuid::Uuid;

/// Members judged in one transaction.
const BATCH: u64 = 50;

/// Where a member stands now, and why.
pub(crate) struct View {
    pub(crate) now: Time,
    pub(crate) standing: Standing,
    pub(crate) metrics: Metrics,
    /// When the tier falls if nothing more is bought.
    pub(crate) lapse_at: Option<Time>,
    /// The change that led here.
    pub(crate) justified_by: Option<Change>,
    pub(crate) version: RuleVersion,
    /// Whose periods count.
    holder: Holder,
}

/// A fingerprint of everything that decides tiers. When it changes, every member is judged again.
pub(crate) fn fingerprint(programme: &Programme) -> String {
    let versions = programme.versions().iter().map(|version| &version.tiers);
    let rules: Vec<(&Timing, &TierRules)> = programme.timings().iter().zip(versions).collect();
    let text = serde_json::to_vec(&(programme.zone.name(), rules)).unwrap_or_default();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &text).simple().to_string()
}

/// Takes a purchase or refund in and judges the member. The caller has locked the ledger's head.
pub(crate) async fn take_in(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    mut deal: Deal,
) -> Result<()> {
    let user = deal.user.clone();
    let mut kept = match standings::find(tx, &user).await? {
        Some(kept) => kept,
        None => newcomer(accounts::find(tx, &user).await?.map_or(now, |a| a.joined_at)),
    };
    let mut known = counting(tx, programme, &user, &kept.standing).await?;
    deal.fact.recorded_at = now.max(kept.standing.judged_at);
    known.push(deal.fact);
    let changes = kept.standing.take_in(&known, programme);
    kept.facts += 1;
    facts::add(tx, kept.facts, deal).await?;
    keep(tx, programme, now, &user, kept, &known, changes).await
}

/// Drops what an erased person bought and where they stood. The ledger keeps its entries.
pub(crate) async fn forget(tx: &Tx, user: &str) -> Result<()> {
    facts::delete(tx, user).await?;
    standings::delete(tx, user).await
}

/// Gives a tier, for as long as the rules guarantee one. The caller has locked the ledger's head.
/// Answers `false` for a member who was erased.
pub(crate) async fn give(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    tier: Tier,
) -> Result<bool> {
    let member = accounts::find(tx, &grant.user).await?;
    let Some(member) = member.filter(|member| member.closed_at.is_none()) else {
        return Ok(false);
    };
    let programme = &*programme.of_member(member.joined_at);
    let holder = Holder { joined_at: member.joined_at, since: now, zone: programme.zone };
    let until = programme.in_force(now).tiers.keep_until(now, false, &holder);
    // It is looked at for as long as it is given.
    let fact = Fact { anchor_at: until, given: Some(Given { tier, until }), ..Fact::nothing(now) };
    take_in(tx, programme, now, Deal::without_order(given_by(grant), &grant.user, fact)).await?;
    Ok(true)
}

/// Takes a tier back that was given: it is given no longer, but what it guaranteed stays.
pub(crate) async fn take(tx: &Tx, programme: &Programme, now: Time, grant: &Grant) -> Result<()> {
    let until = Given::taken_back(grant.granted_at, now);
    facts::end_given(tx, given_by(grant), until).await?;
    let Some(mut kept) = standings::find(tx, &grant.user).await? else { return Ok(()) };
    let programme = &*programme.of_member(kept.standing.joined_at);
    let known = counting(tx, programme, &grant.user, &kept.standing).await?;
    let changes = kept.standing.advance(&known, programme, now);
    keep(tx, programme, now, &grant.user, kept, &known, changes).await
}

/// The fact that a grant of a tier becomes.
fn given_by(grant: &Grant) -> DealId {
    DealId::from(grant.id.uuid())
}

impl App {
    /// Judges members whose time has come; answers how many.
    pub(crate) async fn judge_due(&self) -> Result<u64> {
        let now = self.now();
        let programme = self.rules_now().await?;
        let rules = fingerprint(&programme);
        if standings::due(self.db.read(), now, &rules, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let programme = self.rules.locked(&tx).await?;
        let rules = fingerprint(&programme);
        let users = standings::due(&tx, now, &rules, BATCH).await?;
        let members = accounts::find_all(&tx, users.iter().map(String::as_str)).await?;
        let joined: HashMap<&str, Time> =
            members.iter().map(|member| (member.user.as_str(), member.joined_at)).collect();
        for user in &users {
            let Some(mut kept) = standings::find(&tx, user).await? else { continue };
            let joined_at = joined.get(user.as_str()).copied().unwrap_or(Time::MIN_UTC);
            let programme = programme.of_member(joined_at);
            let known = counting(&tx, &programme, user, &kept.standing).await?;
            let changes = kept.standing.advance(&known, &programme, now);
            keep(&tx, &programme, now, user, kept, &known, changes).await?;
        }
        tx.commit().await?;
        Ok(users.len() as u64)
    }

    /// Where a member stands now, by the same function that decides. Errors: NOT_FOUND /
    /// MEMBER_NOT_FOUND.
    pub(crate) async fn tier(&self, user: &str) -> Result<View> {
        let conn = self.db.read();
        let joined_at = self.member(user).await?;
        let now = self.now();
        let kept = standings::find(conn, user).await?;
        let mut standing = kept.map_or(Standing::new(joined_at), |kept| kept.standing);
        let programme = self.rules_now().await?;
        let programme = programme.of_member(joined_at);
        let known = counting(conn, &programme, user, &standing).await?;
        let justified_by = match standing.advance(&known, &programme, now).pop() {
            Some(change) => Some(change),
            None => standings::history(conn, user, None, 1).await?.pop().map(|(_, change)| change),
        };
        let version = programme.in_force(now).clone();
        let next = standing.next_change(&known, &programme, Time::MAX_UTC);
        Ok(View {
            now,
            standing,
            metrics: Metrics::at(&known, &version.tiers, now, &standing.holder(&programme)),
            holder: standing.holder(&programme),
            lapse_at: next.filter(|change| change.to < standing.tier).map(|change| change.at),
            justified_by,
            version,
        })
    }

    /// A page of a member's changes of tier with their numbers, newest first. Errors: NOT_FOUND /
    /// MEMBER_NOT_FOUND.
    pub(crate) async fn tier_history(
        &self,
        user: &str,
        before: Option<i64>,
        size: u64,
    ) -> Result<(Vec<Change>, Option<i64>)> {
        self.member(user).await?;
        let mut rows = standings::history(self.db.read(), user, before, size + 1).await?;
        let more = rows.len() as u64 > size;
        rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let next = rows.last().filter(|_| more).map(|(number, _)| *number);
        Ok((rows.into_iter().map(|(_, change)| change).collect(), next))
    }
}

impl View {
    /// The next tier, if there is one, and what it asks for.
    pub(crate) fn next(&self) -> Option<(Tier, Threshold)> {
        let tier = self.standing.tier.up()?;
        Some((tier, *self.version.tiers.threshold(tier)?))
    }

    /// Since when what counts now has counted.
    pub(crate) fn window_start(&self) -> Time {
        self.version.tiers.window_start(self.now, &self.holder)
    }

    /// Before when the next tier has to be reached, because counting begins anew then.
    pub(crate) fn due_at(&self) -> Option<Time> {
        let period = self.version.tiers.window.period(self.now, &self.holder)?;
        Some(period.end)
    }
}

/// The tier a member has at an instant, by the same function that decides.
pub(crate) async fn tier_of(
    conn: &impl ConnectionTrait,
    programme: &Programme,
    account: &Account,
    now: Time,
) -> Result<Tier> {
    let kept = standings::find(conn, &account.user).await?;
    let mut standing = kept.map_or(Standing::new(account.joined_at), |kept| kept.standing);
    let programme = programme.of_member(account.joined_at);
    let known = counting(conn, &programme, &account.user, &standing).await?;
    standing.advance(&known, &programme, now);
    Ok(standing.tier)
}

fn newcomer(joined_at: Time) -> Kept {
    let standing = Standing::new(joined_at);
    Kept { standing, due_at: None, facts: 0, changes: 0, rules: String::new() }
}

/// The facts that can still count for somebody judged as far as this.
async fn counting(
    conn: &impl ConnectionTrait,
    programme: &Programme,
    user: &str,
    standing: &Standing,
) -> Result<Vec<Fact>> {
    let after = standing.judged_at.checked_sub_signed(programme.longest_window());
    facts::of(conn, user, after).await
}

/// Writes a judgement down, and tells of its changes.
async fn keep(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    user: &str,
    mut kept: Kept,
    known: &[Fact],
    changes: Vec<Change>,
) -> Result<()> {
    kept.due_at = kept.standing.due_at(known, programme);
    kept.rules = fingerprint(programme);
    standings::append(tx, user, kept.changes + 1, &changes).await?;
    kept.changes += i64::try_from(changes.len()).map_err(Error::internal)?;
    standings::save(tx, user, &kept).await?;
    events::append(tx, changes.iter().map(|change| told(now, user, change)));
    Ok(())
}

fn told(now: Time, user: &str, change: &Change) -> NewEvent {
    let payload = proto::TierChanged {
        user_id: user.to_owned(),
        from: i32::from(change.from.number()),
        to: i32::from(change.to.number()),
        rule_version: change.version.clone(),
        keep_until: change.keep_until.map(time::to_proto),
    };
    NewEvent::of(now, user, &payload)
}
