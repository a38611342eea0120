//! What a change of the rules would mean over all members: the sum of their effects.

use super::compare::{self, TermChange};
use super::effect::Effect;
use super::record::Class;
use crate::domain::{Tier, Time};
use serde::{Deserialize, Serialize};

/// The sum of the effects on all members. Kept in JSON with a version that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The terms that differ from rules that somebody is under.
    pub changes: Vec<TermChange>,
    /// Up to when history was judged.
    pub as_of: Time,
    /// What was looked at.
    pub members: i64,
    /// See `members`.
    pub entries: i64,
    /// See `members`.
    pub facts: i64,
    /// Members for whom it is better.
    pub better: i64,
    /// Members for whom it is worse.
    pub worse: i64,
    /// Members for whom it is the same.
    pub same: i64,
    /// How many members would go from one tier to another, or stay.
    pub tiers: Vec<(Tier, Tier, i64)>,
    /// Points earned within a year, by the rules before.
    pub points_before: i64,
    /// The same by the new rules.
    pub points_after: i64,
    /// Points owed, by the rules before.
    pub owed_before: i64,
    /// The same by the new rules.
    pub owed_after: i64,
}

impl Report {
    /// Nobody looked at yet.
    pub fn new(changes: Vec<TermChange>, as_of: Time) -> Self {
        Self {
            changes,
            as_of,
            members: 0,
            entries: 0,
            facts: 0,
            better: 0,
            worse: 0,
            same: 0,
            tiers: Vec::new(),
            points_before: 0,
            points_after: 0,
            owed_before: 0,
            owed_after: 0,
        }
    }

    /// Adds a member.
    pub fn add(&mut self, effect: &Effect) {
        let Effect { before, after, .. } = effect;
        self.members += 1;
        match effect.class() {
            Class::Better => self.better += 1,
            Class::Worse => self.worse += 1,
            Class::Neutral => self.same += 1,
        }
        let place = self.tiers.iter_mut().find(|(a, b, _)| (*a, *b) == (before.tier, after.tier));
        match place {
            Some((_, _, members)) => *members += 1,
            None => self.tiers.push((before.tier, after.tier, 1)),
        }
        self.points_before = self.points_before.saturating_add(before.points);
        self.points_after = self.points_after.saturating_add(after.points);
        self.owed_before = self.owed_before.saturating_add(before.owed);
        self.owed_after = self.owed_after.saturating_add(after.owed);
    }

    /// The worst of what the terms and the effects say.
    pub fn class(&self) -> Class {
        let lived = match (self.worse, self.better) {
            (0, 0) => Class::Neutral,
            (0, _) => Class::Better,
            _ => Class::Worse,
        };
        lived.max(compare::class(&self.changes))
    }
}
