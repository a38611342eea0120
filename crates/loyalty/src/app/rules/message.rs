//! Versions of the rules as callers see them.

use crate::domain::Tier;
use crate::domain::rules::compare::TermChange;
use crate::domain::rules::effect::Effect;
use crate::domain::rules::{Recorded, Report};
use perennial_platform::time;
use perennial_proto::loyalty::v1 as proto;

/// A version without its document.
pub(crate) fn rules(version: &Recorded) -> proto::Rules {
    let stamp = |at: Option<_>| at.map(time::to_proto);
    proto::Rules {
        version: version.rules.version.clone(),
        state: i32::from(version.state.number()),
        supersedes: version.supersedes.clone(),
        proposer: version.proposer.clone(),
        approver: version.approver.clone(),
        propose_time: stamp(Some(version.proposed_at)),
        announce_time: stamp(version.announced_at),
        activate_time: stamp(version.activated_at),
        withdraw_time: stamp(version.withdrawn_at),
        notice_time: stamp(version.noticed_at),
        effective_new: stamp(version.effective_new.or(version.asked_new)),
        effective_existing: stamp(version.effective_existing.or(version.asked_existing)),
        class: version.class.map_or(0, |class| i32::from(class.number())),
        ..proto::Rules::default()
    }
}

/// A term that differs.
pub(crate) fn change(change: &TermChange) -> proto::RuleChange {
    proto::RuleChange {
        term: change.term.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        class: i32::from(change.class.number()),
    }
}

/// A dry run.
pub(crate) fn report(report: &Report) -> proto::DryRun {
    let tier = |tier: Tier| i32::from(tier.number());
    let mut tiers = report.tiers.clone();
    tiers.sort_unstable();
    let moved = |(from, to, members): (Tier, Tier, i64)| proto::TierMove {
        from: tier(from),
        to: tier(to),
        members,
    };
    proto::DryRun {
        class: i32::from(report.class().number()),
        changes: report.changes.iter().map(change).collect(),
        members: report.members,
        entries: report.entries,
        facts: report.facts,
        better: report.better,
        worse: report.worse,
        same: report.same,
        tiers: tiers.into_iter().map(moved).collect(),
        points_before: report.points_before,
        points_after: report.points_after,
        liability_before: report.owed_before,
        liability_after: report.owed_after,
        as_of: Some(time::to_proto(report.as_of)),
    }
}

/// What a change means for one member.
pub(crate) fn effect(user: &str, effect: &Effect) -> proto::MemberEffect {
    let (before, after) = (effect.before, effect.after);
    proto::MemberEffect {
        user_id: user.to_owned(),
        class: i32::from(effect.class().number()),
        tier_before: i32::from(before.tier.number()),
        tier_after: i32::from(after.tier.number()),
        points_before: before.points,
        points_after: after.points,
        liability_before: before.owed,
        liability_after: after.owed,
        terms: effect.terms.iter().map(|change| change.term.clone()).collect(),
    }
}
