//! What members do with a membership that has begun. Each is called after `advance`.

use super::{
    Charge, Ending, Membership, Pause, Payout, PayoutCause, Period, PlanRefusal, State, Stretch,
    TimeKind,
};
use crate::domain::{Programme, Time};
use chrono::TimeDelta;

impl Membership {
    /// Begins with a free trial.
    pub fn try_out(&mut self, programme: &Programme, period: Period, how_long: TimeDelta) {
        self.period = Some(period);
        let from = self.created_at;
        self.line.append(Stretch {
            kind: TimeKind::Trial,
            plan: self.plan.clone(),
            source: String::new(),
            from,
            until: from + how_long,
        });
        self.note(programme, from);
    }

    /// Ends it: at the end of what was paid or given, or at once.
    pub fn cancel(
        &mut self,
        programme: &Programme,
        now: Time,
        immediate: bool,
    ) -> Result<(), PlanRefusal> {
        self.must_run()?;
        if self.canceled_at.is_some() && !immediate && !self.is_pending() {
            return Err(PlanRefusal::Canceled);
        }
        if immediate {
            self.line.take(self.line_time(now), |_| true);
            self.stop(now, Ending::Stopped);
        } else if self.is_pending() {
            self.void_charge();
            self.give_up(now);
        } else {
            self.void_charge();
            self.canceled_at = Some(now);
            if self.pause.is_none() && self.end() <= now {
                // In the days of grace: the end of what was paid has come already.
                self.stop(now, Ending::Expired);
            }
        }
        self.note(programme, now);
        Ok(())
    }

    /// Takes a cancellation back.
    pub fn undo_cancel(&mut self, programme: &Programme, now: Time) -> Result<(), PlanRefusal> {
        self.must_run()?;
        self.canceled_at.take().ok_or(PlanRefusal::NotCanceled)?;
        self.note(programme, now);
        Ok(())
    }

    /// Sets it aside: its time stands still.
    pub fn set_aside(&mut self, programme: &Programme, now: Time) -> Result<(), PlanRefusal> {
        self.must_run()?;
        if self.pause.is_some() {
            return Err(PlanRefusal::Paused);
        }
        let due = self.charge.as_ref().is_some_and(|charge| charge.is_due(now));
        if self.state != State::Active || due || self.line.at(now).is_none() {
            return Err(PlanRefusal::NotActive);
        }
        let longest = self.terms(programme, now).plans.pause_days;
        self.void_charge();
        self.pause = Some(Pause { since: now, until: now + TimeDelta::days(i64::from(longest)) });
        self.note(programme, now);
        Ok(())
    }

    /// Ends a pause.
    pub fn resume(&mut self, programme: &Programme, now: Time) -> Result<(), PlanRefusal> {
        self.must_run()?;
        if self.pause.is_none() {
            return Err(PlanRefusal::NotPaused);
        }
        self.go_on(now);
        self.note(programme, now);
        Ok(())
    }

    /// Renews with another plan or period.
    pub fn change(
        &mut self,
        programme: &Programme,
        now: Time,
        plan: &str,
        period: Period,
    ) -> Result<(), PlanRefusal> {
        self.must_run()?;
        if self.charge.as_ref().is_some_and(|charge| charge.is_due(now)) {
            return Err(PlanRefusal::ChargeDue);
        }
        if !self.renews(programme) {
            return Err(PlanRefusal::DoesNotRenew);
        }
        if programme.in_force(now).plans.price(plan, period).is_none() {
            return Err(PlanRefusal::NoPlan);
        }
        if flawed!(OldestChangeWins) && self.next.is_some() {
            return Ok(());
        }
        let same = plan == self.plan && self.period == Some(period);
        self.next = (!same).then(|| (plan.to_owned(), period));
        // The notice said another price.
        self.void_charge();
        Ok(())
    }

    /// Ends it because its latest charge is given back. Answers the time that was given and is left:
    /// that is not taken.
    pub fn refund(&mut self, programme: &Programme, now: Time) -> Vec<Stretch> {
        let mut rest = Vec::new();
        if self.ended.is_none() {
            rest = self.line.take(self.line_time(now), |_| true);
            rest.retain(|stretch| stretch.kind == TimeKind::Given);
        }
        self.stop(now, Ending::Refunded);
        self.note(programme, now);
        rest
    }

    /// What a charge that was paid gives back on request: all of it, within the days that the terms
    /// promise, each of 24 hours, the last instant included.
    pub fn payout(
        &self,
        programme: &Programme,
        charge: &Charge,
        now: Time,
    ) -> Result<Payout, PlanRefusal> {
        let paid_at = charge.paid_at.ok_or(PlanRefusal::NothingPaid)?;
        let promised = self.terms(programme, paid_at).plans.refund_days;
        let until = paid_at + TimeDelta::days(i64::from(promised));
        if now > until {
            return Err(PlanRefusal::RefundOver { until });
        }
        Ok(charge.payout(&self.user, PayoutCause::Refund, now))
    }

    fn must_run(&self) -> Result<(), PlanRefusal> {
        if self.ended.is_some() { Err(PlanRefusal::Ended) } else { Ok(()) }
    }
}
