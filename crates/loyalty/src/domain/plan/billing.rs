//! Which money is asked for, and what becomes of it.

use super::price::{self, Price};
use super::{
    Charge, ChargeKind, ChargeState, Membership, Period, PlanRefusal, Stretch, TimeKind, gift,
};
use crate::domain::{Programme, Time};
use chrono::TimeDelta;

/// What a first charge asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The plan.
    pub plan: String,
    /// The period that it goes on with.
    pub period: Period,
    /// Calendar months that are paid for together.
    pub months: u32,
    /// For all of them.
    pub price: Price,
}

impl Membership {
    /// What the next renewal costs, as known now; `None` when there is none.
    pub fn renewal_price(&self, programme: &Programme, now: Time) -> Option<Price> {
        if !self.renews(programme) {
            return None;
        }
        match &self.next {
            Some((plan, period)) => price::listed(programme.in_force(now), plan, *period),
            None => self.own_price(programme),
        }
    }

    fn own_price(&self, programme: &Programme) -> Option<Price> {
        let (began, at) = (self.began_at, self.end());
        price::protected(programme, began, &self.plan, self.period?, at)
    }

    /// Asks for the first payment.
    pub fn ask_first(&mut self, order: Order, now: Time) {
        let mut charge = self.open(ChargeKind::First, order, now, now);
        charge.asked_at = Some(now);
        self.news.asked = true;
        self.charge = Some(charge);
    }

    /// Records the notice of the next renewal, if its time has come. It is collected when the line
    /// ends, but not before the member had the days of notice; without those, because the member
    /// was told in an own call (`told`). `first` says who never paid before.
    pub fn announce(&mut self, programme: &Programme, now: Time, told: bool, first: bool) {
        if self.notice_time(programme).is_none_or(|at| now < at) {
            return;
        }
        let (plan, period) = match (self.next.clone(), self.period) {
            (Some(next), _) => next,
            (None, Some(period)) => (self.plan.clone(), period),
            (None, None) => return,
        };
        let found = self.renewal_price(programme, now).or_else(|| {
            // The plan to change to is sold no more: the present one goes on.
            self.next = None;
            self.own_price(programme)
        });
        let Some(mut price) = found else { return };
        let kind = if self.was_paid() { ChargeKind::Renewal } else { ChargeKind::TrialEnd };
        if kind == ChargeKind::TrialEnd && first {
            price.amount = programme.in_force(now).plans.first_price(price.amount);
        }
        let lead = if told { TimeDelta::zero() } else { self.lead(programme) };
        let due_at = self.end().max(now + lead);
        let order = Order { plan, period, months: period.months(), price };
        self.charge = Some(self.open(kind, order, now, due_at));
        self.news.announced = true;
    }

    /// Asks for the money of a renewal whose time has come.
    pub fn ask(&mut self, now: Time) {
        if let Some(charge) = self.charge.as_mut().filter(|c| c.is_due(now) && c.asked_at.is_none())
        {
            charge.asked_at = Some(now);
            self.news.asked = true;
        }
    }

    /// The open charge could not be collected.
    pub fn fail(&mut self, programme: &Programme, now: Time, why: &str) -> Result<(), PlanRefusal> {
        self.ask(now);
        let charge = self.charge.as_mut().ok_or(PlanRefusal::ChargeVoid)?;
        if !charge.is_due(now) {
            return Err(PlanRefusal::ChargeNotDue);
        }
        charge.failures = charge.failures.saturating_add(1);
        why.clone_into(&mut charge.failure);
        self.note(programme, now);
        Ok(())
    }

    /// The open charge was collected. A renewal goes on from where access was promised to end; one
    /// that comes after access was lost, from now.
    pub fn pay(&mut self, programme: &Programme, now: Time, by: &str) -> Result<(), PlanRefusal> {
        let charge = self.charge.as_ref().ok_or(PlanRefusal::ChargeVoid)?;
        if !charge.is_due(now) {
            return Err(PlanRefusal::ChargeNotDue);
        }
        let late = self.patience(programme).is_some_and(|until| until <= now);
        let Some(mut charge) = self.charge.take() else { return Err(PlanRefusal::ChargeVoid) };
        let first = charge.kind == ChargeKind::First;
        if first || self.next.is_some() {
            // The price that was said then is the one that is protected.
            self.began_at = charge.noticed_at;
            self.version.clone_from(&programme.in_force(charge.noticed_at).version);
        }
        if first {
            self.canceled_at = None;
        }
        (self.plan, self.period) = (charge.plan.clone(), Some(charge.period));
        self.next = None;
        // Time of lower plans would stand between this period and the next: it becomes time of
        // this plan.
        let rest = if first { gift::set_aside(self, programme, now) } else { Vec::new() };
        let from = if first || late { self.end().max(now) } else { self.bridge(&charge) };
        let until = self.months_from(programme, from, charge.months);
        self.line.append(Stretch {
            kind: TimeKind::Paid,
            plan: charge.plan.clone(),
            source: charge.id.to_string(),
            from,
            until,
        });
        gift::put_back(self, programme, rest);
        charge.covers = Some((from, until));
        charge.paid_at = Some(now);
        by.clone_into(&mut charge.payment_ref);
        charge.state = ChargeState::Paid;
        self.news.closed.push(charge);
        self.advance(programme, now);
        Ok(())
    }

    /// After the end of the line moved away from `end`: the notice moves with it, if that is soon
    /// and in the member's favour; otherwise another one will be recorded.
    pub(super) fn moved(&mut self, programme: &Programme, end: Time, now: Time) {
        let to = self.end();
        // Longer ago than that it would be no reminder.
        let horizon = now + self.lead(programme) * 2;
        let Some(charge) = self.charge.as_mut().filter(|c| c.kind != ChargeKind::First) else {
            return;
        };
        // Who collects what is due must not find it gone.
        if to == end || charge.is_due(now) {
            return;
        }
        if to > end && to <= horizon {
            charge.due_at = charge.due_at.max(to);
            self.news.announced = true;
        } else {
            self.void_charge();
        }
    }

    /// Where a renewal begins: at the end of the line, or when the notice let it be collected. The
    /// time in between was not paid for and is not charged.
    fn bridge(&mut self, charge: &Charge) -> Time {
        let end = self.end();
        if end < charge.due_at {
            self.line.append(Stretch {
                kind: TimeKind::Courtesy,
                plan: self.plan.clone(),
                source: String::new(),
                from: end,
                until: charge.due_at,
            });
        }
        end.max(charge.due_at)
    }

    fn was_paid(&self) -> bool {
        self.line.stretches().iter().any(|stretch| stretch.kind == TimeKind::Paid)
    }

    fn open(&mut self, kind: ChargeKind, order: Order, now: Time, due_at: Time) -> Charge {
        Charge {
            id: self.next_charge_id(),
            kind,
            state: ChargeState::Open,
            amount: order.price.amount,
            currency: order.price.currency,
            plan: order.plan,
            period: order.period,
            months: order.months,
            version: order.price.version,
            noticed_at: now,
            due_at,
            asked_at: None,
            failures: 0,
            failure: String::new(),
            paid_at: None,
            payment_ref: String::new(),
            covers: None,
        }
    }
}
