//! Where a member stands, and every instant at which that can change.
//!
//! A member rises at the instant the metrics reach a higher tier. A tier is guaranteed until
//! `keep_until`, whatever is refunded meanwhile; after that the member falls at the first instant
//! at which the metrics are too low. A change is dated at that instant, not when a job noticed it,
//! so a late job changes nothing: judging step by step equals judging once from scratch.

use super::{Downgrade, Fact, Metrics, Tier};
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
}

/// Why a tier changed. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum Cause {
    Qualified = 1,
    Lapsed = 2,
}

impl Cause {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Qualified, Self::Lapsed].into_iter().find(|cause| cause.number() == number)
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
    /// Purchases after this instant, up to `at`, counted.
    pub window_start: Time,
    /// The version of the rules that judged.
    pub version: String,
}

impl Standing {
    /// A member of the lowest tier about whom nothing is known yet.
    pub fn new(joined_at: Time) -> Self {
        Self { tier: Tier::Ordinary, since: joined_at, keep_until: None, judged_at: joined_at }
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

    /// The next instant after `after` at which the judgement can differ. It can rise when a fact
    /// begins to count or another version comes into force; it can fall when the guarantee ends
    /// and, after that, whenever a fact ceases to count. (Metrics never rise by that: a refund
    /// leaves together with its purchase, which is at least as large.)
    fn next_instant(&self, facts: &[Fact], programme: &Programme, after: Time) -> Option<Time> {
        let versions = programme.versions();
        let starts = versions.iter().map(|version| version.effective_from);
        let rises = starts.chain(facts.iter().map(|fact| fact.occurred_at));
        let next_rise = rises.filter(|at| *at > after).min();
        let next_fall = if self.tier == Tier::Ordinary {
            None
        } else if let Some(end) = self.keep_until.filter(|end| *end > after) {
            Some(end)
        } else {
            let windows = versions.iter().map(|version| &version.tiers);
            let leaves = windows.flat_map(|rules| facts.iter().map(|fact| fact.leaves_at(rules)));
            leaves.filter(|at| *at > after).min()
        };
        next_rise.into_iter().chain(next_fall).min()
    }

    fn judge(&self, facts: &[Fact], programme: &Programme, at: Time) -> Option<Change> {
        let version = programme.in_force(at);
        let rules = &version.tiers;
        let metrics = Metrics::at(facts, rules, at);
        let qualified = rules.qualified(&metrics);
        let guaranteed = self.keep_until.is_some_and(|until| at < until);
        let (to, cause) = if qualified > self.tier {
            (qualified, Cause::Qualified)
        } else if qualified < self.tier && !guaranteed {
            match rules.downgrade {
                Downgrade::OneDown => (self.tier.down(), Cause::Lapsed),
                Downgrade::ToQualified => (qualified, Cause::Lapsed),
            }
        } else {
            return None;
        };
        let plus = |time: TimeDelta| at.checked_add_signed(time).unwrap_or(Time::MAX_UTC);
        Some(Change {
            from: self.tier,
            to,
            at,
            keep_until: (to != Tier::Ordinary).then(|| plus(rules.keep())),
            cause,
            metrics,
            window_start: plus(-rules.window()),
            version: version.version.clone(),
        })
    }

    fn apply(&mut self, change: &Change) {
        self.tier = change.to;
        self.since = change.at;
        self.keep_until = change.keep_until;
        self.judged_at = change.at;
    }
}

#[cfg(test)]
mod tests;
