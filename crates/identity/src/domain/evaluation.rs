//! The one evaluator: everything the rules say about a user at a moment, and when they will say
//! something else if nothing happens until then.

use crate::domain::calendar::{Calendar, Day};
use crate::domain::facts::Facts;
use crate::domain::lifecycle::{self, Finding, SegmentSet};
use crate::domain::observation::Observation;
use crate::domain::risk::{self, Grade, SignalFinding, SignalSet};
use crate::domain::rules::Rules;
use crate::domain::stage::{self, Stage};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// What is decided about a user; all that is stored and told to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Lifecycle segments.
    pub segments: SegmentSet,
    /// Signals of churn.
    pub signals: SignalSet,
    /// Churn grade.
    pub grade: Grade,
    /// Journey stage.
    pub stage: Stage,
}

/// A verdict with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Segment by segment.
    pub findings: [Finding; 4],
    /// Signal by signal.
    pub signals: [SignalFinding; 4],
    /// Sum of the signals' points.
    pub points: i32,
    /// Stage by stage after REACH.
    pub stages: [Observation; 5],
    /// What follows.
    pub verdict: Verdict,
}

/// Evaluates facts under rules.
#[derive(Debug, Clone)]
pub struct Evaluator {
    /// The figures.
    pub rules: Rules,
    /// The days.
    pub calendar: Calendar,
}

impl Evaluator {
    /// The earliest days of behaviour and of spending that any rule looks back to: a month, or
    /// two stretches of "use down" before today; a year.
    pub fn first_days(&self, now: DateTime<Utc>) -> (Day, Day) {
        let today = self.calendar.day_of(now);
        let stretches = 2 * self.rules.risk.use_down_days;
        (today - stretches.max(29), today - 364)
    }

    /// What the rules say about a user at `now`.
    pub fn evaluate(&self, facts: &Facts, now: DateTime<Utc>) -> Evaluation {
        let findings = lifecycle::evaluate(facts, &self.rules.segments, self.calendar, now);
        let signals = risk::evaluate(facts, &self.rules.risk, self.calendar, now);
        let points = signals.iter().map(|signal| signal.points).sum();
        let (stage, stages) = stage::evaluate(&facts.standing);
        let members = findings.iter().filter(|finding| finding.member);
        let mut present = SignalSet::default();
        signals.iter().filter(|s| s.present).for_each(|s| present.insert(s.signal));
        let verdict = Verdict {
            segments: members.map(|finding| finding.segment).collect(),
            signals: present,
            grade: Grade::of(points, &self.rules.risk),
            stage,
        };
        Evaluation { findings, signals, points, stages, verdict }
    }

    /// The first moment after `now` at which the verdict is another one although nothing has
    /// happened; `None` when that never comes.
    ///
    /// Time moves a verdict only where an age passes a bound or a day enters or leaves a window.
    /// Those moments are few; the evaluator itself is asked at each in turn.
    pub fn next_change(&self, facts: &Facts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let verdict = self.evaluate(facts, now).verdict;
        let turning = self.turning_points(facts).into_iter().filter(|time| *time > now);
        turning.into_iter().find(|time| self.evaluate(facts, *time).verdict != verdict)
    }

    /// Every moment at which any condition may turn by time alone.
    fn turning_points(&self, facts: &Facts) -> BTreeSet<DateTime<Utc>> {
        let (segments, risk) = (&self.rules.segments, &self.rules.risk);
        let standing = &facts.standing;
        // Bounds that belong to the old side are crossed a microsecond later, which is the
        // resolution of all times here.
        let just_after = TimeDelta::microseconds(1);
        let mut points = BTreeSet::new();
        points.insert(standing.register_time() + TimeDelta::days(segments.new_days) + just_after);
        let silences = risk.silence.iter().map(|step| step.days);
        for days in silences.chain([segments.churn_silent_days]) {
            points.insert(standing.silent_since() + TimeDelta::days(days));
        }
        if let Some(review) = standing.last_negative_time {
            points.insert(review + TimeDelta::days(risk.review_days) + just_after);
        }
        let stretch = risk.use_down_days;
        // A day leaves the week after 7 days and the month after 30; it is the last complete day
        // after 1, moves to the earlier stretch after one stretch more and out after two.
        let steps: [Day; 5] = [7, 30, 1, stretch + 1, 2 * stretch + 1];
        for day in facts.days.keys() {
            points.extend(steps.iter().map(|step| self.calendar.start_of(day + step)));
        }
        for (_, day) in facts.spending.keys() {
            points.insert(self.calendar.start_of(day + 365));
        }
        if !facts.spending.is_empty() {
            points.extend(segments.average_starts(self.calendar));
        }
        points
    }
}

#[cfg(test)]
mod tests;
