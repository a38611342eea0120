//! BenefitService.

use crate::app::App;
use crate::app::benefits::message;
use crate::app::quotas::{ClaimCursor, Offer};
use perennial_platform::idempotency::Key;
use perennial_platform::{id, time};
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::benefit_service_server::BenefitService;
use tonic::{Request, Response, Status};

/// Benefits with places.
pub(crate) struct Benefits {
    pub(crate) app: App,
}

fn benefit(offer: Offer) -> proto::Benefit {
    proto::Benefit {
        key: offer.rule.key,
        min_tier: i32::from(offer.rule.min_tier.number()),
        places: i64::from(offer.rule.places),
        places_left: offer.left,
        period: offer.period,
        open_time: offer.opens.map(time::to_proto),
        per_member: i64::from(offer.rule.per_member),
        own: offer.own,
        available: offer.refusal.is_empty(),
        refusal: offer.refusal.to_owned(),
    }
}

#[tonic::async_trait]
impl BenefitService for Benefits {
    async fn list_benefits(
        &self,
        request: Request<proto::ListBenefitsRequest>,
    ) -> Result<Response<proto::ListBenefitsResponse>, Status> {
        let (offers, tier, rule_version) = self.app.benefits(&request.get_ref().user_id).await?;
        Ok(Response::new(proto::ListBenefitsResponse {
            benefits: offers.into_iter().map(benefit).collect(),
            tier: i32::from(tier.number()),
            rule_version,
        }))
    }

    async fn claim_benefit(
        &self,
        request: Request<proto::ClaimBenefitRequest>,
    ) -> Result<Response<proto::ClaimBenefitResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.BenefitService/ClaimBenefit";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let timeout = super::timeout("timeout", request.timeout.as_ref())?;
        let (user, benefit) = (&request.user_id, &request.benefit);
        let reply = self.app.claim_benefit(key, user, benefit, timeout).await?;
        let (claim, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ClaimBenefitResponse { claim, replayed }))
    }

    async fn use_benefit(
        &self,
        request: Request<proto::UseBenefitRequest>,
    ) -> Result<Response<proto::UseBenefitResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.BenefitService/UseBenefit";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.use_benefit(key, id::parse("claim_id", &request.claim_id)?).await?;
        let (claim, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::UseBenefitResponse { claim, replayed }))
    }

    async fn return_benefit(
        &self,
        request: Request<proto::ReturnBenefitRequest>,
    ) -> Result<Response<proto::ReturnBenefitResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.BenefitService/ReturnBenefit";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.return_benefit(key, id::parse("claim_id", &request.claim_id)?).await?;
        let (claim, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ReturnBenefitResponse { claim, replayed }))
    }

    async fn get_claim(
        &self,
        request: Request<proto::GetClaimRequest>,
    ) -> Result<Response<proto::GetClaimResponse>, Status> {
        let claim = self.app.claim(id::parse("claim_id", &request.get_ref().claim_id)?).await?;
        let claim = Some(message::claim(&claim, self.app.now()));
        Ok(Response::new(proto::GetClaimResponse { claim }))
    }

    async fn list_claims(
        &self,
        request: Request<proto::ListClaimsRequest>,
    ) -> Result<Response<proto::ListClaimsResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("claims {}", request.user_id);
        let pages = &self.app.pages;
        let (size, before) =
            pages.open::<ClaimCursor>(request.page_size, &request.page_token, &filter)?;
        let (claims, next) = self.app.claims(&request.user_id, before, size).await?;
        let now = self.app.now();
        Ok(Response::new(proto::ListClaimsResponse {
            claims: claims.iter().map(|one| message::claim(one, now)).collect(),
            next_page_token: next.map_or(String::new(), |next| pages.token(&filter, &next)),
        }))
    }
}
