//! Places: claiming, using, and giving back. Whoever writes has locked the ledger's head, so the
//! order of claims is the order of the ledger, and no place is given out twice (I16).

mod claiming;

pub(crate) use claiming::Claiming;

use super::App;
use super::benefits::refusals::quota_reason;
use super::benefits::{Member, message};
use crate::domain::quota::{ClaimState, Quota, QuotaRule, UNLIMITED};
use crate::domain::{Claim, ClaimId, Programme, Tier, Time};
use crate::store::{claims, redemptions};
use chrono::TimeDelta;
use chrono_tz::Tz;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Claims let go in one transaction.
const BATCH: u64 = 200;

/// Where a page of claims goes on.
pub(crate) type ClaimCursor = (Time, Uuid);

/// A quota as one member sees it.
pub(crate) struct Offer {
    pub(crate) rule: QuotaRule,
    pub(crate) period: String,
    /// 0 without limit.
    pub(crate) left: i64,
    pub(crate) own: i64,
    pub(crate) opens: Option<Time>,
    /// The reason for which a claim would be refused; empty: none.
    pub(crate) refusal: &'static str,
}

/// Holds a place until an instant. Errors: see BenefitService/ClaimBenefit.
pub(super) async fn claim(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    rule: &QuotaRule,
    member: &Member<'_>,
    until: Time,
) -> Result<Claim> {
    let period = rule.period_at(now, programme.zone);
    let mut quota = let_go(tx, rule, &period, now).await?;
    quota.follow(rule);
    let own = claims::own(tx, &member.user, vec![quota.id.clone()], now).await?;
    let own = own.get(&quota.id).copied().unwrap_or(0);
    rule.admits(now, member.tier, own, &quota)?;
    quota.taken += i64::from(!flawed!(PlaceNotCounted));
    quota.accepted += 1;
    let claim = Claim {
        id: ClaimId::new(now),
        user: member.user.clone(),
        key: rule.key.clone(),
        quota: quota.id.clone(),
        state: ClaimState::Held,
        number: quota.accepted,
        claimed_at: now,
        held_until: until,
        resolved_at: None,
        rule_version: member.version.version.clone(),
    };
    claims::save_quota(tx, &quota).await?;
    claims::save(tx, std::slice::from_ref(&claim)).await?;
    Ok(claim)
}

/// The quota, without claims whose time has run out: those places are free whether or not a job
/// has written it down.
async fn let_go(tx: &Tx, rule: &QuotaRule, period: &str, now: Time) -> Result<Quota> {
    let fresh = Quota::fresh(rule, period);
    let Some(mut quota) = claims::quota(tx, &fresh.id).await? else { return Ok(fresh) };
    loop {
        let due = claims::due_of(tx, vec![quota.id.clone()], now).await?;
        if due.is_empty() {
            return Ok(quota);
        }
        quota.taken -= i64::try_from(due.len()).map_err(Error::internal)?;
        let over: Vec<Claim> = due.into_iter().map(|claim| claim.settled(now)).collect();
        claims::save(tx, &over).await?;
        claims::save_quota(tx, &quota).await?;
    }
}

/// Takes a held place for good.
pub(super) async fn use_up(tx: &Tx, now: Time, claim: &mut Claim) -> Result<()> {
    claim.use_up(now)?;
    claims::save(tx, std::slice::from_ref(claim)).await
}

/// Gives a place back.
pub(super) async fn give_back(tx: &Tx, now: Time, claim: &mut Claim) -> Result<()> {
    claim.give_back(now)?;
    free(tx, claim).await
}

async fn free(tx: &Tx, claim: &Claim) -> Result<()> {
    let quota = claims::quota(tx, &claim.quota).await?;
    let mut quota = quota.ok_or_else(|| Error::internal("a claim without its quota"))?;
    quota.taken -= 1;
    claims::save_quota(tx, &quota).await?;
    claims::save(tx, std::slice::from_ref(claim)).await
}

/// Frees the places that an erased person held.
pub(super) async fn forget(tx: &Tx, now: Time, user: &str) -> Result<()> {
    for mut claim in claims::held_of(tx, user).await? {
        if claim.give_back(now).is_err() {
            claim = claim.settled(now);
        }
        free(tx, &claim).await?;
    }
    Ok(())
}

impl App {
    /// These quotas as a member of a tier sees them now.
    pub(crate) async fn offers(
        &self,
        user: &str,
        tier: Tier,
        rules: Vec<QuotaRule>,
        zone: Tz,
        now: Time,
    ) -> Result<Vec<Offer>> {
        let conn = self.db.read();
        let ids: Vec<String> =
            rules.iter().map(|rule| rule.quota_id(&rule.period_at(now, zone))).collect();
        // Claims come before quotas: a claim accepted in between makes the place look taken
        // rather than free.
        let over = claims::count_due(conn, ids.clone(), now).await?;
        let own = claims::own(conn, user, ids.clone(), now).await?;
        let known = claims::quotas(conn, ids).await?;
        let offer = |rule: QuotaRule| {
            let period = rule.period_at(now, zone);
            let id = rule.quota_id(&period);
            let mut quota = known.get(&id).cloned().unwrap_or_else(|| Quota::fresh(&rule, &period));
            quota.taken = (quota.taken - over.get(&id).copied().unwrap_or(0)).max(0);
            quota.follow(&rule);
            let own = own.get(&id).copied().unwrap_or(0);
            let refusal = rule.admits(now, tier, own, &quota).err();
            let left = quota.places - quota.taken;
            Offer {
                left: if rule.limit() == UNLIMITED { 0 } else { left },
                opens: rule.opens_for(tier),
                refusal: refusal.as_ref().map_or("", quota_reason),
                rule,
                period,
                own,
            }
        };
        Ok(rules.into_iter().map(offer).collect())
    }

    /// The benefits as a member sees them now, with the member's tier and the version that says
    /// so.
    pub(crate) async fn benefits(&self, user: &str) -> Result<(Vec<Offer>, Tier, String)> {
        let programme = self.rules_now().await?;
        let now = self.now();
        let member = Member::read(self.db.read(), &programme, now, user).await?;
        let rules = member.version.benefits.places.clone();
        let offers = self.offers(user, member.tier, rules, programme.zone, now).await?;
        Ok((offers, member.tier, member.version.version.clone()))
    }

    /// Holds a place of a benefit. Errors: see BenefitService/ClaimBenefit.
    pub(crate) async fn claim_benefit(
        &self,
        key: Option<Key>,
        user: &str,
        benefit: &str,
        timeout: Option<TimeDelta>,
    ) -> Result<Reply<proto::Claim>> {
        let wish = claiming::Wish { user: user.to_owned(), benefit: benefit.to_owned(), timeout };
        self.claims.submit(key, wish).await
    }

    /// Takes a held place for good. Errors: see BenefitService/UseBenefit.
    pub(crate) async fn use_benefit(
        &self,
        key: Option<Key>,
        id: ClaimId,
    ) -> Result<Reply<proto::Claim>> {
        once(&self.db, &self.clock, key, async |tx| {
            self.rules.locked(tx).await?;
            let now = self.now();
            let mut claim = direct(tx, id).await?;
            use_up(tx, now, &mut claim).await?;
            Ok(message::claim(&claim, now))
        })
        .await
    }

    /// Gives a place back. Errors: see BenefitService/ReturnBenefit.
    pub(crate) async fn return_benefit(
        &self,
        key: Option<Key>,
        id: ClaimId,
    ) -> Result<Reply<proto::Claim>> {
        once(&self.db, &self.clock, key, async |tx| {
            self.rules.locked(tx).await?;
            let now = self.now();
            let mut claim = direct(tx, id).await?;
            give_back(tx, now, &mut claim).await?;
            Ok(message::claim(&claim, now))
        })
        .await
    }

    /// One claim. Errors: NOT_FOUND / CLAIM_NOT_FOUND.
    pub(crate) async fn claim(&self, id: ClaimId) -> Result<Claim> {
        claims::find(self.db.read(), id).await?.ok_or_else(claim_not_found)
    }

    /// A page of a member's claims, the latest first.
    pub(crate) async fn claims(
        &self,
        user: &str,
        before: Option<ClaimCursor>,
        size: u64,
    ) -> Result<(Vec<Claim>, Option<ClaimCursor>)> {
        let mut found = claims::page(self.db.read(), user, before, size + 1).await?;
        let next = super::cut(&mut found, size, |one| (one.claimed_at, one.id.uuid()));
        Ok((found, next))
    }

    /// Writes down which claims timed out; answers how many.
    pub(crate) async fn let_claims_go(&self) -> Result<u64> {
        let now = self.now();
        if claims::due(self.db.read(), now, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        self.rules.locked(&tx).await?;
        let due = claims::due(&tx, now, BATCH).await?;
        let mut freed: BTreeMap<String, i64> = BTreeMap::new();
        for claim in &due {
            *freed.entry(claim.quota.clone()).or_default() += 1;
        }
        for (id, places) in freed {
            let quota = claims::quota(&tx, &id).await?;
            let mut quota = quota.ok_or_else(|| Error::internal("a claim without its quota"))?;
            quota.taken -= places;
            claims::save_quota(&tx, &quota).await?;
        }
        let done = due.len() as u64;
        let over: Vec<Claim> = due.into_iter().map(|claim| claim.settled(now)).collect();
        claims::save(&tx, &over).await?;
        tx.commit().await?;
        Ok(done)
    }
}

/// A claim that callers may resolve: not the stock of a redemption, nor a place that one still holds
/// its points for. Those it resolves itself.
async fn direct(tx: &Tx, id: ClaimId) -> Result<Claim> {
    let claim = claims::find(tx, id).await?.ok_or_else(claim_not_found)?;
    let held = redemptions::held_of(tx, &claim.user).await?;
    if claim.key.starts_with("item:") || held.iter().any(|one| one.place == Some(claim.id)) {
        return Err(claim_not_found());
    }
    Ok(claim)
}

fn claim_not_found() -> Error {
    Error::not_found("CLAIM_NOT_FOUND", "no such claim")
}

pub(super) fn benefit_not_found(key: &str) -> Error {
    Error::not_found("BENEFIT_NOT_FOUND", format!("no benefit {key:?} is on offer"))
}
