//! What points buy. Points, stock and reward change hands in one transaction.

mod redeem;

use super::App;
use super::benefits::{Member, message};
use super::quotas::Offer;
use crate::domain::catalogue::{Item, RedemptionState};
use crate::domain::{Redemption, RedemptionId, Time};
use crate::store::{accounts, entries, redemptions};
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;
use uuid::Uuid;

/// Where a page of redemptions goes on.
pub(crate) type RedemptionCursor = (Time, Uuid);

/// The catalogue as one member sees it.
pub(crate) struct Catalogue {
    pub(crate) items: Vec<(Item, Offer)>,
    pub(crate) spendable: i64,
    pub(crate) version: String,
}

impl App {
    /// The items as a member can have them now.
    pub(crate) async fn catalogue(&self, user: &str) -> Result<Catalogue> {
        let programme = self.rules_now().await?;
        let (conn, now) = (self.db.read(), self.now());
        let member = Member::read(conn, &programme, now, user).await?;
        let known = accounts::find(conn, user).await?.is_some();
        let spendable = if known {
            let snapshot = self.snapshot(user).await?;
            let account = snapshot.wallet()?.account();
            account.available - account.held
        } else {
            0
        };
        let items = member.version.benefits.catalogue.clone();
        let quotas = items.iter().map(Item::quota).collect();
        let mut offers = self.offers(user, member.tier, quotas, programme.zone, now).await?;
        for (item, offer) in items.iter().zip(&mut offers) {
            if offer.refusal.is_empty() && spendable < item.points {
                offer.refusal = if known { "INSUFFICIENT_POINTS" } else { "MEMBER_NOT_FOUND" };
            }
        }
        let version = member.version.version.clone();
        Ok(Catalogue { items: items.into_iter().zip(offers).collect(), spendable, version })
    }

    /// An item that somebody else delivers was delivered. Errors: see
    /// CatalogueService/FulfilRedemption.
    pub(crate) async fn fulfil(
        &self,
        key: Option<Key>,
        id: RedemptionId,
    ) -> Result<Reply<proto::Redemption>> {
        once(&self.db, &self.clock, key, async |tx| {
            self.rules.locked(tx).await?;
            let now = self.now();
            let mut one = redemptions::find(tx, id).await?.ok_or_else(not_found)?;
            match one.state_at(now) {
                RedemptionState::Paid => {}
                RedemptionState::Held => return Err(refused("REDEMPTION_NOT_CONFIRMED")),
                RedemptionState::Fulfilled => return Err(refused("REDEMPTION_FULFILLED")),
                RedemptionState::Cancelled => return Err(refused("REDEMPTION_CANCELLED")),
                RedemptionState::Lapsed => return Err(refused("REDEMPTION_LAPSED")),
            }
            one.state = RedemptionState::Fulfilled;
            one.resolved_at = Some(now);
            redemptions::save(tx, std::slice::from_ref(&one)).await?;
            Ok(message::redemption(&one, now, None))
        })
        .await
    }

    /// One redemption. Errors: NOT_FOUND / REDEMPTION_NOT_FOUND.
    pub(crate) async fn redemption(&self, id: RedemptionId) -> Result<proto::Redemption> {
        let found = redemptions::find(self.db.read(), id).await?;
        self.shown(found.as_slice()).await?.pop().ok_or_else(not_found)
    }

    /// A page of a member's redemptions, the latest first.
    pub(crate) async fn redemptions(
        &self,
        user: &str,
        before: Option<RedemptionCursor>,
        size: u64,
    ) -> Result<(Vec<proto::Redemption>, Option<RedemptionCursor>)> {
        let mut found = redemptions::page(self.db.read(), user, before, size + 1).await?;
        let next = super::cut(&mut found, size, |one| (one.redeemed_at, one.id.uuid()));
        Ok((self.shown(&found).await?, next))
    }

    /// Redemptions as they stand now, with the points that went back.
    async fn shown(&self, found: &[Redemption]) -> Result<Vec<proto::Redemption>> {
        let entries = found.iter().map(|one| one.entry);
        let reversed = entries::reversed_of(self.db.read(), entries).await?;
        let now = self.now();
        let shown =
            |one: &Redemption| message::redemption(one, now, reversed.get(&one.entry).copied());
        Ok(found.iter().map(shown).collect())
    }
}

fn not_found() -> Error {
    Error::not_found("REDEMPTION_NOT_FOUND", "no such redemption")
}

fn refused(reason: &'static str) -> Error {
    let text = match reason {
        "REDEMPTION_NOT_CONFIRMED" => "the redemption is only held",
        "REDEMPTION_CONFIRMED" => "the redemption was confirmed before",
        "REDEMPTION_FULFILLED" => "the redemption was fulfilled before",
        "REDEMPTION_CANCELLED" => "the redemption was taken back",
        "REDEMPTION_LAPSED" => "the redemption was not confirmed in time",
        "REWARD_USED" => "nothing of the reward is left to be taken back",
        _ => "the reward cannot be given to this member",
    };
    Error::precondition(reason, text)
}
