//! What identity's log leads to: purchases, refunds, check-ins; beginnings and ends.

use super::write::{Earning, Taking, twelve_months};
use super::{EntryId, Oracle, Time};
use crate::domain::{EntryKind, Tier};
use chrono::TimeDelta;
use perennial_proto::loyalty::v1::ReversalPolicy;

/// Something that identity tells.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulation) enum Told {
    Registered {
        user: String,
    },
    Erased {
        user: String,
    },
    CheckIn {
        user: String,
        event: String,
        at: Time,
    },
    /// Of an order: currency and minor units.
    Purchase {
        user: String,
        event: String,
        at: Time,
        currency: &'static str,
        paid: i64,
    },
    /// `order` is the event of the purchase.
    Refund {
        user: String,
        event: String,
        at: Time,
        order: String,
        currency: &'static str,
        paid: i64,
    },
}

/// A purchase, with what was refunded so far.
#[derive(Debug, Clone)]
pub(super) struct Deal {
    user: String,
    at: Time,
    currency: &'static str,
    paid: i64,
    refunded: i64,
    points: i64,
    entry: Option<EntryId>,
}

/// What a deal costs in points and counts for tiers.
fn worth(currency: &str, paid: i64) -> (i64, i64) {
    match currency {
        "CNY" => (paid / 100, paid),
        "USD" => (paid * 7 / 100, paid * 7),
        _ => (0, 0),
    }
}

/// The part of the whole that belongs to so much of the amount, rounded down.
fn part(whole: i64, of: i64, amount: i64) -> i64 {
    let exact = i128::from(whole) * i128::from(of) / i128::from(amount.max(1));
    i64::try_from(exact).unwrap_or(i64::MAX)
}

/// How the ledger names an entry of a business event: a part of its contract, as others repeat it.
fn entry_of(event: &str, rule: &str) -> EntryId {
    let earn = EntryKind::Earn.number();
    EntryId::derived(&format!("{earn} {event}  {rule}"))
}

impl Oracle {
    pub(in crate::simulation) fn told(&mut self, told: &Told, raw: Time) {
        match told {
            Told::Registered { user } => {
                self.members.entry(user.clone()).or_default().closed = false;
            }
            Told::Erased { user } => self.erased(user, raw),
            Told::CheckIn { user, at, .. } => self.check_in(user, *at, raw),
            Told::Purchase { user, event, at, currency, paid } => {
                self.purchase(user, event, *at, currency, *paid, raw);
            }
            Told::Refund { user, event, order, currency, paid, .. } => {
                let same = self.deals.get(order).is_some_and(|deal| deal.currency == *currency);
                if same {
                    self.refund(user, event, order, *paid, raw);
                }
            }
        }
    }

    fn erased(&mut self, user: &str, raw: Time) {
        let now = self.time(raw);
        if let Some(member) = self.members.get_mut(user) {
            let mut wrote = member.ripen(now);
            for (lot, points) in member.pending() {
                wrote = true;
                member.call_off(lot, points);
                if let Some(deed) = self.deeds.get_mut(&lot) {
                    deed.reversed += points;
                }
            }
            member.closed = true;
            if wrote {
                self.recorded_at = now;
            }
            self.settle(user, now);
        }
        self.deals.retain(|_, deal| deal.user != user);
    }

    fn check_in(&mut self, user: &str, at: Time, raw: Time) {
        let day = (at + TimeDelta::hours(8)).date_naive();
        let key = format!("check-in {user}@{day}");
        let closed = self.members.get(user).is_some_and(|member| member.closed);
        if closed || self.checked_in.contains(&key) {
            return;
        }
        let id = entry_of(&key, "check-in");
        let (user, expires_at) = (user.to_owned(), twelve_months(at));
        let earning =
            Earning { kind: EntryKind::Earn, id, user, points: 5, at, expires_at, name: None };
        if self.earn(earning, raw).is_ok() {
            self.checked_in.insert(key);
        }
    }

    fn purchase(
        &mut self,
        user: &str,
        event: &str,
        at: Time,
        currency: &'static str,
        paid: i64,
        raw: Time,
    ) {
        let closed = self.members.get(user).is_some_and(|member| member.closed);
        if closed || self.deals.contains_key(event) {
            return;
        }
        let points = worth(currency, paid).0;
        let id = entry_of(&format!("shop {event}"), "purchase");
        let mut entry = self.deeds.get(&id).map(|deed| deed.id);
        if points > 0 && entry.is_none() {
            let (user, expires_at) = (user.to_owned(), twelve_months(at));
            let earning =
                Earning { kind: EntryKind::Earn, id, user, points, at, expires_at, name: None };
            entry = self.earn(earning, raw).ok().map(|deed| deed.id);
        }
        self.members.entry(user.to_owned()).or_default();
        let points = if entry.is_some() { points } else { 0 };
        let user = user.to_owned();
        let deal = Deal { user, at, currency, paid, refunded: 0, points, entry };
        self.deals.insert(event.to_owned(), deal);
    }

    fn refund(&mut self, user: &str, event: &str, order: &str, paid: i64, raw: Time) {
        let cause = format!("refund:shop:{event}");
        let Some(deal) = self.deals.get_mut(order).filter(|deal| deal.user == user) else {
            return;
        };
        if !self.refunds.insert(event.to_owned()) {
            return;
        }
        let back = paid.min(deal.paid - deal.refunded);
        if back <= 0 {
            return;
        }
        let before = deal.refunded;
        deal.refunded += back;
        let points =
            part(deal.points, deal.refunded, deal.paid) - part(deal.points, before, deal.paid);
        let Some(entry) = deal.entry.filter(|_| points > 0) else { return };
        let name = Some(format!("reverse {entry} {cause}"));
        let id = EntryId::derived(&format!("reverse {entry} {cause}"));
        let (points, policy) = (Some(points), ReversalPolicy::Unlimited);
        let expires_at = twelve_months(raw);
        // A refusal is the end of the matter.
        let taking = Taking { id, entry, points, up_to: true, policy, name, expires_at };
        drop(self.reverse(taking, raw));
    }

    /// The lowest tier that somebody may have now: what was paid within the last 365 days.
    pub(in crate::simulation) fn least_tier(&self, user: &str, now: Time) -> Tier {
        let counts = |deal: &&Deal| {
            deal.user == user && deal.at <= now && deal.at > now - TimeDelta::days(365)
        };
        let (mut spend, mut orders) = (0, 0);
        for deal in self.deals.values().filter(counts) {
            let whole = worth(deal.currency, deal.paid).1;
            spend += whole - part(whole, deal.refunded, deal.paid);
            orders += i64::from(deal.refunded < deal.paid || deal.paid == 0);
        }
        match () {
            () if spend >= 800_000 || orders >= 20 => Tier::Diamond,
            () if spend >= 200_000 || orders >= 8 => Tier::Gold,
            () if spend >= 50_000 || orders >= 3 => Tier::Silver,
            () => Tier::Ordinary,
        }
    }

    /// Purchases that can be refunded.
    pub(in crate::simulation) fn orders(
        &self,
    ) -> impl Iterator<Item = (&String, &str, &'static str, i64)> {
        self.deals.iter().map(|(order, deal)| (order, deal.user.as_str(), deal.currency, deal.paid))
    }
}
