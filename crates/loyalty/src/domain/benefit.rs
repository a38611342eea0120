//! What can be had beside points: coupons, benefits with places, the catalogue, charity, and what
//! may be given for a failure of ours (product rows LY-9 to LY-12, LY-14).

use super::catalogue::{Good, Item};
use super::charity::{Part, Project};
use super::coupon::{CouponKind, CycleRule, Off, Price, Terms};
use super::incident::Bounds;
use super::quota::{Period, QuotaRule};
use super::reward::Span;
use super::{Reward, Tier};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Things of one sort that the rules may offer.
const MAX_OFFERED: usize = 100;

/// What can be had beside points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BenefitRules {
    /// The kinds of coupons.
    pub coupons: Vec<CouponKind>,
    /// The coupon that comes by purchase cycle.
    pub cycle: Option<CycleRule>,
    /// Benefits, with their places.
    pub places: Vec<QuotaRule>,
    /// What points buy.
    pub catalogue: Vec<Item>,
    /// What purchases are set aside for.
    pub charity: Vec<Project>,
    /// What may be given for a failure of ours.
    pub compensation: Bounds,
}

impl Default for BenefitRules {
    /// Ten yuan off, a tenth off by purchase cycle, and one yuan a course or a tenth of the rest for
    /// schools. Benefits grow with the tier: a monthly open class from silver on, a workshop with
    /// twenty places a month for gold, a personal mentor for diamond.
    fn default() -> Self {
        Self {
            coupons: default_coupons(),
            cycle: Some(CycleRule {
                coupon: "come-back".to_owned(),
                default_days: 30,
                min_purchases: 3,
            }),
            places: default_places(),
            catalogue: default_catalogue(),
            charity: vec![Project {
                key: "village-schools".to_owned(),
                parts: vec![
                    Part {
                        object_prefix: "course:".to_owned(),
                        fixed_minor_units: 100,
                        ..Part::default()
                    },
                    Part { basis_points: 1_000, ..Part::default() },
                ],
            }],
            compensation: Bounds::default(),
        }
    }
}

fn default_coupons() -> Vec<CouponKind> {
    let cny = |minor_units| Price { currency: "CNY".to_owned(), minor_units };
    let kind = |key: &str, valid_days, off, min_order| CouponKind {
        key: key.to_owned(),
        valid_days,
        terms: Terms { off, min_order, object_prefix: String::new() },
    };
    let tenth = Off::Part { basis_points: 1_000, max_minor_units: 5_000 };
    vec![
        kind("ten-yuan", 30, Off::Amount(cny(1_000)), Some(cny(5_000))),
        kind("come-back", 14, tenth, None),
        kind("apology", 90, Off::Amount(cny(2_000)), None),
    ]
}

fn default_places() -> Vec<QuotaRule> {
    let place = |key: &str, places, period, min_tier, per_member| QuotaRule {
        key: key.to_owned(),
        places,
        period,
        min_tier,
        per_member,
        ..QuotaRule::default()
    };
    vec![
        place("open-class", 0, Period::Month, Tier::Silver, 4),
        place("workshop", 20, Period::Month, Tier::Gold, 1),
        place("mentor", 10, Period::Month, Tier::Diamond, 1),
    ]
}

fn default_catalogue() -> Vec<Item> {
    let item = |key: &str, points, good, stock| Item {
        key: key.to_owned(),
        points,
        good,
        stock,
        per_member: 0,
        min_tier: Tier::Ordinary,
    };
    let month = Span { months: 1, days: 0 };
    let export = Reward::Feature { feature: "export".to_owned(), span: month };
    vec![
        item("ten-yuan-off", 500, Good::Reward(Reward::Coupon("ten-yuan".to_owned())), 0),
        item("export-for-a-month", 300, Good::Reward(export), 0),
        item("workshop-place", 1_000, Good::Place("workshop".to_owned()), 0),
        item("notebook", 2_000, Good::External, 200),
    ]
}

impl BenefitRules {
    /// A kind of coupon.
    pub fn coupon(&self, key: &str) -> Option<&CouponKind> {
        self.coupons.iter().find(|kind| kind.key == key)
    }

    /// A benefit with places.
    pub fn place(&self, key: &str) -> Option<&QuotaRule> {
        self.places.iter().find(|rule| rule.key == key)
    }

    /// An item of the catalogue.
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.catalogue.iter().find(|item| item.key == key)
    }

    /// A project of charity.
    pub fn project(&self, key: &str) -> Option<&Project> {
        self.charity.iter().find(|project| project.key == key)
    }

    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        let named = |what: &str, key: &str, fault: Option<&'static str>| {
            fault.map(|fault| format!("has a {what} {key:?} that {fault}"))
        };
        None.or_else(|| self.coupons.iter().find_map(|k| named("coupon", &k.key, k.fault())))
            .or_else(|| self.places.iter().find_map(|p| named("benefit", &p.key, p.fault())))
            .or_else(|| self.catalogue.iter().find_map(|i| named("item", &i.key, i.fault())))
            .or_else(|| self.charity.iter().find_map(|p| named("project", &p.key, p.fault())))
            .or_else(|| named("rule", "cycle", self.cycle.as_ref().and_then(CycleRule::fault)))
            .or_else(|| named("rule", "compensation", self.compensation.fault()))
            .or_else(|| self.keys_fault())
            .or_else(|| self.reference_fault())
    }

    /// Keys are those of one thing, and there are not too many.
    fn keys_fault(&self) -> Option<String> {
        let keys: [(&str, Vec<&str>); 4] = [
            ("coupon", self.coupons.iter().map(|one| one.key.as_str()).collect()),
            ("benefit", self.places.iter().map(|one| one.key.as_str()).collect()),
            ("item", self.catalogue.iter().map(|one| one.key.as_str()).collect()),
            ("project", self.charity.iter().map(|one| one.key.as_str()).collect()),
        ];
        keys.into_iter().find_map(|(what, keys)| {
            let different: BTreeSet<&str> = keys.iter().copied().collect();
            if keys.len() > MAX_OFFERED {
                return Some(format!("has more than {MAX_OFFERED} {what}s"));
            }
            (different.len() < keys.len()).then(|| format!("has a {what} that stands twice"))
        })
    }

    /// What is promised is there.
    fn reference_fault(&self) -> Option<String> {
        let cycle = self.cycle.as_ref().map(|cycle| cycle.coupon.as_str());
        if let Some(key) = cycle.filter(|key| self.coupon(key).is_none()) {
            return Some(format!("gives a coupon {key:?} by cycle that is no kind"));
        }
        self.catalogue.iter().find_map(|item| {
            let missing = match &item.good {
                Good::Reward(Reward::Coupon(kind)) => self.coupon(kind).is_none(),
                Good::Place(key) => self.place(key).is_none(),
                _ => false,
            };
            missing.then(|| format!("has an item {:?} that is not on offer", item.key))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_are_sound_and_survive_a_file() {
        let rules = BenefitRules::default();
        assert_eq!(rules.fault(), None);
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<BenefitRules>(&text).unwrap(), rules);
    }

    #[test]
    fn unsound_rules_are_named() {
        let fault = |spoil: fn(&mut BenefitRules)| {
            let mut rules = BenefitRules::default();
            spoil(&mut rules);
            rules.fault().unwrap()
        };
        assert!(fault(|r| r.coupons.remove(0).key.clear()).contains("not on offer"));
        assert!(fault(|r| r.coupons[0].key.clear()).contains("no key"));
        assert!(fault(|r| r.coupons.push(r.coupons[0].clone())).contains("twice"));
        assert!(fault(|r| r.places.clear()).contains("workshop"));
        assert!(fault(|r| r.catalogue[0].points = 0).contains("no price"));
        assert!(
            fault(|r| r.catalogue[0].good = Good::Reward(Reward::Points(1))).contains("points")
        );
        assert!(fault(|r| r.charity[0].parts[1].basis_points = 10_001).contains("more than all"));
        assert!(fault(|r| r.cycle.as_mut().unwrap().coupon.clear()).contains("no kind"));
        assert!(fault(|r| r.cycle.as_mut().unwrap().min_purchases = 1).contains("gap"));
        assert!(fault(|r| r.compensation.max_points = 0).contains("compensation"));
    }
}
