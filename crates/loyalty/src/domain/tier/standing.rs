//! Where a member stands, and every instant at which that can change.
//!
//! A member rises at the instant the metrics reach a higher tier (or when the next period begins,
//! where the rules say so), or a tier is given. A tier is guaranteed until `keep_until`, whatever is
//! refunded meanwhile; after that the member falls at the first instant at which the metrics are
//! too low: at any instant where days are counted, at the end of a period where those are. A change
//! is dated at that instant, not when a job noticed it, so a late job changes nothing: judging step
//! by step equals judging once from scratch.

use super::fact::given;
use super::{Downgrade, Fact, Holder, Metrics, Period, Tier, TierRules, Upgrade, Window};
use crate::domain::Time;
use crate::domain::rules::Programme;
use chrono::TimeDelta;

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The tier.
    pub tier: Tier,
    /// Since when.
    pub since: Time,
    /// Guaranteed until; `None` for the lowest tier.
    pub keep_until: Option<Time>,
    /// Everything up to this instant has been judged.
    pub judged_at: Time,
    /// When the member joined.
    pub joined_at: Time,
}

/// Why a tier changed. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum Cause {
    Qualified = 1,
    Lapsed = 2,
    Granted = 3,
}

impl Cause {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [Self::Qualified, Self::Lapsed, Self::Granted];
        all.into_iter().find(|cause| cause.number() == number)
    }
}

/// A change of tier with what justified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tier before.
    pub from: Tier,
    /// The tier after.
    pub to: Tier,
    /// When.
    pub at: Time,
    /// Until when the new tier is guaranteed.
    pub keep_until: Option<Time>,
    /// Why.
    pub cause: Cause,
    /// The values that decided.
    pub metrics: Metrics,
    /// What was after this instant, up to `at`, counted; where the window is a period, from this
    /// instant on.
    pub window_start: Time,
    /// The version of the rules that judged.
    pub version: String,
}

impl Standing {
    /// A member of the lowest tier about whom nothing is known yet.
    pub fn new(joined_at: Time) -> Self {
        Self {
            tier: Tier::Ordinary,
            since: joined_at,
            keep_until: None,
            judged_at: joined_at,
            joined_at,
        }
    }

    /// The standing and all changes that follow from `facts` (in the order of recording) up to
    /// `until`, from scratch.
    pub fn from_scratch(
        joined_at: Time,
        facts: &[Fact],
        programme: &Programme,
        until: Time,
    ) -> (Self, Vec<Change>) {
        let mut standing = Self::new(joined_at);
        let mut changes = Vec::new();
        for known in 1..=facts.len() {
            changes.extend(standing.take_in(&facts[..known], programme));
        }
        changes.extend(standing.advance(facts, programme, until));
        (standing, changes)
    }

    /// Judges at the instant at which the last of `facts` was recorded, after everything that
    /// fell due before it.
    pub fn take_in(&mut self, facts: &[Fact], programme: &Programme) -> Vec<Change> {
        let Some((newest, before)) = facts.split_last() else { return Vec::new() };
        let at = newest.recorded_at.max(self.judged_at);
        let mut changes = self.advance(before, programme, at);
        if let Some(change) = self.judge(facts, programme, at) {
            self.apply(&change);
            changes.push(change);
        }
        changes
    }

    /// Lets time pass up to `until`, with nothing new.
    pub fn advance(&mut self, facts: &[Fact], programme: &Programme, until: Time) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some(change) = self.next_change(facts, programme, until) {
            self.apply(&change);
            changes.push(change);
        }
        self.judged_at = self.judged_at.max(until);
        changes
    }

    /// The next change up to `until` if nothing new happens.
    pub fn next_change(
        &self,
        facts: &[Fact],
        programme: &Programme,
        until: Time,
    ) -> Option<Change> {
        let mut at = self.judged_at;
        loop {
            at = self.next_instant(facts, programme, at).filter(|at| *at <= until)?;
            if let Some(change) = self.judge(facts, programme, at) {
                return Some(change);
            }
        }
    }

    /// When the member has to be looked at again, even if nothing new happens.
    pub fn due_at(&self, facts: &[Fact], programme: &Programme) -> Option<Time> {
        self.next_instant(facts, programme, self.judged_at)
    }

    /// Whose periods the rules count by.
    pub fn holder(&self, programme: &Programme) -> Holder {
        Holder { joined_at: self.joined_at, since: self.since, zone: programme.zone }
    }

    /// The next instant after `after` at which the judgement can differ. It can rise when a fact
    /// begins to count, another version comes into force, or a period ends; it can fall when the
    /// guarantee ends and, after that, whenever a fact ceases to count. (Metrics never rise by
    /// that: a refund leaves together with its purchase, which is at least as large.)
    fn next_instant(&self, facts: &[Fact], programme: &Programme, after: Time) -> Option<Time> {
        let versions = programme.versions();
        let starts = versions.iter().map(|version| version.effective_from);
        let rises = starts.chain(facts.iter().map(|fact| fact.occurred_at));
        let next_rise = rises.filter(|at| *at > after).min();
        let guarantee = self.keep_until.filter(|end| *end > after);
        let can_fall = self.tier != Tier::Ordinary && guarantee.is_none();
        let next_fall = if can_fall {
            let rolling = versions.iter().map(|version| &version.tiers);
            let rolling = rolling.filter(|rules| rules.window == Window::Rolling);
            let leaves = rolling.flat_map(|rules| facts.iter().map(|fact| fact.leaves_at(rules)));
            let ends = facts.iter().filter_map(|fact| fact.given).map(|given| given.until);
            leaves.chain(ends).filter(|at| *at > after).min()
        } else {
            guarantee
        };
        // Periods are those of the version in force; when another one comes, it is asked again.
        let rules = &programme.in_force(after).tiers;
        let period = rules.window.period(after, &self.holder(programme)).filter(|period| {
            let counts = |fact: &Fact| fact.anchor_at >= period.start;
            can_fall || (rules.upgrade == Upgrade::NextPeriod && facts.iter().any(counts))
        });
        let next_period = period.map(|period| period.end).filter(|end| *end > after);
        next_rise.into_iter().chain(next_fall).chain(next_period).min()
    }

    fn judge(&self, facts: &[Fact], programme: &Programme, at: Time) -> Option<Change> {
        let version = programme.in_force(at);
        let rules = &version.tiers;
        let holder = self.holder(programme);
        let seen = Seen::at(facts, rules, at, &holder);
        let given = given(facts, at);
        let floor = given.map_or(Tier::Ordinary, |(tier, _)| tier);
        let risen = seen.rising.map_or(Tier::Ordinary, |(metrics, _)| rules.qualified(&metrics));
        let guaranteed = self.keep_until.is_some_and(|until| at < until);
        let (to, cause, (metrics, window_start)) = if risen.max(floor) > self.tier {
            let cause = if floor > risen { Cause::Granted } else { Cause::Qualified };
            (risen.max(floor), cause, seen.rising.unwrap_or(seen.running))
        } else {
            let judged = seen.falling.filter(|_| !guaranteed)?;
            let held = rules.qualified(&judged.0).max(floor);
            if held >= self.tier {
                return None;
            }
            let to = match rules.downgrade {
                Downgrade::OneDown => self.tier.down(),
                Downgrade::ToQualified => held,
                Downgrade::ToBase => floor,
            };
            (to, Cause::Lapsed, judged)
        };
        let keep_until = match (to, given) {
            (Tier::Ordinary, _) => None,
            (_, Some((_, until))) if cause == Cause::Granted => Some(until),
            _ => {
                let holder = Holder { since: at, ..holder };
                Some(rules.keep_until(at, cause == Cause::Lapsed, &holder))
            }
        };
        let version = version.version.clone();
        Some(Change { from: self.tier, to, at, keep_until, cause, metrics, window_start, version })
    }

    fn apply(&mut self, change: &Change) {
        self.tier = change.to;
        self.since = change.at;
        self.keep_until = change.keep_until;
        self.judged_at = change.at;
    }
}

/// Metrics, and since when they count.
type Dated = (Metrics, Time);

/// What there is to judge by at an instant.
struct Seen {
    /// Up to now.
    running: Dated,
    /// What may raise a member, if anything may now.
    rising: Option<Dated>,
    /// What keeps a member who is not guaranteed the tier, if that is asked now.
    falling: Option<Dated>,
}

impl Seen {
    fn at(facts: &[Fact], rules: &TierRules, at: Time, holder: &Holder) -> Self {
        let period = rules.window.period(at, holder);
        let running = (Metrics::at(facts, rules, at, holder), rules.window_start(at, holder));
        let begins = period.is_some_and(|period| period.follows && period.start == at);
        let ended = || -> Option<Dated> {
            let just_before = at - TimeDelta::microseconds(1);
            let ended: Period = rules.window.period(just_before, holder)?;
            Some((Metrics::of_ended(facts, &ended), ended.start))
        };
        let by_period = if begins && rules.judges_ended() { ended() } else { Some(running) };
        Self {
            running,
            rising: match rules.upgrade {
                Upgrade::Immediate => Some(running),
                Upgrade::NextPeriod => by_period.filter(|_| begins),
            },
            falling: if rules.falls_by_period() {
                by_period.filter(|_| begins)
            } else {
                Some(running)
            },
        }
    }
}

#[cfg(test)]
mod tests;
