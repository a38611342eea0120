//! Laws over random histories.

use super::world::{Op, World, ops};
use super::*;
use crate::domain::audit::{Auditor, KeptHold};
use proptest::prelude::*;

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
