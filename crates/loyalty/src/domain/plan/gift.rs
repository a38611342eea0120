//! Time that is given, and taken back.
//!
//! Time of the running plan is added to its end. Time of a higher plan runs at once, and what was
//! running waits meanwhile. Time of a lower plan is worth time of the running one, in proportion of
//! their prices and rounded up to a day, if that one renews; otherwise it follows its end. So no
//! time is lost, and nobody has less access for having been given some.

use super::{Membership, Plan, Stretch, TimeKind, months};
use crate::domain::reward::Span;
use crate::domain::{Programme, Time};
use chrono::TimeDelta;

/// The newest plan of this key in any version: what was promised under an older one still counts.
pub fn known_plan<'a>(programme: &'a Programme, key: &str) -> Option<&'a Plan> {
    programme.versions().iter().rev().find_map(|version| version.plans.plan(key))
}

fn rank(programme: &Programme, key: &str) -> u32 {
    known_plan(programme, key).map_or(0, |plan| plan.rank)
}

impl Membership {
    /// Adds time that was given. Called after `advance`.
    pub fn give(&mut self, programme: &Programme, now: Time, plan: &str, span: Span, source: &str) {
        let end = self.end();
        self.lend_until(programme, now);
        let from = self.end().max(self.line_time(now));
        let higher = rank(programme, plan) > rank(programme, &self.plan);
        let lower = rank(programme, plan) < rank(programme, &self.plan);
        let at_once = higher && self.pause.is_none();
        let from = if at_once { now } else { from };
        let until = self.after(programme, from, span);
        let stretch = |plan: &str, until| Stretch {
            kind: TimeKind::Given,
            plan: plan.to_owned(),
            source: source.to_owned(),
            from,
            until,
        };
        if at_once {
            self.line.insert(stretch(plan, until));
        } else if lower && self.renews(programme) {
            let worth = worth(programme, plan, &self.plan, until - from);
            self.line.append(stretch(&self.plan, from + worth));
        } else {
            self.line.append(stretch(plan, until));
        }
        self.moved(programme, end, now);
        self.note(programme, now);
    }

    /// Takes back what is left of time that was given. Called after `advance`.
    pub fn take_back(&mut self, programme: &Programme, now: Time, source: &str) {
        let end = self.end();
        self.line.take(self.line_time(now), |stretch| stretch.source == source);
        self.moved(programme, end, now);
        self.advance(programme, now);
    }

    /// How much of the time that a source gave is not used. Called after `advance`.
    pub fn unused_of(&self, source: &str, now: Time) -> TimeDelta {
        let now = self.line_time(now);
        let own = self.line.stretches().iter().filter(|stretch| stretch.source == source);
        own.map(|stretch| (stretch.until - stretch.from.max(now)).max(TimeDelta::zero())).sum()
    }

    /// Access that went on without having been paid for is a part of the line before something
    /// follows it.
    fn lend_until(&mut self, programme: &Programme, now: Time) {
        let end = self.end();
        let charged = self.charge.as_ref().is_some_and(|charge| charge.is_due(now));
        if self.renews(programme) && !charged && self.pause.is_none() && end < now {
            self.line.append(Stretch {
                kind: TimeKind::Courtesy,
                plan: self.plan.clone(),
                source: String::new(),
                from: end,
                until: now,
            });
        }
    }

    fn after(&self, programme: &Programme, from: Time, span: Span) -> Time {
        let anchor = months::anchor(self.anchor, from, programme.zone);
        let month = match span.months {
            0 => from,
            n => months::after_months(from, n, anchor, programme.zone),
        };
        let day = month.checked_add_signed(TimeDelta::days(i64::from(span.days)));
        day.map_or(months::end_of_time(), |day| day.min(months::end_of_time()))
    }
}

/// Before the first period is put down: takes out the time of lower plans that is left.
pub(super) fn set_aside(
    membership: &mut Membership,
    programme: &Programme,
    now: Time,
) -> Vec<Stretch> {
    let rank_now = rank(programme, &membership.plan);
    membership.line.take(now, |stretch| rank(programme, &stretch.plan) < rank_now)
}

/// Puts it back behind that period, as time of the plan if it renews.
pub(super) fn put_back(membership: &mut Membership, programme: &Programme, rest: Vec<Stretch>) {
    let renews = membership.renews(programme);
    for stretch in rest {
        let (from, length) = (membership.end(), stretch.length());
        let (plan, length) = if renews {
            let plan = membership.plan.clone();
            let worth = worth(programme, &stretch.plan, &plan, length);
            (plan, worth)
        } else {
            (stretch.plan.clone(), length)
        };
        membership.line.append(Stretch { plan, from, until: from + length, ..stretch });
    }
}

/// What time of one plan is worth in another, in whole days, rounded up.
pub fn worth(programme: &Programme, plan: &str, other: &str, length: TimeDelta) -> TimeDelta {
    const DAY: i128 = 86_400;
    let value = |key| i128::from(known_plan(programme, key).map_or(1, Plan::value).max(1));
    let (from, to) = (value(plan), value(other));
    let whole = i128::from(length.num_seconds()) * from;
    let days = (whole + to * DAY - 1) / (to * DAY);
    TimeDelta::days(i64::try_from(days).unwrap_or(36_600).min(3_660_000))
}
