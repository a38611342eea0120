use super::*;
use crate::domain::Time;
use crate::domain::tier::Downgrade;

mod each;
mod laws;

fn changed(edit: impl FnOnce(&mut RuleVersion)) -> (Vec<String>, Class) {
    let old = RuleVersion::default();
    let mut new = old.clone();
    "2".clone_into(&mut new.version);
    edit(&mut new);
    let forth = compare(&old, &new);
    // The way back is the other way round.
    let back = class(&compare(&new, &old));
    match class(&forth) {
        Class::Better => assert_eq!(back, Class::Worse, "{forth:?}"),
        Class::Neutral => assert_eq!(back, Class::Neutral, "{forth:?}"),
        Class::Worse => {}
    }
    (forth.iter().map(|change| change.term.clone()).collect(), class(&forth))
}

#[test]
fn another_name_or_date_changes_nothing() {
    assert_eq!(changed(|_| ()), (Vec::new(), Class::Neutral));
    let later = Time::UNIX_EPOCH + chrono::TimeDelta::days(1);
    assert_eq!(changed(|rules| rules.effective_from = later), (Vec::new(), Class::Neutral));
}

#[test]
fn each_known_term_is_judged_by_its_own_direction() {
    let term = |name: &str, class| (vec![name.to_owned()], class);
    assert_eq!(changed(|r| r.check_in_points = 6), term("check_in_points", Class::Better));
    assert_eq!(changed(|r| r.check_in_points = 4), term("check_in_points", Class::Worse));
    assert_eq!(changed(|r| r.valid_months = 11), term("valid_months", Class::Worse));
    assert_eq!(changed(|r| r.valid_months = 0), term("valid_months", Class::Better));
    assert_eq!(changed(|r| r.tiers.keep_days = 30), term("tiers.keep_days", Class::Worse));
    assert_eq!(changed(|r| r.tiers.silver.orders = 2), term("tiers.silver.orders", Class::Better));
    assert_eq!(changed(|r| r.tiers.silver.orders = 0), term("tiers.silver.orders", Class::Worse));
    assert_eq!(
        changed(|r| r.tiers.downgrade = Downgrade::ToQualified),
        term("tiers.downgrade", Class::Worse)
    );
    assert_eq!(changed(|r| r.currency = "USD".to_owned()), term("currency", Class::Worse));
}

#[test]
fn rates_are_compared_as_fractions() {
    let doubled = |r: &mut RuleVersion| {
        (r.purchases[0].points_num, r.purchases[0].points_den) = (2, 200);
    };
    assert_eq!(changed(doubled), (Vec::new(), Class::Neutral));
    let name = vec!["purchases[CNY].points".to_owned()];
    let less = |r: &mut RuleVersion| r.purchases[0].points_den = 101;
    assert_eq!(changed(less), (name, Class::Worse));
    let (terms, class) = changed(|r| drop(r.purchases.pop()));
    assert_eq!((terms.len(), class), (2, Class::Worse));
}

#[test]
fn one_worse_term_makes_the_change_worse() {
    let (terms, class) = changed(|r| {
        r.check_in_points = 50;
        r.valid_months = 6;
    });
    assert_eq!((terms.len(), class), (2, Class::Worse));
}

#[test]
fn somebody_may_be_under_either_version() {
    let old = RuleVersion::default();
    let worse = RuleVersion { check_in_points: 1, ..old.clone() };
    let between = RuleVersion { check_in_points: 3, ..old.clone() };
    assert_eq!(class(&compare_all(&[&worse], &between)), Class::Better);
    assert_eq!(class(&compare_all(&[&worse, &old], &between)), Class::Worse);
}
