//! The model: every point is an object; what is spent is found by looking at all of them.

mod giving;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not active yet; when it becomes so by itself.
    Pending(Option<Time>),
    Free,
    Held(EntryId),
    Spent(EntryId),
    Expired,
    Reversed,
    SetOff,
    Given,
}

#[derive(Debug, Clone)]
pub(super) struct Point {
    lot: EntryId,
    expires_at: Option<Time>,
    earned_at: Time,
    state: State,
    /// When it was spent, counted in points; what was spent last comes back first.
    turn: u64,
}

#[derive(Default)]
pub(super) struct Model {
    points: Vec<Point>,
    holds: BTreeMap<EntryId, (i64, Time, Option<State>)>,
    earned: BTreeMap<EntryId, i64>,
    reversed_of: BTreeMap<EntryId, i64>,
    spent_of: BTreeMap<EntryId, i64>,
    pub debt: i64,
    pub reversed: i64,
    pub exists: bool,
    transferred: i64,
    issued: i64,
    turn: u64,
    grace: u32,
}

impl Model {
    pub(super) fn new(grace: u32) -> Self {
        Self { grace, ..Self::default() }
    }

    pub(super) fn count(&self, is: impl Fn(State) -> bool) -> i64 {
        i64::try_from(self.points.iter().filter(|p| is(p.state)).count()).unwrap()
    }

    pub(super) fn spendable(&self) -> i64 {
        self.count(|s| s == State::Free)
    }

    /// (issued, free, held, redeemed, expired, reversed, debt, pending, transferred)
    pub(super) fn totals(&self) -> [i64; 9] {
        [
            self.issued,
            self.spendable(),
            self.count(|s| matches!(s, State::Held(_))),
            self.count(|s| matches!(s, State::Spent(_))),
            self.count(|s| s == State::Expired),
            self.reversed,
            self.debt,
            self.count(|s| matches!(s, State::Pending(_))),
            self.transferred,
        ]
    }

    /// Free points in the order of use, those of `own` first.
    fn order(&self, own: Option<EntryId>) -> Vec<usize> {
        let mut free: Vec<usize> =
            (0..self.points.len()).filter(|i| self.points[*i].state == State::Free).collect();
        free.sort_by_key(|i| {
            let p = &self.points[*i];
            (Some(p.lot) != own, p.expires_at.is_none(), p.expires_at, p.earned_at, p.lot)
        });
        free
    }

    pub(super) fn settle(&mut self, now: Time) {
        let due: Vec<EntryId> = self
            .holds
            .iter()
            .filter(|(_, (_, deadline, end))| end.is_none() && *deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.release(id, now);
            self.holds.get_mut(&id).unwrap().2 = Some(State::Expired);
        }
        for p in &mut self.points {
            if matches!(p.state, State::Pending(Some(at)) if at <= now) {
                p.state = State::Free;
            }
        }
        for p in &mut self.points {
            if p.state == State::Free && p.expires_at.is_some_and(|at| at <= now) {
                p.state = State::Expired;
            }
        }
        for i in self.order(None) {
            if self.debt > 0 {
                self.points[i].state = State::SetOff;
                self.debt -= 1;
            }
        }
    }

    fn grace_at(&self, now: Time) -> Option<Time> {
        (self.grace > 0).then(|| {
            let midnight = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
            midnight + TimeDelta::days(i64::from(self.grace) + 1)
        })
    }

    /// Points that come back into a dead lot revive the whole lot.
    fn revive(&mut self, lots: &[EntryId], now: Time) {
        let Some(date) = self.grace_at(now) else { return };
        for p in self.points.iter_mut().filter(|p| lots.contains(&p.lot)) {
            if p.expires_at.is_some_and(|at| at <= now) {
                p.expires_at = Some(date);
            }
        }
    }

    fn release(&mut self, hold: EntryId, now: Time) {
        let mut lots = Vec::new();
        for p in self.points.iter_mut().filter(|p| p.state == State::Held(hold)) {
            p.state = State::Free;
            lots.push(p.lot);
        }
        self.revive(&lots, now);
    }

    pub(super) fn earn(&mut self, id: EntryId, points: i64, now: Time, expires: Option<Time>) {
        self.issued += points;
        self.exists = true;
        self.earned.insert(id, points);
        for _ in 0..points {
            if self.debt > 0 {
                self.debt -= 1;
            } else {
                self.put(id, expires, now, State::Free);
            }
        }
    }

    fn put(&mut self, lot: EntryId, expires_at: Option<Time>, earned_at: Time, state: State) {
        self.points.push(Point { lot, expires_at, earned_at, state, turn: 0 });
    }

    fn mark(&mut self, points: i64, own: Option<EntryId>, state: State) -> i64 {
        let order = self.order(own);
        let n = usize::try_from(points).unwrap();
        for i in order.iter().take(n) {
            self.turn += 1;
            self.points[*i].turn = self.turn;
            self.points[*i].state = state;
        }
        i64::try_from(order.len().min(n)).unwrap()
    }

    pub(super) fn spend(&mut self, id: EntryId, points: i64) -> bool {
        if self.spendable() < points {
            return false;
        }
        self.spent_of.insert(id, points);
        self.mark(points, None, State::Spent(id));
        true
    }

    pub(super) fn hold(&mut self, id: EntryId, points: i64, deadline: Time) -> bool {
        if self.spendable() < points {
            return false;
        }
        self.mark(points, None, State::Held(id));
        self.holds.insert(id, (points, deadline, None));
        true
    }

    /// Captures `points` (0: a void).
    pub(super) fn resolve(&mut self, id: EntryId, points: Option<i64>, now: Time) -> bool {
        let Some((held, _, None)) = self.holds.get(&id).copied() else { return false };
        let points = points.unwrap_or(held);
        if points > held {
            return false;
        }
        let mut parts: Vec<usize> =
            (0..self.points.len()).filter(|i| self.points[*i].state == State::Held(id)).collect();
        parts.sort_by_key(|i| self.points[*i].turn);
        let entry = Hold::resolution_id(HoldId::from(id.uuid()));
        for i in parts.iter().take(usize::try_from(points).unwrap()) {
            self.points[*i].state = State::Spent(entry);
        }
        if points > 0 {
            self.spent_of.insert(entry, points);
        }
        self.release(id, now);
        self.holds.get_mut(&id).unwrap().2 = Some(State::Free);
        self.settle(now);
        true
    }

    pub(super) fn claw_back(
        &mut self,
        order: EntryId,
        points: i64,
        policy: ReversalPolicy,
    ) -> bool {
        let Some(&earned) = self.earned.get(&order) else { return false };
        let done = *self.reversed_of.get(&order).unwrap_or(&0);
        let expired = self.points.iter().filter(|p| p.lot == order && p.state == State::Expired);
        let reversible = (earned - done - i64::try_from(expired.count()).unwrap()).max(0);
        let wanted = points.min(reversible);
        if points > earned - done || wanted == 0 {
            return false;
        }
        let mut taken = 0;
        for i in self.pending(order).into_iter().take(usize::try_from(wanted).unwrap()) {
            self.points[i].state = State::Reversed;
            taken += 1;
        }
        if policy != ReversalPolicy::OnlyPending {
            taken += self.mark(wanted - taken, Some(order), State::Reversed);
        }
        if policy == ReversalPolicy::Unlimited {
            self.debt += wanted - taken;
            taken = wanted;
        }
        self.reversed += taken;
        *self.reversed_of.entry(order).or_default() += taken;
        taken > 0
    }

    pub(super) fn give_back(&mut self, spend: EntryId, points: i64, now: Time) -> bool {
        let Some(&spent) = self.spent_of.get(&spend) else { return false };
        let done = *self.reversed_of.get(&spend).unwrap_or(&0);
        if points > spent - done {
            return false;
        }
        let mut parts: Vec<usize> = (0..self.points.len())
            .filter(|i| self.points[*i].state == State::Spent(spend))
            .collect();
        parts.sort_by_key(|i| std::cmp::Reverse(self.points[*i].turn));
        let mut lots = Vec::new();
        for i in parts.into_iter().take(usize::try_from(points).unwrap()) {
            self.points[i].state = State::Free;
            lots.push(self.points[i].lot);
        }
        self.revive(&lots, now);
        *self.reversed_of.entry(spend).or_default() += points;
        self.settle(now);
        true
    }
}
