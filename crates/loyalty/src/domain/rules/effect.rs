//! What a change of the rules would mean for one member: their whole history, judged by the rules
//! they are under and by the new ones, each as if it had always been in force (reference, 5.1).
//!
//! State is a function of facts, rules and time, so this is only a second fold over the same
//! facts. Nothing else changes between the two, so what differs is what the rules do.

use super::compare::{self, TermChange};
use super::record::Class;
use super::{Programme, RuleVersion};
use crate::domain::refund::next_share;
use crate::domain::rounding::Rounding;
use crate::domain::tier::{Deal, DealId, Fact, Standing};
use crate::domain::{Tier, Time};
use chrono::TimeDelta;
use std::collections::HashMap;

/// The rule that rewards purchases; their points are judged from the purchases themselves.
const PURCHASE: &str = "purchase";
/// The rule that rewards the first check-in of a day.
const CHECK_IN: &str = "check-in";
/// Over how many days points are counted.
const YEAR: i64 = 365;

/// Points that a member once earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earned {
    /// The rule that gave them; empty for a direct call.
    pub rule: String,
    /// How many.
    pub points: i64,
    /// When.
    pub occurred_at: Time,
    /// Until when they were good.
    pub expires_at: Option<Time>,
}

/// What a history comes to under one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The tier reached.
    pub tier: Tier,
    /// Points earned within the year before the instant, less those of refunds.
    pub points: i64,
    /// Points ever earned that are not past their date, what was spent left in.
    pub owed: i64,
}

/// What a change means for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Under the rules the member is under.
    pub before: Outcome,
    /// Under the new ones.
    pub after: Outcome,
    /// Changed terms that concern what they have ([`super::holding`]).
    pub terms: Vec<TermChange>,
}

impl Effect {
    /// Better or worse: one thing that is worse makes it worse.
    pub fn class(&self) -> Class {
        let parts = [
            self.after.tier.cmp(&self.before.tier),
            self.after.points.cmp(&self.before.points),
            self.after.owed.cmp(&self.before.owed),
        ];
        let lived = if parts.iter().any(|part| part.is_lt()) {
            Class::Worse
        } else if parts.iter().any(|part| part.is_gt()) {
            Class::Better
        } else {
            Class::Neutral
        };
        lived.max(compare::class(&self.terms))
    }
}

/// A programme of one version that was always in force.
pub fn always(programme: &Programme, rules: &RuleVersion) -> Result<Programme, String> {
    programme.with_rules(vec![(super::Timing::plain(Time::UNIX_EPOCH), rules.clone())])
}

/// The fold over one member's history. Points come entry by entry, so a member with millions of
/// them takes no more room than any other.
#[derive(Debug)]
pub struct Fold<'a> {
    before: Side<'a>,
    after: Side<'a>,
}

#[derive(Debug)]
struct Side<'a> {
    programme: &'a Programme,
    as_of: Time,
    points: i64,
    owed: i64,
    /// Fractions of points, by what they are fractions of.
    carried: HashMap<i64, i64>,
}

impl<'a> Fold<'a> {
    /// For the two programmes of [`always`].
    pub fn new(before: &'a Programme, after: &'a Programme, as_of: Time) -> Self {
        let side =
            |programme| Side { programme, as_of, points: 0, owed: 0, carried: HashMap::new() };
        Self { before: side(before), after: side(after) }
    }

    /// Points that were earned. `usual` says whether their date is that of the rules, or one that
    /// somebody chose.
    pub fn earned(&mut self, earned: &Earned, usual: bool) {
        if earned.rule != PURCHASE {
            self.before.earned(earned, usual);
            self.after.earned(earned, usual);
        }
    }

    /// The end, with the member's purchases and refunds in the order of recording.
    pub fn finish(mut self, joined_at: Time, deals: &[Deal]) -> Effect {
        Effect {
            before: self.before.finish(joined_at, deals),
            after: self.after.finish(joined_at, deals),
            terms: Vec::new(),
        }
    }
}

impl Side<'_> {
    fn rules(&self) -> &RuleVersion {
        self.programme.in_force(self.as_of)
    }

    fn earned(&mut self, earned: &Earned, usual: bool) {
        let rules = self.rules();
        let points = if earned.rule == CHECK_IN { rules.check_in_points } else { earned.points };
        let expires_at = if usual {
            rules.expiry(earned.occurred_at, self.programme.zone)
        } else {
            earned.expires_at
        };
        self.add(points, earned.occurred_at, expires_at);
    }

    fn add(&mut self, points: i64, at: Time, expires_at: Option<Time>) {
        if at > self.as_of - TimeDelta::days(YEAR) && at <= self.as_of {
            self.points = self.points.saturating_add(points);
        }
        if expires_at.is_none_or(|date| date > self.as_of) {
            self.owed = self.owed.saturating_add(points);
        }
    }

    fn finish(&mut self, joined_at: Time, deals: &[Deal]) -> Outcome {
        let facts = self.facts(deals);
        let (standing, _) = Standing::from_scratch(joined_at, &facts, self.programme, self.as_of);
        Outcome { tier: standing.tier, points: self.points, owed: self.owed }
    }

    /// The facts as these rules count them; on the way, the points of the purchases.
    fn facts(&mut self, deals: &[Deal]) -> Vec<Fact> {
        let mut bought: HashMap<DealId, Bought> = HashMap::new();
        let mut facts = Vec::with_capacity(deals.len());
        for deal in deals {
            let mut fact = deal.fact;
            if let Some(purchase) = deal.refunds {
                if let Some(bought) = bought.get_mut(&purchase) {
                    let share =
                        |whole| next_share(whole, bought.amount, bought.refunded, deal.amount);
                    fact.spend = -share(bought.spend);
                    let points = share(bought.points);
                    bought.refunded += deal.amount;
                    self.taken(points, deal.fact.occurred_at, bought.expires_at);
                }
            } else if deal.amount > 0 {
                let (points, spend) = self.worth(&deal.currency, deal.amount);
                fact.spend = spend;
                let at = deal.fact.occurred_at;
                let expires_at = self.rules().expiry(at, self.programme.zone);
                self.add(points, at, expires_at);
                let amount = deal.amount;
                bought.insert(deal.id, Bought { points, spend, amount, refunded: 0, expires_at });
            }
            facts.push(fact);
        }
        facts
    }

    /// Points and qualifying money of a purchase. A fraction of a point is carried to the next one,
    /// where the rules say so; what refunds do to that fraction is left out.
    fn worth(&mut self, currency: &str, amount: i64) -> (i64, i64) {
        let rules = self.programme.in_force(self.as_of);
        let Some((worth, known)) = rules.worth(currency, amount) else { return (0, 0) };
        if rules.rounding == Rounding::Floor {
            return (worth.points, worth.spend);
        }
        let rate = known.rate();
        let carried = self.carried.entry(rate.den).or_default();
        let (points, left) = rate.points(amount, *carried);
        *carried = left;
        (points, worth.spend)
    }

    fn taken(&mut self, points: i64, at: Time, expires_at: Option<Time>) {
        self.add(-points, at, expires_at);
    }
}

/// A purchase as these rules count it, and how much of it was refunded so far.
struct Bought {
    points: i64,
    spend: i64,
    amount: i64,
    refunded: i64,
    expires_at: Option<Time>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::expiry_after_months;

    fn day(n: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::days(10_000 + n)
    }

    fn deal(name: &str, n: i64, amount: i64, refunds: Option<&str>) -> Deal {
        Deal {
            id: DealId::derived(name),
            user: "ann".to_owned(),
            order: String::new(),
            refunds: refunds.map(DealId::derived),
            amount,
            currency: "CNY".to_owned(),
            points: 0,
            entry: None,
            fact: Fact {
                spend: if refunds.is_some() { -amount } else { amount },
                orders: i64::from(refunds.is_none()),
                ..Fact::nothing(day(n))
            },
        }
    }

    fn judged(edit: impl FnOnce(&mut RuleVersion), deals: &[Deal], check_ins: &[i64]) -> Effect {
        let programme = Programme::new(chrono_tz::UTC, vec![RuleVersion::default()]).unwrap();
        let mut rules = RuleVersion { version: "2".to_owned(), ..RuleVersion::default() };
        edit(&mut rules);
        let before = always(&programme, &RuleVersion::default()).unwrap();
        let after = always(&programme, &rules).unwrap();
        let mut fold = Fold::new(&before, &after, day(100));
        for n in check_ins {
            let expires_at = expiry_after_months(day(*n), 12, chrono_tz::UTC);
            let (rule, points) = (CHECK_IN.to_owned(), 5);
            fold.earned(&Earned { rule, points, occurred_at: day(*n), expires_at }, true);
        }
        fold.finish(day(0), deals)
    }

    #[test]
    fn the_same_rules_change_nothing() {
        let deals = [deal("p1", 1, 60_000, None), deal("r1", 2, 20_000, Some("p1"))];
        let effect = judged(|_| (), &deals, &[3, 4]);
        assert_eq!(effect.before, effect.after);
        assert_eq!(effect.class(), Class::Neutral);
        // 600 points less 200, and two check-ins of five.
        let outcome = Outcome { tier: Tier::Silver, points: 410, owed: 410 };
        assert_eq!(effect.after, outcome);
    }

    #[test]
    fn a_refund_takes_back_its_share_of_what_the_new_rules_gave() {
        let deals = [deal("p1", 1, 60_000, None), deal("r1", 2, 20_000, Some("p1"))];
        let effect = judged(|rules| rules.purchases[0].points_num = 2, &deals, &[]);
        assert_eq!((effect.before.points, effect.after.points), (400, 800));
        assert_eq!(effect.class(), Class::Better);
    }

    #[test]
    fn a_gain_does_not_make_up_for_a_loss() {
        let deals = [deal("p1", 1, 60_000, None)];
        let effect = judged(
            |rules| {
                rules.check_in_points = 50;
                rules.tiers.silver.spend_minor_units = 60_001;
            },
            &deals,
            &[3],
        );
        assert_eq!((effect.before.tier, effect.after.tier), (Tier::Silver, Tier::Ordinary));
        assert_eq!((effect.before.points, effect.after.points), (605, 650));
        assert_eq!(effect.class(), Class::Worse);
    }

    #[test]
    fn points_good_for_a_shorter_time_are_owed_no_more() {
        let deals = [deal("p1", 1, 60_000, None)];
        let effect = judged(|rules| rules.valid_months = 1, &deals, &[99]);
        assert_eq!((effect.before.owed, effect.after.owed), (605, 5));
        assert_eq!((effect.before.points, effect.after.points), (605, 605));
    }
}
