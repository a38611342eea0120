//! What a member has that keeps its own terms, whatever the rules become.

use super::Promise;
use crate::app::App;
use crate::domain::catalogue::RedemptionState;
use crate::domain::coupon::CouponState;
use crate::domain::plan::Membership;
use crate::domain::{Programme, Time};
use crate::store::{coupons, memberships, redemptions, referrals};
use perennial_platform::Result;
use perennial_proto::types::v1::Money;
use std::collections::BTreeMap;

impl App {
    /// The membership that runs: what it costs next, and the version that protects it.
    pub(super) async fn membership_kept(
        &self,
        user: &str,
        programme: &Programme,
        now: Time,
    ) -> Result<Option<Promise>> {
        let running = memberships::running(self.db.read(), user).await?;
        let Some(mut running) = running else { return Ok(None) };
        running.advance(programme, now);
        Ok(running.ended.is_none().then(|| membership(programme, &running, now)))
    }

    /// The friends who may still count, by the version that judges them.
    pub(super) async fn referrals_kept(&self, user: &str, now: Time) -> Result<Vec<Promise>> {
        let under_way = referrals::under_way(self.db.read(), user, now).await?;
        let promise = |(version, count, since)| {
            let promise = Promise::of("referral", version, since);
            Promise { count, ..promise }
        };
        Ok(under_way.into_iter().map(promise).collect())
    }

    /// Coupons that can still be used, by kind and version.
    pub(super) async fn coupons_kept(&self, user: &str, now: Time) -> Result<Vec<Promise>> {
        let mut kept = Kept::new("coupon");
        for coupon in coupons::live_of(self.db.read(), user).await? {
            if matches!(coupon.state_at(now), CouponState::Open | CouponState::Reserved) {
                kept.add(coupon.kind, coupon.rule_version, coupon.issued_at, coupon.expires_at);
            }
        }
        Ok(kept.promises())
    }

    /// What was bought with points and is not delivered yet, by item and version.
    pub(super) async fn redemptions_kept(&self, user: &str, now: Time) -> Result<Vec<Promise>> {
        let mut kept = Kept::new("redemption");
        for one in redemptions::open_of(self.db.read(), user).await? {
            if matches!(one.state_at(now), RedemptionState::Held | RedemptionState::Paid) {
                kept.add(one.item, one.rule_version, one.redeemed_at, one.held_until);
            }
        }
        Ok(kept.promises())
    }
}

fn membership(programme: &Programme, of: &Membership, now: Time) -> Promise {
    let at = of.end().max(now);
    let renewal = of.renewal_price(programme, now);
    // A charge that was announced keeps its amount.
    let (price, version) = if let Some(charge) = &of.charge {
        (Some((charge.amount, charge.currency.clone())), charge.version.clone())
    } else {
        let price = renewal.map(|price| (price.amount, price.currency));
        (price, of.terms(programme, at).version.clone())
    };
    let dated = programme.versions().iter().zip(programme.timings());
    let later = dated.map(|(version, timing)| (timing.starts_for(of.began_at), version));
    let next = later.filter(|(from, _)| *from > at && of.period.is_some());
    let next = next.min_by_key(|(from, _)| *from).filter(|_| price.is_some());
    // What does not renew lasts as long as it is paid or given.
    let end = price.is_none().then(|| of.end());
    let money = |(minor_units, currency)| Money { currency, minor_units };
    Promise {
        subject: of.plan.clone(),
        until: next.map(|(from, _)| from).or(end),
        next: next.map(|(_, version)| version.version.clone()).unwrap_or_default(),
        price: price.map(money),
        ..Promise::of("membership", version, of.began_at)
    }
}

/// Things of one sort, those alike together.
struct Kept {
    terms: &'static str,
    alike: BTreeMap<(String, String), Promise>,
}

impl Kept {
    fn new(terms: &'static str) -> Self {
        Self { terms, alike: BTreeMap::new() }
    }

    /// Adds one. Of those alike, the earliest beginning and the earliest end are shown.
    fn add(&mut self, subject: String, version: String, since: Time, until: Option<Time>) {
        let key = (subject.clone(), version.clone());
        let none = Promise { until, count: 0, ..Promise::of(self.terms, version, since) };
        let promise = self.alike.entry(key).or_insert(Promise { subject, ..none });
        promise.count += 1;
        promise.since = promise.since.min(since);
        promise.until = promise.until.into_iter().chain(until).min();
    }

    fn promises(self) -> Vec<Promise> {
        self.alike.into_values().collect()
    }
}
