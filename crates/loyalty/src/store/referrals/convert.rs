//! Referrals as rows.

use crate::domain::referral::{
    Appeal, Counted, Order, Referral, ReferralId, Review, State, Verdict,
};
use crate::domain::tier::DealId;
use crate::store::damaged;
use crate::store::rows::referrals::Model;
use perennial_platform::{Error, Result};

const TABLE: &str = "referrals";

pub(super) fn from_row(row: Model) -> Result<Referral> {
    let verdict = |number: i16| Verdict::from_number(number).ok_or_else(|| damaged(TABLE, number));
    let review = match row.reviewed_at {
        Some(at) => Some(Review {
            verdict: verdict(row.reviewed)?,
            reviewer: row.reviewer,
            reason: row.review_reason,
            at,
        }),
        None => None,
    };
    let order = row.order_id.zip(row.paid_at).zip(row.final_at);
    let counted = row.counted_id.zip(row.counted_from);
    Ok(Referral {
        id: ReferralId::from(row.id),
        advocate: row.advocate_id,
        friend: row.friend_id,
        code: row.code,
        touched_at: row.touched_at,
        made_at: row.made_at,
        version: row.rule_version,
        found: verdict(row.found)?,
        signals: serde_json::from_str(&row.signals).map_err(|error| damaged(TABLE, error))?,
        standing: verdict(row.standing)?,
        waiting_since: row.waiting_since,
        review,
        appeal: row.appealed_at.map(|at| Appeal { reason: row.appeal_reason, at }),
        order: order.map(|((id, paid_at), final_at)| Order {
            deal: DealId::from(id),
            paid_at,
            final_at,
        }),
        buy_until: row.buy_until,
        friend_erased: row.friend_erased,
        qualified_at: row.qualified_at,
        reversed_at: row.reversed_at,
        state: State::from_number(row.state).ok_or_else(|| damaged(TABLE, row.state))?,
        counted: counted.map(|(id, from)| Counted { deal: DealId::from(id), from }),
    })
}

pub(super) fn into_row(referral: &Referral) -> Result<Model> {
    let (review, order) = (referral.review.as_ref(), referral.order);
    let due = referral.counts_from().filter(|_| referral.state == State::Escrowed);
    Ok(Model {
        id: referral.id.uuid(),
        advocate_id: referral.advocate.clone(),
        friend_id: referral.friend.clone(),
        code: referral.code.clone(),
        touched_at: referral.touched_at,
        made_at: referral.made_at,
        rule_version: referral.version.clone(),
        found: referral.found.number(),
        signals: serde_json::to_string(&referral.signals).map_err(Error::internal)?,
        standing: referral.standing.number(),
        waiting_since: referral.waiting_since,
        reviewed: review.map_or(0, |review| review.verdict.number()),
        reviewer: review.map_or(String::new(), |review| review.reviewer.clone()),
        review_reason: review.map_or(String::new(), |review| review.reason.clone()),
        reviewed_at: review.map(|review| review.at),
        appeal_reason: referral.appeal.as_ref().map_or(String::new(), |a| a.reason.clone()),
        appealed_at: referral.appeal.as_ref().map(|appeal| appeal.at),
        order_id: order.map(|order| order.deal.uuid()),
        paid_at: order.map(|order| order.paid_at),
        final_at: order.map(|order| order.final_at),
        buy_until: referral.buy_until,
        friend_erased: referral.friend_erased,
        qualified_at: referral.qualified_at,
        reversed_at: referral.reversed_at,
        state: referral.state.number(),
        due_at: due,
        counted_id: referral.counted.map(|counted| counted.deal.uuid()),
        counted_from: referral.counted.map(|counted| counted.from),
    })
}
