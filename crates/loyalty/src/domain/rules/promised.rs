//! What rules promise has to be there: time of a plan on offer, a coupon of a known kind.

use super::RuleVersion;
use crate::domain::Reward;
use crate::domain::catalogue::Good;
use crate::domain::progress::Sort;

impl RuleVersion {
    /// A promise that refers to nothing.
    pub(super) fn empty_promise(&self) -> Option<String> {
        let goals = Sort::ALL.into_iter().flat_map(|sort| self.progress.of(sort));
        let goals = goals.map(|goal| (goal.key.as_str(), goal.rewards.as_slice()));
        let streaks = self.progress.streaks.iter();
        let milestones = streaks.flat_map(|streak| {
            streak.milestones.iter().map(|one| (streak.key.as_str(), one.rewards.as_slice()))
        });
        let steps = self.referrals.steps.iter();
        let steps = steps.map(|step| ("a step for referrals", step.rewards.as_slice()));
        let items = self.benefits.catalogue.iter().filter_map(|item| match &item.good {
            Good::Reward(reward) => Some((item.key.as_str(), std::slice::from_ref(reward))),
            Good::Place(_) | Good::External => None,
        });
        let mut promised = goals.chain(milestones).chain(steps).chain(items);
        promised.find_map(|(cause, rewards)| {
            let missing = rewards.iter().find_map(|reward| self.missing(reward))?;
            Some(format!("promises for {cause:?} {missing}"))
        })
    }

    fn missing(&self, reward: &Reward) -> Option<String> {
        match reward {
            Reward::Membership { plan, .. } if self.plans.plan(plan).is_none() => {
                Some(format!("time of {plan:?}, which is no plan on offer"))
            }
            Reward::Coupon(kind) if self.benefits.coupon(kind).is_none() => {
                Some(format!("a coupon {kind:?}, which is no kind on offer"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reward::Span;

    #[test]
    fn nothing_is_promised_that_is_not_on_offer() {
        let span = Span { months: 1, days: 0 };
        let time = Reward::Membership { plan: "ghost".to_owned(), span };
        let coupon = Reward::Coupon("ghost".to_owned());
        let rewards: [fn(&mut RuleVersion) -> &mut Vec<Reward>; 5] = [
            |rules| &mut rules.progress.tasks[0].rewards,
            |rules| &mut rules.progress.challenges[0].rewards,
            |rules| &mut rules.progress.stamp_cards[0].rewards,
            |rules| &mut rules.progress.streaks[0].milestones[0].rewards,
            |rules| &mut rules.referrals.steps[0].rewards,
        ];
        for reward in [time, coupon] {
            for place in rewards {
                let mut rules = RuleVersion::default();
                place(&mut rules).push(reward.clone());
                let fault = rules.fault();
                assert!(fault.as_ref().is_some_and(|f| f.contains("ghost")), "{fault:?}");
            }
            let mut rules = RuleVersion::default();
            rules.benefits.catalogue[0].good = Good::Reward(reward);
            assert!(rules.fault().is_some());
        }
        assert_eq!(RuleVersion::default().fault(), None);
    }
}
