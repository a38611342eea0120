//! CatalogueService.

use crate::app::App;
use crate::app::catalogue::RedemptionCursor;
use crate::app::quotas::Offer;
use crate::app::rewards::reward_message;
use crate::domain::catalogue::{Good, Item};
use perennial_platform::id;
use perennial_platform::idempotency::Key;
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::catalogue_service_server::CatalogueService;
use tonic::{Request, Response, Status};

/// What points buy.
pub(crate) struct Catalogue {
    pub(crate) app: App,
}

fn item((item, offer): (Item, Offer)) -> proto::CatalogueItem {
    let (reward, benefit) = match &item.good {
        Good::Reward(reward) => (Some(reward_message(reward)), String::new()),
        Good::Place(key) => (None, key.clone()),
        Good::External => (None, String::new()),
    };
    proto::CatalogueItem {
        key: item.key,
        points: item.points,
        reward,
        benefit,
        min_tier: i32::from(item.min_tier.number()),
        stock: i64::from(item.stock),
        stock_left: offer.left,
        per_member: i64::from(item.per_member),
        available: offer.refusal.is_empty(),
        refusal: offer.refusal.to_owned(),
    }
}

#[tonic::async_trait]
impl CatalogueService for Catalogue {
    async fn list_rewards(
        &self,
        request: Request<proto::ListRewardsRequest>,
    ) -> Result<Response<proto::ListRewardsResponse>, Status> {
        let seen = self.app.catalogue(&request.get_ref().user_id).await?;
        Ok(Response::new(proto::ListRewardsResponse {
            items: seen.items.into_iter().map(item).collect(),
            spendable: seen.spendable,
            rule_version: seen.version,
        }))
    }

    async fn redeem_reward(
        &self,
        request: Request<proto::RedeemRewardRequest>,
    ) -> Result<Response<proto::RedeemRewardResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CatalogueService/RedeemReward";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let within = super::timeout("confirm_within", request.confirm_within.as_ref())?;
        let reply = self.app.redeem(key, &request.user_id, &request.item, within).await?;
        let (redemption, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::RedeemRewardResponse { redemption, replayed }))
    }

    async fn confirm_redemption(
        &self,
        request: Request<proto::ConfirmRedemptionRequest>,
    ) -> Result<Response<proto::ConfirmRedemptionResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CatalogueService/ConfirmRedemption";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.confirm(key, id::parse("redemption_id", &request.redemption_id)?);
        let reply = reply.await?;
        let (redemption, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ConfirmRedemptionResponse { redemption, replayed }))
    }

    async fn fulfil_redemption(
        &self,
        request: Request<proto::FulfilRedemptionRequest>,
    ) -> Result<Response<proto::FulfilRedemptionResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CatalogueService/FulfilRedemption";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.fulfil(key, id::parse("redemption_id", &request.redemption_id)?);
        let reply = reply.await?;
        let (redemption, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::FulfilRedemptionResponse { redemption, replayed }))
    }

    async fn cancel_redemption(
        &self,
        request: Request<proto::CancelRedemptionRequest>,
    ) -> Result<Response<proto::CancelRedemptionResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CatalogueService/CancelRedemption";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.cancel(key, id::parse("redemption_id", &request.redemption_id)?);
        let reply = reply.await?;
        let (redemption, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::CancelRedemptionResponse { redemption, replayed }))
    }

    async fn get_redemption(
        &self,
        request: Request<proto::GetRedemptionRequest>,
    ) -> Result<Response<proto::GetRedemptionResponse>, Status> {
        let id = id::parse("redemption_id", &request.get_ref().redemption_id)?;
        let redemption = Some(self.app.redemption(id).await?);
        Ok(Response::new(proto::GetRedemptionResponse { redemption }))
    }

    async fn list_redemptions(
        &self,
        request: Request<proto::ListRedemptionsRequest>,
    ) -> Result<Response<proto::ListRedemptionsResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("redemptions {}", request.user_id);
        let pages = &self.app.pages;
        let (size, before) =
            pages.open::<RedemptionCursor>(request.page_size, &request.page_token, &filter)?;
        let (redemptions, next) = self.app.redemptions(&request.user_id, before, size).await?;
        Ok(Response::new(proto::ListRedemptionsResponse {
            redemptions,
            next_page_token: next.map_or(String::new(), |next| pages.token(&filter, &next)),
        }))
    }
}
