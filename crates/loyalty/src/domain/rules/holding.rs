//! Which changed terms concern somebody by what they have.
//!
//! A round, a streak, a friend on the way, a coupon and a redemption keep the version they began
//! with, so no change concerns who has them. A membership goes on under later versions, from their
//! date on: what changes for its plan, and for all plans, concerns its holder. What is only for who
//! subscribes does not.

use super::compare::TermChange;
use crate::domain::plan::Period;

/// Terms of plans that hold when somebody subscribes, and never again.
const SUBSCRIBING: [&str; 3] =
    ["plans.first_order_percent_off", "plans.trial_days", "plans.tool_trial_days"];
/// The same of one plan.
const SUBSCRIBING_TO_IT: [&str; 4] = ["", ".trial", ".tool", ".offers"];

/// Those of the changes that concern who has this plan by the month or by the year. A plan that is sold no more goes on as it
/// was for who has it, and so does a price.
pub fn of_membership(plan: &str, period: Period, changes: &[TermChange]) -> Vec<TermChange> {
    let own = format!("plans.plans[{plan}]");
    let other = match period {
        Period::Monthly => ".yearly",
        Period::Yearly => ".monthly",
    };
    let concerns = |change: &&TermChange| match change.term.strip_prefix(&own) {
        Some(rest) => {
            let what = rest.split('[').next().unwrap_or(rest);
            !SUBSCRIBING_TO_IT.contains(&what) && what != other && !change.after.is_empty()
        }
        None => {
            change.term.starts_with("plans.")
                && !change.term.starts_with("plans.plans[")
                && !SUBSCRIBING.contains(&change.term.as_str())
        }
    };
    changes.iter().filter(concerns).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RuleVersion;
    use crate::domain::rules::Class;
    use crate::domain::rules::compare::{class, compare};

    fn concerned(plan: &str, edit: fn(&mut RuleVersion)) -> Option<Class> {
        let old = RuleVersion::default();
        let mut new = old.clone();
        edit(&mut new);
        let changes = of_membership(plan, Period::Monthly, &compare(&old, &new));
        (!changes.is_empty()).then(|| class(&changes))
    }

    #[test]
    fn a_plan_concerns_who_has_it() {
        let dearer = |r: &mut RuleVersion| r.plans.plans[0].monthly = Some(2_100);
        assert_eq!(concerned("basic", dearer), Some(Class::Worse));
        assert_eq!(concerned("premium", dearer), None);
        let cheaper = |r: &mut RuleVersion| r.plans.plans[0].monthly = Some(1_900);
        assert_eq!(concerned("basic", cheaper), Some(Class::Better));
        let refund = |r: &mut RuleVersion| r.plans.refund_days = 3;
        assert_eq!(concerned("premium", refund), Some(Class::Worse));
    }

    #[test]
    fn what_is_for_newcomers_and_what_goes_on_concern_nobody() {
        assert_eq!(concerned("basic", |r| r.plans.trial_days = 0), None);
        assert_eq!(concerned("basic", |r| r.plans.plans[0].trial = false), None);
        assert_eq!(concerned("basic", |r| r.plans.plans[0].offers.clear()), None);
        assert_eq!(concerned("basic", |r| r.plans.plans[0].monthly = None), None);
        assert_eq!(concerned("basic", |r| r.plans.plans[0].yearly = Some(1)), None);
        assert_eq!(concerned("basic", |r| drop(r.plans.plans.remove(0))), None);
        assert_eq!(concerned("basic", |r| r.progress.challenges[0].goal = 31), None);
    }
}
