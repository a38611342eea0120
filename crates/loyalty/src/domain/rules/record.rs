//! A version of the rules on its way from a proposal to being in force.

use super::RuleVersion;
use super::timing::Timing;
use crate::domain::Time;
use serde::{Deserialize, Serialize};

/// Where a version stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in rules.proto, whose numbers these are")]
#[repr(i16)]
pub enum RuleState {
    Proposed = 1,
    Announced = 2,
    Active = 3,
    Withdrawn = 4,
}

impl RuleState {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [Self::Proposed, Self::Announced, Self::Active, Self::Withdrawn];
        all.into_iter().find(|state| state.number() == number)
    }
}

/// What a change means for those it concerns. Ordered: the worst is the greatest. The numbers are
/// stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "explained in rules.proto, whose numbers these are")]
#[repr(i16)]
pub enum Class {
    #[default]
    Neutral = 1,
    Better = 2,
    Worse = 3,
}

impl Class {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Neutral, Self::Better, Self::Worse].into_iter().find(|c| c.number() == number)
    }
}

/// A version of the rules with its history. The rules themselves never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The rules.
    pub rules: RuleVersion,
    /// 1, 2, 3, ... in the order of recording.
    pub number: i64,
    /// Where it stands.
    pub state: RuleState,
    /// Who proposed it, and who approved it: keys of the caller's.
    pub proposer: String,
    /// See `proposer`; empty until it was announced.
    pub approver: String,
    /// When it was recorded.
    pub proposed_at: Time,
    /// When it was announced.
    pub announced_at: Option<Time>,
    /// When everybody who had a right to notice had it.
    pub noticed_at: Option<Time>,
    /// When it was activated: from then on its dates are fixed.
    pub activated_at: Option<Time>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Time>,
    /// When it is to begin at the earliest, as proposed; `None`: as soon as it may.
    pub asked_new: Option<Time>,
    /// The same for existing members.
    pub asked_existing: Option<Time>,
    /// When it begins. Set by the activation.
    pub effective_new: Option<Time>,
    /// When it begins for existing members. Set by the activation.
    pub effective_existing: Option<Time>,
    /// What it means for members, as found when it was announced.
    pub class: Option<Class>,
    /// The version before it; empty for the first.
    pub supersedes: String,
    /// The dry run when it was announced, in JSON; empty before.
    pub report: String,
}

impl Recorded {
    /// Rules that hold from the date they state, for everybody: those a programme begins with.
    pub fn initial(rules: RuleVersion, number: i64, supersedes: String, now: Time) -> Self {
        let from = rules.effective_from;
        Self {
            rules,
            number,
            state: RuleState::Active,
            proposer: "settings".to_owned(),
            approver: "settings".to_owned(),
            proposed_at: now,
            announced_at: Some(now),
            noticed_at: Some(now),
            activated_at: Some(now),
            withdrawn_at: None,
            asked_new: Some(from),
            asked_existing: Some(from),
            effective_new: Some(from),
            effective_existing: Some(from),
            class: Some(Class::Neutral),
            supersedes,
            report: String::new(),
        }
    }

    /// When it holds; `None` while that is not decided.
    pub fn timing(&self) -> Option<Timing> {
        Some(Timing {
            announced_at: self.announced_at?,
            effective_new: self.effective_new?,
            effective_existing: self.effective_existing?,
        })
    }
}
