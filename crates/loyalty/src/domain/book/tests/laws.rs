//! Laws over random histories.

use super::model::Model;
use super::*;
use crate::domain::audit::{Auditor, KeptHold};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
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
fn ops(most: usize) -> impl Strategy<Value = Vec<(bool, Op)>> {
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
struct World {
    models: [Model; 2],
    made: [Made; 2],
}

impl World {
    fn new(grace: u32) -> Self {
        Self { models: [Model::new(grace), Model::new(grace)], made: <[Made; 2]>::default() }
    }

    /// The command of an operation, and whether the model carries it out.
    fn both(&mut self, who: bool, op: &Op, id: EntryId, now: Time) -> Option<(Command, bool)> {
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

fn totals(shelf: &Shelf, user: &str) -> [i64; 9] {
    shelf.accounts.get(user).map_or([0; 9], |a| {
        let free = a.available - a.held;
        let gone = [a.redeemed, a.expired, a.reversed, a.debt, a.escrow, a.transferred];
        let [redeemed, expired, reversed, debt, escrow, transferred] = gone;
        [a.issued, free, a.held, redeemed, expired, reversed, debt, escrow, transferred]
    })
}

/// What must hold after every step, whatever happened.
fn conserved(shelf: &Shelf) -> Result<(), TestCaseError> {
    for a in shelf.accounts.values() {
        let gone = a.redeemed + a.expired + a.reversed + a.transferred;
        prop_assert_eq!(a.issued, gone + a.available + a.escrow - a.debt);
    }
    prop_assert_eq!(shelf.accounts.values().map(|a| a.transferred).sum::<i64>(), 0);
    for (place, entry) in shelf.entries.iter().enumerate() {
        prop_assert_eq!(entry.legs.sum(), 0);
        prop_assert_eq!(usize::try_from(entry.seq).unwrap(), place + 1);
        let parts: i64 = entry.allocations.iter().map(|part| part.points).sum();
        let moved = entry.legs.available.abs() + entry.legs.escrow.abs();
        let named = entry.kind.lot_sign() != 0 && entry.legs.issuer == 0;
        prop_assert!(!named || parts == moved, "{:?}", entry);
    }
    for lot in shelf.lots.values() {
        let uses = shelf.entries.iter().flat_map(|e| {
            let mine = e.allocations.iter().filter(|part| part.lot == lot.id);
            mine.map(|part| part.points * e.kind.lot_sign())
        });
        prop_assert_eq!(uses.sum::<i64>(), lot.amount - lot.remaining - lot.pending);
    }
    Ok(())
}

/// What the operator's check would find.
fn audited(shelf: &Shelf) -> Vec<String> {
    let mut auditor = Auditor::new(1);
    for entry in &shelf.entries {
        auditor.entry(entry);
    }
    for account in shelf.accounts.values() {
        auditor.account(account);
    }
    for lot in shelf.lots.values() {
        auditor.lot(lot);
    }
    for hold in shelf.holds.values() {
        let Hold { id, ref user, points, state, resolved_by, .. } = *hold;
        let user = user.clone();
        auditor.hold(&KeptHold { id, user, points, state: Some(state), resolved_by });
    }
    auditor.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_book_does_what_the_model_does(
        ops in ops(60),
        grace in prop_oneof![Just(0u32), Just(5u32)],
    ) {
        let mut shelf = Shelf::new(programme(grace));
        let mut world = World::new(grace);
        for (who, op) in ops {
            if let Op::Wait { days } = op {
                shelf.now += TimeDelta::days(days);
                continue;
            }
            shelf.settle();
            let id = shelf.next_id();
            let Some((command, done)) = world.both(who, &op, id, shelf.now) else { continue };
            let outcome = shelf.post(&command);
            prop_assert_eq!(outcome.is_ok(), done, "{:?}: {:?}", op, outcome);
            for (model, user) in world.models.iter().zip([USER, OTHER]) {
                prop_assert_eq!(totals(&shelf, user), model.totals(), "{} after {:?}", user, op);
            }
            conserved(&shelf)?;
        }
        prop_assert_eq!(audited(&shelf), Vec::<String>::new());
    }

    /// Many commands in one batch do the same as each in a batch of its own.
    #[test]
    fn a_batch_is_its_commands_one_by_one(ops in ops(40)) {
        let mut single = Shelf::new(programme(5));
        let mut batched = Shelf::new(programme(5));
        let mut world = World::new(5);
        let mut book = batched.book();
        for (who, op) in ops {
            let Op::Wait { days } = op else {
                let id = single.next_id();
                let Some((command, _)) = world.both(who, &op, id, single.now) else { continue };
                let alone = single.post(&command);
                let together = book.post(&command).map(|id| book.entry(id).unwrap().clone());
                prop_assert_eq!(alone, together);
                continue;
            };
            // Time passes between batches only.
            batched.hash = book.seal(batched.hash);
            batched.write(book.into_changes().unwrap());
            single.now += TimeDelta::days(days);
            batched.now = single.now;
            book = batched.book();
        }
        batched.hash = book.seal(batched.hash);
        batched.write(book.into_changes().unwrap());
        prop_assert_eq!(&single.entries, &batched.entries);
        prop_assert_eq!(&single.lots, &batched.lots);
        prop_assert_eq!(&single.accounts, &batched.accounts);
    }

    /// No other choice of lots lets fewer points expire: all of them are tried.
    #[test]
    fn the_order_of_use_lets_the_fewest_points_expire(
        lots in prop::collection::vec((1i64..4, prop::option::of(1i64..9)), 1..4),
        spends in prop::collection::vec((0i64..9, 1i64..4), 0..4),
    ) {
        let mut shelf = Shelf::new(programme(0));
        for (points, days) in &lots {
            shelf.earn(*points, days.map(day));
        }
        let mut spends = spends;
        spends.sort_unstable();
        let mut done = Vec::new();
        for (on, points) in spends {
            shelf.now = day(on);
            let id = shelf.next_id();
            if shelf.post(&spend(id, points)).is_ok() {
                done.push((on, points));
            }
        }
        shelf.now = day(10);
        shelf.settle();
        let state: Vec<(i64, i64)> =
            lots.iter().map(|(points, days)| (*points, days.unwrap_or(i64::MAX))).collect();
        let ours = shelf.accounts.get(USER).map_or(0, |a| a.expired);
        prop_assert_eq!(Some(ours), fewest_expired(&state, &done));
    }
}

/// The fewest points that can expire by day 10 over every way of taking the spends from lots of
/// (points, day); `None` when they cannot all be taken.
fn fewest_expired(lots: &[(i64, i64)], spends: &[(i64, i64)]) -> Option<i64> {
    let Some((&(on, points), rest)) = spends.split_first() else {
        return Some(lots.iter().filter(|(_, date)| *date <= 10).map(|(points, _)| points).sum());
    };
    if points == 0 {
        return fewest_expired(lots, rest);
    }
    let mut one_less = vec![(on, points - 1)];
    one_less.extend_from_slice(rest);
    let usable = (0..lots.len()).filter(|i| lots[*i].0 > 0 && lots[*i].1 > on);
    usable
        .filter_map(|i| {
            let mut lots = lots.to_vec();
            lots[i].0 -= 1;
            fewest_expired(&lots, &one_less)
        })
        .min()
}
