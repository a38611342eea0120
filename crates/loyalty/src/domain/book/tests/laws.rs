//! Laws over random histories.

use super::model::Model;
use super::*;
use crate::domain::audit::Auditor;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
    Earn { points: i64, days: Option<i64> },
    Spend { points: i64 },
    Hold { points: i64, days: i64 },
    Capture { which: usize, points: Option<i64> },
    Void { which: usize },
    ClawBack { which: usize, points: i64 },
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
        2 => (0usize..8, few.clone()).prop_map(|(which, points)| Op::ClawBack { which, points }),
        2 => (0usize..8, few).prop_map(|(which, points)| Op::GiveBack { which, points }),
        3 => (0i64..20).prop_map(|days| Op::Wait { days }),
    ]
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

/// The command of an operation, and whether the model carries it out.
fn both(
    op: &Op,
    id: EntryId,
    now: Time,
    made: &mut Made,
    model: &mut Model,
) -> Option<(Command, bool)> {
    model.settle(now);
    let unlimited = ReversalPolicy::Unlimited;
    Some(match *op {
        Op::Earn { points, days } => {
            let expires = days.map(|d| now + TimeDelta::days(d));
            model.earn(id, points, now, expires);
            made.earnings.push(id);
            (earn(id, points, now, expires), true)
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
        Op::ClawBack { which, points } => {
            let order = Made::pick(&made.earnings, which)?;
            (reverse(id, order, Some(points), unlimited), model.claw_back(order, points))
        }
        Op::GiveBack { which, points } => {
            let spent = Made::pick(&made.spends, which)?;
            (reverse(id, spent, Some(points), unlimited), model.give_back(spent, points, now))
        }
        Op::Wait { .. } => return None,
    })
}

fn totals(shelf: &Shelf) -> [i64; 7] {
    shelf.account.as_ref().map_or([0; 7], |a| {
        [a.issued, a.available - a.held, a.held, a.redeemed, a.expired, a.reversed, a.debt]
    })
}

/// What must hold after every step, whatever happened.
fn conserved(shelf: &Shelf) -> Result<(), TestCaseError> {
    let Some(a) = &shelf.account else { return Ok(()) };
    prop_assert_eq!(a.issued, a.redeemed + a.expired + a.reversed + a.available - a.debt);
    for (place, entry) in shelf.entries.iter().enumerate() {
        prop_assert_eq!(entry.legs.sum(), 0);
        prop_assert_eq!(usize::try_from(entry.seq).unwrap(), place + 1);
        let parts: i64 = entry.allocations.iter().map(|part| part.points).sum();
        let moved = entry.legs.available.abs();
        prop_assert!(entry.kind.lot_sign() == 0 || parts == moved, "{:?}", entry);
    }
    for lot in shelf.lots.values() {
        let uses = shelf.entries.iter().flat_map(|e| {
            let mine = e.allocations.iter().filter(|part| part.lot == lot.id);
            mine.map(|part| part.points * e.kind.lot_sign())
        });
        prop_assert_eq!(uses.sum::<i64>(), lot.amount - lot.remaining);
    }
    Ok(())
}

/// What the operator's check would find.
fn audited(shelf: &Shelf) -> Vec<String> {
    let mut auditor = Auditor::new(i64::MAX);
    for entry in &shelf.entries {
        auditor.entry(entry);
    }
    if let Some(account) = &shelf.account {
        auditor.account(account);
    }
    for lot in shelf.lots.values() {
        auditor.lot(lot);
    }
    for hold in shelf.holds.values() {
        auditor.hold(hold.id, Some(hold.state), hold.resolved_by);
    }
    auditor.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_book_does_what_the_model_does(
        ops in prop::collection::vec(op(), 1..60),
        grace in prop_oneof![Just(0u32), Just(5u32)],
    ) {
        let mut shelf = Shelf::new(programme(grace));
        let mut model = Model::new(grace);
        let mut made = Made::default();
        for op in ops {
            if let Op::Wait { days } = op {
                shelf.now += TimeDelta::days(days);
                continue;
            }
            shelf.settle();
            let id = shelf.next_id();
            let Some((command, done)) = both(&op, id, shelf.now, &mut made, &mut model) else { continue };
            let outcome = shelf.post(&command);
            prop_assert_eq!(outcome.is_ok(), done, "{:?}: {:?}", op, outcome);
            prop_assert_eq!(totals(&shelf), model.totals(), "after {:?}", op);
            conserved(&shelf)?;
        }
        prop_assert_eq!(audited(&shelf), Vec::<String>::new());
    }

    /// Many commands in one batch do the same as each in a batch of its own.
    #[test]
    fn a_batch_is_its_commands_one_by_one(ops in prop::collection::vec(op(), 1..40)) {
        let mut single = Shelf::new(programme(5));
        let mut batched = Shelf::new(programme(5));
        let (mut made, mut model) = (Made::default(), Model::new(5));
        let mut book = batched.book();
        for op in ops {
            let Op::Wait { days } = op else {
                let id = single.next_id();
                let Some((command, _)) = both(&op, id, single.now, &mut made, &mut model) else { continue };
                let alone = single.post(&command);
                let together = book.post(&command).map(|id| book.entry(id).unwrap().clone());
                prop_assert_eq!(alone, together);
                continue;
            };
            // Time passes between batches only.
            batched.write(book.into_changes().unwrap());
            single.now += TimeDelta::days(days);
            batched.now = single.now;
            book = batched.book();
        }
        batched.write(book.into_changes().unwrap());
        prop_assert_eq!(&single.entries, &batched.entries);
        prop_assert_eq!(&single.lots, &batched.lots);
        prop_assert_eq!(&single.account, &batched.account);
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
        let ours = shelf.account.as_ref().map_or(0, |a| a.expired);
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
