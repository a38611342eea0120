//! Judging step by step equals judging from scratch, whatever happens and however it is counted.

use super::*;
use proptest::prelude::*;

/// What happens to a member: time passes, a purchase (some days late), a refund of an earlier one,
/// a friend who counts some days later, one who is lost again, a tier that is given, and taken.
#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Buy { late: i64, spend: i64 },
    Refund { which: usize },
    Bring { days: i64 },
    Lose { which: usize },
    Give { tier: Tier, days: i64 },
    Take { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0i64..120).prop_map(Step::Wait),
        4 => ((-3i64..20), (1i64..250)).prop_map(|(late, spend)| Step::Buy { late, spend }),
        2 => (0usize..20).prop_map(|which| Step::Refund { which }),
        2 => (0i64..20).prop_map(|days| Step::Bring { days }),
        1 => (0usize..20).prop_map(|which| Step::Lose { which }),
        1 => (2usize..4, 1i64..100).prop_map(|(n, days)| Step::Give { tier: Tier::ALL[n - 1], days }),
        1 => (0usize..20).prop_map(|which| Step::Take { which }),
    ]
}

fn some_tiers() -> impl Strategy<Value = TierRules> {
    let window = prop::sample::select(vec![
        Window::Rolling,
        Window::CalendarMonth,
        Window::CalendarQuarter,
        Window::CalendarHalf,
        Window::CalendarYear,
        Window::MembershipAnniversary,
        Window::TierAnniversary,
        Window::Lifetime,
    ]);
    let upgrade = prop::sample::select(vec![Upgrade::Immediate, Upgrade::NextPeriod]);
    let keep = prop::sample::select(vec![Keep::Days, Keep::EndOfPeriod, Keep::EndOfNextPeriod]);
    let downgrade =
        prop::sample::select(vec![Downgrade::OneDown, Downgrade::ToQualified, Downgrade::ToBase]);
    (window, upgrade, keep, downgrade, 20u32..200).prop_map(
        |(window, upgrade, keep, down, days)| {
            let plain = TierRules { window, ..tiers(days, down) };
            if window.is_periodic() { TierRules { upgrade, keep, ..plain } } else { plain }
        },
    )
}

/// A member to whom things happen, judged at each of them.
struct Life {
    now: Time,
    standing: Standing,
    facts: Vec<Fact>,
    changes: Vec<Change>,
}

impl Life {
    /// The facts that the store would hand out.
    fn counting(&self, programme: &Programme) -> Vec<Fact> {
        let after = self.standing.judged_at.checked_sub_signed(programme.longest_window());
        let counts = |fact: &&Fact| after.is_none_or(|after| fact.anchor_at > after);
        self.facts.iter().filter(counts).copied().collect()
    }

    fn take_in(&mut self, fact: Fact, programme: &Programme) {
        // The newest is judged even if it is too old to count.
        let mut known = self.counting(programme);
        known.push(fact);
        self.facts.push(fact);
        self.changes.extend(self.standing.take_in(&known, programme));
    }

    fn advance(&mut self, programme: &Programme) {
        let known = self.counting(programme);
        self.changes.extend(self.standing.advance(&known, programme, self.now));
    }

    fn live(&mut self, step: &Step, programme: &Programme) {
        let now = self.now;
        let at = |which: usize, facts: &[Fact], of: fn(&Fact) -> bool| {
            facts.get(which).copied().filter(of)
        };
        match *step {
            Step::Wait(days) => {
                self.now += TimeDelta::days(days);
                self.advance(programme);
            }
            Step::Buy { late, spend } => {
                let occurred_at = now - TimeDelta::days(late);
                let anchor_at = occurred_at;
                let bought =
                    Fact { occurred_at, anchor_at, spend, orders: 1, ..Fact::nothing(now) };
                self.take_in(bought, programme);
            }
            Step::Refund { which } => {
                let Some(of) = at(which, &self.facts, |f| f.orders == 1) else { return };
                let occurred_at = now.max(of.occurred_at);
                let (spend, orders) = (-of.spend, -1);
                self.take_in(
                    Fact { recorded_at: now, occurred_at, spend, orders, ..of },
                    programme,
                );
            }
            Step::Bring { days } => {
                let from = now + TimeDelta::days(days);
                let brought = Fact { occurred_at: from, anchor_at: from, ..Fact::nothing(now) };
                self.take_in(Fact { recommendations: 1, ..brought }, programme);
            }
            Step::Lose { which } => {
                let Some(of) = at(which, &self.facts, |f| f.recommendations == 1) else { return };
                let occurred_at = now.max(of.occurred_at);
                let lost = Fact { recorded_at: now, occurred_at, recommendations: -1, ..of };
                self.take_in(lost, programme);
            }
            Step::Give { tier, days } => {
                let until = now + TimeDelta::days(days);
                let given = Some(Given { tier, until });
                self.take_in(Fact { given, anchor_at: until, ..Fact::nothing(now) }, programme);
            }
            Step::Take { which } => {
                let Some(fact) = self.facts.get_mut(which) else { return };
                let until = Given::taken_back(fact.occurred_at, now);
                if let Some(given) = fact.given.as_mut().filter(|given| given.until > until) {
                    given.until = until;
                }
                self.advance(programme);
            }
        }
    }
}

proptest! {
    /// At whatever instants a job happens to run, with only the facts that can still count, the
    /// same comes out as from scratch; and nobody falls inside a guarantee.
    #[test]
    fn step_by_step_equals_from_scratch(
        steps in prop::collection::vec(step(), 1..40),
        first in some_tiers(),
        second in some_tiers(),
        second_from in 1i64..900,
    ) {
        let versions = vec![rules("1", 0, first), rules("2", second_from, second)];
        let programme = Programme::new(chrono_tz::Asia::Shanghai, versions).unwrap();
        let now = day(0);
        let standing = Standing::new(now);
        let mut life = Life { now, standing, facts: Vec::new(), changes: Vec::new() };
        for step in &steps {
            life.live(step, &programme);
        }
        let (scratch, all) = Standing::from_scratch(day(0), &life.facts, &programme, life.now);
        prop_assert_eq!(&life.changes, &all);
        prop_assert_eq!(life.standing, scratch);
        for pair in life.changes.windows(2) {
            if pair[1].cause == Cause::Lapsed {
                prop_assert!(pair[0].keep_until.is_none_or(|until| until <= pair[1].at));
            }
        }
        // What lies ahead comes to an end.
        let known = life.counting(&programme);
        let mut ahead = life.standing;
        ahead.advance(&known, &programme, Time::MAX_UTC);
    }
}
