//! The programme's rules, in versions.
//!
//! Invariant: an event is judged by the version in force when it occurred, not when it arrived, so
//! a late or repeated delivery earns the same (reference, S7 and S9). All arithmetic is on integers;
//! the one rounding is at the earning, downwards ([`super::rounding`]).

pub mod compare;
pub mod effect;
pub mod holding;
pub mod notice;
mod promised;
pub mod record;
pub mod report;
pub mod timing;

pub use record::{Class, Recorded, RuleState};
pub use report::Report;
pub use timing::Timing;

use super::benefit::BenefitRules;
use super::calendar;
use super::plan::PlanRules;
use super::progress::ProgressRules;
use super::referral::ReferralRules;
use super::rounding::{Rate, Rounding};
use super::tier::TierRules;
use super::{NoticePolicy, Time};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Everything that is promised to members.
#[derive(Debug, Clone)]
pub struct Programme {
    /// Where its days begin and end.
    pub zone: Tz,
    /// How long a hold lasts that does not say it.
    pub hold_timeout: TimeDelta,
    /// Whole days for which points can still be spent that come back after their date; 0: none.
    pub void_grace_days: u32,
    /// How long before a lot expires its holder is told.
    pub warning: TimeDelta,
    /// Whether points may expire without their holder having been warned.
    pub expiry_notice: NoticePolicy,
    /// For reversals that do not say it.
    pub reversal_policy: ReversalPolicy,
    /// How long before worse rules hold for a member they are announced.
    pub notice: TimeDelta,
    /// Never empty; the oldest first, each begins at another instant.
    rules: Vec<RuleVersion>,
    /// When each of them holds, and for whom.
    timings: Vec<Timing>,
    /// Whose programme this is; `None`: everybody's.
    joined_at: Option<Time>,
}

/// Points or qualifying units that one minor unit of money may be worth. An amount of money has at
/// most fifteen digits (`perennial.types.v1.Money`), so no worth comes near the end of its type.
const MAX_RATE: i128 = 1_000;
/// The finest fraction of a point that is carried on.
const MAX_CARRIED_DEN: i64 = 1_000_000;
/// Months for which points may be good at most.
const MAX_VALID_MONTHS: u32 = 1_200;

/// What to do when points to be taken back are no longer all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalPolicy {
    /// Take only points that are not active yet.
    OnlyPending,
    /// Take what the member can still spend.
    WithinBalance,
    /// Take all; the rest becomes a debt.
    #[default]
    Unlimited,
}

/// One version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleVersion {
    /// Its name, stored with everything it decides.
    pub version: String,
    /// From when on events are judged by it; the first version also judges what was before.
    pub effective_from: Time,
    /// ISO 4217 code of the currency in which tiers count money.
    pub currency: String,
    /// What a purchase earns, by the currency it was paid in. Other currencies earn nothing.
    pub purchases: Vec<PurchaseRate>,
    /// What becomes of the fraction of a point that a purchase leaves.
    pub rounding: Rounding,
    /// Points for the first check-in of a local day; 0: none.
    pub check_in_points: i64,
    /// Whole months for which points can be spent; 0: for ever.
    pub valid_months: u32,
    /// How members are judged.
    pub tiers: TierRules,
    /// Tasks, streaks, challenges, badges and stamp cards.
    pub progress: ProgressRules,
    /// What bringing somebody is worth.
    pub referrals: ReferralRules,
    /// The membership plans on offer.
    pub plans: PlanRules,
    /// Coupons, the catalogue, scarce benefits, charity, features.
    pub benefits: BenefitRules,
}

/// What money paid in one currency is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchaseRate {
    /// ISO 4217 code.
    pub currency: String,
    /// Points = minor units x `points_num` / `points_den`, rounded down; whether the fraction is
    /// carried on, [`RuleVersion::rounding`] says.
    pub points_num: i64,
    /// See `points_num`; positive.
    pub points_den: i64,
    /// Qualifying money in the programme's currency = minor units x `spend_num` / `spend_den`,
    /// rounded down.
    pub spend_num: i64,
    /// See `spend_num`; positive.
    pub spend_den: i64,
}

/// What a purchase is worth under a version of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// Points earned.
    pub points: i64,
    /// Qualifying money for tiers.
    pub spend: i64,
}

impl Default for RuleVersion {
    /// One point a yuan (or a seventh of a dollar), five a check-in, good for twelve months.
    fn default() -> Self {
        let rate = |currency: &str, points_num, spend_num| PurchaseRate {
            currency: currency.to_owned(),
            points_num,
            points_den: 100,
            spend_num,
            spend_den: 1,
        };
        Self {
            version: "1".to_owned(),
            effective_from: Time::UNIX_EPOCH,
            currency: "CNY".to_owned(),
            purchases: vec![rate("CNY", 1, 1), rate("USD", 7, 7)],
            rounding: Rounding::Floor,
            check_in_points: 5,
            valid_months: 12,
            tiers: TierRules::default(),
            progress: ProgressRules::default(),
            referrals: ReferralRules::default(),
            plans: PlanRules::default(),
            benefits: BenefitRules::default(),
        }
    }
}

impl PurchaseRate {
    /// Points for each minor unit.
    pub fn rate(&self) -> Rate {
        Rate { num: self.points_num, den: self.points_den }
    }
}

impl RuleVersion {
    /// What a purchase is worth, and the rate that says so; `None` when its currency has no rate.
    pub fn worth(&self, currency: &str, minor_units: i64) -> Option<(Worth, &PurchaseRate)> {
        let rate = self.purchases.iter().find(|rate| rate.currency == currency)?;
        let times = |num: i64, den: i64| {
            let exact = i128::from(minor_units) * i128::from(num) / i128::from(den);
            i64::try_from(exact).unwrap_or(i64::MAX)
        };
        let points = times(rate.points_num, rate.points_den);
        Some((Worth { points, spend: times(rate.spend_num, rate.spend_den) }, rate))
    }

    /// When points earned at an instant expire.
    pub fn expiry(&self, earned_at: Time, zone: Tz) -> Option<Time> {
        match self.valid_months {
            0 => None,
            months => calendar::expiry_after_months(earned_at, months, zone),
        }
    }

    fn fault(&self) -> Option<String> {
        let rates = &self.purchases;
        let sound = |r: &PurchaseRate| {
            r.points_den > 0 && r.spend_den > 0 && r.points_num >= 0 && r.spend_num >= 0
        };
        let steep = |num: i64, den: i64| i128::from(num) > MAX_RATE * i128::from(den);
        let rich =
            |r: &PurchaseRate| steep(r.points_num, r.points_den) || steep(r.spend_num, r.spend_den);
        let fine = |r: &PurchaseRate| r.points_den <= MAX_CARRIED_DEN;
        let own = match () {
            () if self.version.is_empty() => Some("has no name"),
            () if !rates.iter().all(sound) => Some("has a purchase rate that is not sound"),
            () if rates.iter().any(rich) => Some("makes a minor unit worth more than 1,000"),
            () if self.rounding == Rounding::Carry && !rates.iter().all(fine) => {
                Some("carries fractions finer than a millionth of a point")
            }
            () if self.check_in_points < 0 => Some("takes points for a check-in"),
            () if self.valid_months > MAX_VALID_MONTHS => {
                Some("lets points be good for more than 1,200 months")
            }
            () => self.tiers.fault(),
        };
        own.map(str::to_owned)
            .or_else(|| self.progress.fault())
            .or_else(|| self.referrals.fault())
            .or_else(|| self.plans.fault())
            .or_else(|| self.benefits.fault())
            .or_else(|| self.empty_promise())
    }
}

impl Programme {
    /// The programme with these rules and the defaults for the rest. Errors: which version is
    /// not sound, and why.
    pub fn new(zone: Tz, rules: Vec<RuleVersion>) -> Result<Self, String> {
        let plain = |rules: RuleVersion| (Timing::plain(rules.effective_from), rules);
        Self::timed(zone, rules.into_iter().map(plain).collect())
    }

    /// The same with the dates of each version. Errors: which version is not sound, and why.
    pub fn timed(zone: Tz, mut dated: Vec<(Timing, RuleVersion)>) -> Result<Self, String> {
        dated.sort_by_key(|(timing, _)| timing.effective_new);
        let (timings, mut rules): (Vec<Timing>, Vec<RuleVersion>) = dated.into_iter().unzip();
        for (rule, timing) in rules.iter_mut().zip(&timings) {
            rule.effective_from = timing.effective_new;
        }
        if rules.is_empty() {
            return Err("there must be at least one version of the rules".to_owned());
        }
        for (i, rule) in rules.iter().enumerate() {
            if let Some(fault) = rule.fault() {
                return Err(format!("rule version {:?} {fault}", rule.version));
            }
            let before = &rules[..i];
            if before
                .iter()
                .any(|b| b.version == rule.version || b.effective_from == rule.effective_from)
            {
                return Err(format!("rule version {:?} stands twice", rule.version));
            }
        }
        Ok(Self {
            zone,
            hold_timeout: TimeDelta::minutes(15),
            void_grace_days: 7,
            warning: TimeDelta::days(7),
            expiry_notice: NoticePolicy::default(),
            reversal_policy: ReversalPolicy::default(),
            notice: TimeDelta::days(30),
            rules,
            timings,
            joined_at: None,
        })
    }

    /// The same programme with other versions of the rules. Errors: as [`Programme::timed`].
    pub fn with_rules(&self, dated: Vec<(Timing, RuleVersion)>) -> Result<Self, String> {
        let Self { rules, timings, .. } = Self::timed(self.zone, dated)?;
        Ok(Self { rules, timings, ..self.clone() })
    }

    /// The programme as it holds for a member: each version begins when it begins for them.
    pub fn of_member(&self, joined_at: Time) -> Cow<'_, Self> {
        if self.timings.iter().all(Timing::is_uniform) {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        for (rule, timing) in own.rules.iter_mut().zip(&self.timings) {
            rule.effective_from = timing.starts_for(joined_at);
        }
        own.joined_at = Some(joined_at);
        Cow::Owned(own)
    }

    /// The version in force at an instant for somebody who has been here since `since`: when a
    /// member joined, or a membership began.
    pub fn in_force_for(&self, since: Time, at: Time) -> &RuleVersion {
        &self.rules[timing::in_force_for(&self.timings, since, at).unwrap_or(0)]
    }

    /// The versions by which somebody may be judged at an instant, the newest first.
    pub fn in_force_for_anybody(&self, at: Time) -> Vec<&RuleVersion> {
        if self.joined_at.is_some() {
            return vec![self.in_force(at)];
        }
        let mut some = Vec::new();
        for (rule, timing) in self.rules.iter().zip(&self.timings).rev() {
            let (new, existing) = (timing.effective_new, timing.effective_existing);
            if new.min(existing) <= at {
                some.push(rule);
            }
            if new.max(existing) <= at {
                return some;
            }
        }
        // The first version also judges what was before it.
        if some.last().is_none_or(|last| last.version != self.rules[0].version) {
            some.push(&self.rules[0]);
        }
        some
    }

    /// The versions by which somebody is or will be judged from an instant on.
    pub fn live(&self, from: Time) -> Vec<&RuleVersion> {
        let mut live = self.in_force_for_anybody(from);
        let known: Vec<&str> = live.iter().map(|version| version.version.as_str()).collect();
        let coming = self.rules.iter().zip(&self.timings).filter(|(rule, timing)| {
            timing.effective_new.max(timing.effective_existing) > from
                && !known.contains(&rule.version.as_str())
        });
        live.extend(coming.map(|(rule, _)| rule));
        live
    }

    /// When each version holds, in the order of `versions`.
    pub fn timings(&self) -> &[Timing] {
        &self.timings
    }

    /// The version in force at an instant for what concerns no member.
    pub fn in_force(&self, at: Time) -> &RuleVersion {
        let started = self.rules.iter().rev().find(|rule| rule.effective_from <= at);
        started.unwrap_or(&self.rules[0])
    }

    /// All versions, the earliest first.
    pub fn versions(&self) -> &[RuleVersion] {
        &self.rules
    }

    /// The longest time for which any version lets a purchase count for tiers.
    pub fn longest_window(&self) -> TimeDelta {
        self.rules.iter().map(|rule| rule.tiers.window()).max().unwrap_or_default()
    }

    /// When points earned at an instant expire. While members are under different versions, and
    /// it is not known whose points these are, the latest date that any of them gives.
    pub fn expiry(&self, earned_at: Time) -> Option<Time> {
        let dates = self.in_force_for_anybody(earned_at).into_iter();
        let dates = dates.map(|version| version.expiry(earned_at, self.zone));
        dates.max_by_key(|date| date.unwrap_or(Time::MAX_UTC)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn the_version_in_force_when_it_happened_judges() {
        let second = RuleVersion {
            version: "2".to_owned(),
            effective_from: at("2024-05-01T00:00:00Z"),
            check_in_points: 1,
            ..RuleVersion::default()
        };
        let programme =
            Programme::new(chrono_tz::Asia::Shanghai, vec![second, RuleVersion::default()])
                .unwrap();
        assert_eq!(programme.in_force(at("2024-04-30T23:59:59Z")).version, "1");
        assert_eq!(programme.in_force(at("2024-05-01T00:00:00Z")).version, "2");
        assert_eq!(programme.in_force(at("1960-01-01T00:00:00Z")).version, "1");
    }

    #[test]
    fn points_are_rounded_down_once() {
        let rules = RuleVersion::default();
        let points = |currency, minor| rules.worth(currency, minor).map(|(worth, _)| worth.points);
        assert_eq!(points("CNY", 1999), Some(19));
        assert_eq!(points("CNY", 99), Some(0));
        assert_eq!(points("USD", 1177), Some(82));
        assert_eq!(points("XAU", 1177), None);
        assert_eq!(points("USD", 1_000_000_000_000_000), Some(70_000_000_000_000));
    }

    #[test]
    fn unsound_rules_are_named() {
        let zone = chrono_tz::UTC;
        let twice = vec![RuleVersion::default(), RuleVersion::default()];
        assert!(Programme::new(zone, twice).unwrap_err().contains("stands twice"));
        assert!(Programme::new(zone, Vec::new()).is_err());
        let mut rule = RuleVersion::default();
        rule.purchases[0].points_den = 0;
        assert!(Programme::new(zone, vec![rule]).unwrap_err().contains("rate"));
        let mut rule = RuleVersion::default();
        rule.purchases[0].points_num = 100_001;
        assert!(Programme::new(zone, vec![rule]).unwrap_err().contains("1,000"));
        let rule = RuleVersion { valid_months: 1_201, ..RuleVersion::default() };
        assert!(Programme::new(zone, vec![rule]).unwrap_err().contains("months"));
    }
}
