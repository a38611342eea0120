//! Deciding referrals that wait for it.

use super::read::unknown;
use super::{message, write_down};
use crate::app::App;
use crate::domain::referral::{Appeal, NoAppeal, Referral, ReferralId, Review, Verdict};
use crate::store::referrals;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;

impl App {
    /// Decides a referral that waits for review. Errors: NOT_FOUND / REFERRAL_NOT_FOUND;
    /// FAILED_PRECONDITION / NOT_UNDER_REVIEW.
    pub(crate) async fn review_referral(
        &self,
        key: Option<Key>,
        id: ReferralId,
        verdict: Verdict,
        reviewer: &str,
        reason: &str,
    ) -> Result<Reply<proto::ReviewReferralResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let referral = self
                .change(tx, id, |referral, at| {
                    let (reviewer, reason) = (reviewer.to_owned(), reason.to_owned());
                    if referral.decide(Review { verdict, reviewer, reason, at }) {
                        return Ok(());
                    }
                    let text = "the referral does not wait for review";
                    Err(Error::precondition("NOT_UNDER_REVIEW", text))
                })
                .await?;
            Ok(proto::ReviewReferralResponse { referral: Some(referral), replayed: false })
        })
        .await
    }

    /// Sends a rejected referral back to review. Errors: NOT_FOUND / REFERRAL_NOT_FOUND;
    /// FAILED_PRECONDITION / NOT_REJECTED, APPEALED_BEFORE.
    pub(crate) async fn appeal_referral(
        &self,
        key: Option<Key>,
        id: ReferralId,
        reason: &str,
    ) -> Result<Reply<proto::AppealReferralResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let referral = self
                .change(tx, id, |referral, at| {
                    let appeal = Appeal { reason: reason.to_owned(), at };
                    referral.appeal(appeal).map_err(|no| match no {
                        NoAppeal::NotRejected => {
                            Error::precondition("NOT_REJECTED", no.to_string())
                        }
                        NoAppeal::AppealedBefore => {
                            Error::precondition("APPEALED_BEFORE", no.to_string())
                        }
                    })
                })
                .await?;
            Ok(proto::AppealReferralResponse { referral: Some(referral), replayed: false })
        })
        .await
    }

    async fn change(
        &self,
        tx: &Tx,
        id: ReferralId,
        change: impl FnOnce(&mut Referral, crate::domain::Time) -> Result<()>,
    ) -> Result<proto::Referral> {
        let now = self.clock.now();
        let programme = self.rules.locked(tx).await?;
        let mut referral = referrals::find(tx, id).await?.ok_or_else(unknown)?;
        change(&mut referral, now)?;
        write_down(tx, &programme, now, &mut referral).await?;
        Ok(message::referral(&referral, now))
    }
}
