//! Referrals as callers see them.

use super::Progress;
use crate::app::rewards;
use crate::domain::Time;
use crate::domain::referral::{Referral, State, Verdict};
use perennial_platform::time;
use perennial_proto::loyalty::v1 as proto;

/// A referral as it stands at an instant.
pub(crate) fn referral(referral: &Referral, now: Time) -> proto::Referral {
    let weigh = |weight: u32| i32::try_from(weight).unwrap_or(i32::MAX);
    let review = referral.review.as_ref();
    proto::Referral {
        referral_id: referral.id.to_string(),
        advocate_user_id: referral.advocate.clone(),
        friend_user_id: referral.friend.clone(),
        state: i32::from(referral.state_at(now).number()),
        code: referral.code.clone(),
        touch_time: Some(time::to_proto(referral.touched_at)),
        create_time: Some(time::to_proto(referral.made_at)),
        verdict: i32::from(referral.found.number()),
        signals: referral
            .signals
            .iter()
            .map(|signal| proto::ReferralSignal {
                kind: signal.kind as i32,
                weight: weigh(signal.weight),
            })
            .collect(),
        score: weigh(referral.signals.iter().map(|signal| signal.weight).sum()),
        review_verdict: review.map_or(0, |review| i32::from(review.verdict.number())),
        reviewer: review.map_or(String::new(), |review| review.reviewer.clone()),
        review_reason: review.map_or(String::new(), |review| review.reason.clone()),
        review_time: review.map(|review| time::to_proto(review.at)),
        appeal_reason: referral.appeal.as_ref().map_or(String::new(), |a| a.reason.clone()),
        appeal_time: referral.appeal.as_ref().map(|appeal| time::to_proto(appeal.at)),
        pay_time: referral.order.map(|order| time::to_proto(order.paid_at)),
        qualify_time: referral.counts_from().map(time::to_proto),
        purchase_deadline: referral.buy_until.map(time::to_proto),
        reverse_time: referral.reversed_at.map(time::to_proto),
        friend_erased: referral.friend_erased,
        rule_version: referral.version.clone(),
    }
}

/// What the event log tells of a change.
pub(super) fn changed(referral: &Referral, from: Option<State>) -> proto::ReferralChanged {
    proto::ReferralChanged {
        referral_id: referral.id.to_string(),
        advocate_user_id: referral.advocate.clone(),
        friend_user_id: referral.friend.clone(),
        from: from.map_or(0, |state| i32::from(state.number())),
        to: i32::from(referral.state.number()),
    }
}

/// How far an advocate has come.
pub(crate) fn progress(user_id: String, progress: Progress) -> proto::GetReferralProgressResponse {
    let count = |state| i32::try_from(progress.count(state)).unwrap_or(i32::MAX);
    let steps: Vec<proto::ReferralStep> = progress
        .steps
        .iter()
        .map(|step| proto::ReferralStep {
            friends: i32::try_from(step.friends).unwrap_or(i32::MAX),
            rewards: step.rewards.iter().map(rewards::reward_message).collect(),
            given: step.given_at.is_some(),
            give_time: step.given_at.map(time::to_proto),
        })
        .collect();
    let next = steps.iter().find(|step| !step.given).cloned();
    let qualified = count(State::Qualified);
    let missing = next.as_ref().map_or(0, |next| (next.friends - qualified).max(0));
    proto::GetReferralProgressResponse {
        user_id,
        qualified,
        registered: count(State::Registered),
        escrowed: count(State::Escrowed),
        under_review: count(State::UnderReview),
        rejected: count(State::Rejected),
        reversed: count(State::Reversed),
        next,
        friends_missing: missing,
        steps,
        referred_by: progress.referred_by,
        rule_version: progress.version,
    }
}

/// A verdict of the contract; `None` for UNSPECIFIED.
pub(crate) fn verdict(verdict: proto::ReferralVerdict) -> Option<Verdict> {
    Verdict::from_number(i16::try_from(i32::from(verdict)).ok()?)
}
