//! Background work: what time brings about, and what identity tells.
//!
//! Reads never depend on it: what fell due counts at once, whether or not a job has run.

mod benefits;
mod follow;
mod judge;
mod memberships;
mod referrals;
mod rules;
mod settle;
mod warn;
mod warnings;

pub(crate) use benefits::{Compensate, IssueByCycle, LetClaimsGo};
pub(crate) use follow::Activities;
pub(crate) use judge::JudgeTiers;
pub(crate) use memberships::SettleMemberships;
pub(crate) use referrals::PromoteReferrals;
pub(crate) use rules::{FollowRules, TellOfRules};
pub(crate) use settle::Settle;
pub(crate) use warn::WarnExpiring;
pub(crate) use warnings::Warnings;
