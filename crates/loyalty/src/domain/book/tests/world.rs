//! Random operations of two members, as commands and as what the model makes of them.

use super::model::Model;
use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(super) enum Op {
    Earn { points: i64, days: Option<i64> },
    Spend { points: i64 },
    Hold { points: i64, days: i64 },
    Capture { which: usize, points: Option<i64> },
    Void { which: usize },
    EarnPending { points: i64, active: Option<i64>, days: Option<i64> },
    Activate { which: usize },
    Cancel { which: usize, points: Option<i64> },
    Transfer { points: i64 },
    Correct { points: i64 },
    ClawBack { which: usize, points: i64, policy: ReversalPolicy },
    GiveBack { which: usize, points: i64 },
    Wait { days: i64 },
}

fn op() -> impl Strategy<Value = Op> {
    let few = 1i64..30;
    prop_oneof![
        4 => (few.clone(), prop::option::of(1i64..40)).prop_map(|(points, days)| Op::Earn { points, days }),
        3 => few.clone().prop_map(|points| Op::Spend { points }),
        3 => (few.clone(), 1i64..30).prop_map(|(points, days)| Op::Hold { points, days }),
        2 => (0usize..8, prop::option::of(few.clone())).prop_map(|(which, points)| Op::Capture { which, points }),
        1 => (0usize..8).prop_map(|which| Op::Void { which }),
        2 => (0usize..8, few.clone(), policy()).prop_map(|(which, points, policy)| Op::ClawBack { which, points, policy }),
        3 => (few.clone(), prop::option::of(0i64..15), prop::option::of(15i64..40))
            .prop_map(|(points, active, days)| Op::EarnPending { points, active, days }),
        1 => (0usize..8).prop_map(|which| Op::Activate { which }),
        1 => (0usize..8, prop::option::of(few.clone())).prop_map(|(which, points)| Op::Cancel { which, points }),
        2 => few.clone().prop_map(|points| Op::Transfer { points }),
        1 => (1i64..30, any::<bool>()).prop_map(|(n, up)| Op::Correct { points: if up { n } else { -n } }),
        2 => (0usize..8, few).prop_map(|(which, points)| Op::GiveBack { which, points }),
        3 => (0i64..20).prop_map(|days| Op::Wait { days }),
    ]
}

fn policy() -> impl Strategy<Value = ReversalPolicy> {
    prop_oneof![
        3 => Just(ReversalPolicy::Unlimited),
        1 => Just(ReversalPolicy::WithinBalance),
        1 => Just(ReversalPolicy::OnlyPending),
    ]
}

/// Who does it (the first member or the second), and what.
pub(super) fn ops(most: usize) -> impl Strategy<Value = Vec<(bool, Op)>> {
    prop::collection::vec((prop::bool::weighted(0.25), op()), 1..most)
}

/// The ids that later operations can refer to.
#[derive(Default)]
struct Made {
    earnings: Vec<EntryId>,
    spends: Vec<EntryId>,
    holds: Vec<EntryId>,
}

impl Made {
    fn pick(ids: &[EntryId], which: usize) -> Option<EntryId> {
        (!ids.is_empty()).then(|| ids[which % ids.len()])
    }
}

/// Two members, by the model.
pub(super) struct World {
    pub(super) models: [Model; 2],
    made: [Made; 2],
}

impl World {
    pub(super) fn new(grace: u32) -> Self {
        Self { models: [Model::new(grace), Model::new(grace)], made: <[Made; 2]>::default() }
    }

    /// The command of an operation, and whether the model carries it out.
    pub(super) fn both(
        &mut self,
        who: bool,
        op: &Op,
        id: EntryId,
        now: Time,
    ) -> Option<(Command, bool)> {
        self.models.iter_mut().for_each(|model| model.settle(now));
        let user = if who { OTHER } else { USER };
        if let Op::Transfer { points } = *op {
            let to = if who { USER } else { OTHER };
            let done = self.transfer(usize::from(who), id, points, now);
            return Some((transfer(id, user, to, points), done));
        }
        let (model, made) = (&mut self.models[usize::from(who)], &mut self.made[usize::from(who)]);
        let (command, done) = both(op, id, now, made, model)?;
        Some((by(user, command), done))
    }

    fn transfer(&mut self, who: usize, id: EntryId, points: i64, now: Time) -> bool {
        let [one, other] = &mut self.models;
        let (giver, receiver) = if who == 1 { (other, one) } else { (one, other) };
        if !giver.exists || !receiver.exists {
            return false;
        }
        let Some(given) = giver.give(points) else { return false };
        receiver.receive(Transfer::received_id(id), &given, now);
        true
    }
}

fn both(
    op: &Op,
    id: EntryId,
    now: Time,
    made: &mut Made,
    model: &mut Model,
) -> Option<(Command, bool)> {
    let later = |days: Option<i64>| days.map(|d| now + TimeDelta::days(d));
    Some(match *op {
        Op::Earn { points, days } => {
            model.earn(id, points, now, later(days));
            made.earnings.push(id);
            (earn(id, points, now, later(days)), true)
        }
        Op::EarnPending { points, active, days } => {
            let (active, days) = (later(active), later(days));
            model.earn_pending(id, points, now, active, days);
            made.earnings.push(id);
            (earn_pending(id, points, now, active, days), true)
        }
        Op::Activate { which } => {
            let order = Made::pick(&made.earnings, which)?;
            (activate(order), model.activate(order, now))
        }
        Op::Cancel { which, points } => {
            let order = Made::pick(&made.earnings, which)?;
            (cancel(id, order, points), model.cancel(order, points))
        }
        Op::Correct { points } => {
            let done = model.correct(id, points, now);
            if done && points > 0 {
                made.earnings.push(id);
            }
            (correct(id, points, ReversalPolicy::WithinBalance), done)
        }
        Op::Spend { points } => {
            made.spends.push(id);
            (spend(id, points), model.spend(id, points))
        }
        Op::Hold { points, days } => {
            made.holds.push(id);
            (hold(id, points, days), model.hold(id, points, now + TimeDelta::days(days)))
        }
        Op::Capture { which, points } => {
            let hold = Made::pick(&made.holds, which)?;
            made.spends.push(Hold::resolution_id(HoldId::from(hold.uuid())));
            (capture(hold, points), model.resolve(hold, points, now))
        }
        Op::Void { which } => {
            let hold = Made::pick(&made.holds, which)?;
            (void(hold), model.resolve(hold, Some(0), now))
        }
        Op::ClawBack { which, points, policy } => {
            let order = Made::pick(&made.earnings, which)?;
            (reverse(id, order, Some(points), policy), model.claw_back(order, points, policy))
        }
        Op::GiveBack { which, points } => {
            let spent = Made::pick(&made.spends, which)?;
            let unlimited = ReversalPolicy::Unlimited;
            (reverse(id, spent, Some(points), unlimited), model.give_back(spent, points, now))
        }
        Op::Transfer { .. } | Op::Wait { .. } => return None,
    })
}
