//! What callers report about money.

use super::{keep, message};
use crate::app::App;
use crate::domain::Programme;
use crate::domain::plan::{
    Charge, ChargeId, ChargeState, Payout, PayoutCause, PayoutId, PlanRefusal,
};
use crate::store::charges::{self, Owned};
use crate::store::memberships;
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_platform::events;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_proto::loyalty::v1 as proto;

impl App {
    /// A charge was collected. Errors: NOT_FOUND / CHARGE_NOT_FOUND; FAILED_PRECONDITION /
    /// CHARGE_PAID, CHARGE_NOT_DUE.
    pub(crate) async fn charge_paid(
        &self,
        key: Option<Key>,
        id: ChargeId,
        by: &str,
    ) -> Result<Reply<proto::ReportChargePaidResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            self.paid(tx, &programme, id, by).await
        })
        .await
    }

    async fn paid(
        &self,
        tx: &Tx,
        programme: &Programme,
        id: ChargeId,
        by: &str,
    ) -> Result<proto::ReportChargePaidResponse> {
        let now = self.now();
        let Owned { charge, membership, user } =
            charges::find(tx, id).await?.ok_or(PlanRefusal::NoCharge)?;
        let found = memberships::find(tx, membership).await?;
        let mut membership = found.ok_or(PlanRefusal::NoMembership)?;
        membership.advance(programme, now);
        let mut payout = None;
        if charge.state == ChargeState::Paid {
            if charge.payment_ref != by {
                return Err(PlanRefusal::ChargePaid.into());
            }
            payout = charges::payout(tx, PayoutId::from(id.uuid())).await?;
        } else if membership.charge.as_ref().is_some_and(|open| open.id == id) {
            membership.pay(programme, now, by)?;
        } else {
            // It was void, or time made it so: the money is owed back.
            let kept = membership.news.closed.iter_mut().find(|closed| closed.id == id);
            let late = collected(charge.clone(), by, now);
            match kept {
                Some(kept) => *kept = late.clone(),
                None => charges::put(tx, membership.id, &user, &late).await?,
            }
            let owed = late.payout(&user, PayoutCause::VoidCharge, now);
            charges::put_payout(tx, &owed).await?;
            events::append(tx, [message::payout_due(now, membership.id, &owed)]);
            payout = Some(owed);
        }
        let id_of_membership = membership.id;
        let answer = keep(tx, programme, now, membership).await?;
        let charge = charges::find(tx, id).await?.map_or(charge, |found| found.charge);
        Ok(proto::ReportChargePaidResponse {
            charge: Some(message::charge(now, id_of_membership, &user, &charge, payout.as_ref())),
            membership: Some(answer),
            replayed: false,
        })
    }

    /// A charge could not be collected. Errors: NOT_FOUND / CHARGE_NOT_FOUND; FAILED_PRECONDITION
    /// / CHARGE_PAID, CHARGE_VOID, CHARGE_NOT_DUE.
    pub(crate) async fn charge_failed(
        &self,
        key: Option<Key>,
        id: ChargeId,
        why: &str,
    ) -> Result<Reply<proto::ReportChargeFailedResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let owned = charges::find(tx, id).await?.ok_or(PlanRefusal::NoCharge)?;
            let found = memberships::find(tx, owned.membership).await?;
            let mut membership = found.ok_or(PlanRefusal::NoMembership)?;
            membership.advance(&programme, now);
            if owned.charge.state == ChargeState::Paid {
                return Err(PlanRefusal::ChargePaid.into());
            }
            if membership.charge.as_ref().is_none_or(|open| open.id != id) {
                return Err(PlanRefusal::ChargeVoid.into());
            }
            membership.fail(&programme, now, why)?;
            let (of, charge) = (membership.id, membership.charge.clone());
            let charge = charge.unwrap_or(owned.charge);
            let answer = keep(tx, &programme, now, membership).await?;
            Ok(proto::ReportChargeFailedResponse {
                charge: Some(message::charge(now, of, &owned.user, &charge, None)),
                membership: Some(answer),
                replayed: false,
            })
        })
        .await
    }

    /// Money went back. Errors: NOT_FOUND / PAYOUT_NOT_FOUND; FAILED_PRECONDITION / PAYOUT_DONE.
    pub(crate) async fn payout_done(
        &self,
        key: Option<Key>,
        id: PayoutId,
        by: &str,
    ) -> Result<Reply<proto::MembershipPayout>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            self.rules.locked(tx).await?;
            let mut payout = charges::payout(tx, id).await?.ok_or(PlanRefusal::NoPayout)?;
            if payout.done_at.is_some() && payout.payment_ref != by {
                return Err(PlanRefusal::PayoutDone.into());
            }
            if payout.done_at.is_none() {
                let now = self.now();
                payout = Payout { done_at: Some(now), payment_ref: by.to_owned(), ..payout };
                charges::put_payout(tx, &payout).await?;
            }
            Ok(message::payout(&payout))
        })
        .await
    }
}

/// A void charge for which money came all the same: it bought no time.
fn collected(charge: Charge, by: &str, now: crate::domain::Time) -> Charge {
    Charge { state: ChargeState::Paid, paid_at: Some(now), payment_ref: by.to_owned(), ..charge }
}
