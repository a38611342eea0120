//! TierService.

use super::convert;
use crate::app::App;
use perennial_proto::loyalty::v1::tier_service_server::TierService;
use perennial_proto::loyalty::v1::{
    GetTierRequest, GetTierResponse, ListTierHistoryRequest, ListTierHistoryResponse,
};
use tonic::{Request, Response, Status};

/// Tiers of members.
pub(crate) struct Tiers {
    pub(crate) app: App,
}

#[tonic::async_trait]
impl TierService for Tiers {
    async fn get_tier(
        &self,
        request: Request<GetTierRequest>,
    ) -> Result<Response<GetTierResponse>, Status> {
        let user = request.into_inner().user_id;
        let view = self.app.tier(&user).await?;
        Ok(Response::new(convert::tier(user, &view)))
    }

    async fn list_tier_history(
        &self,
        request: Request<ListTierHistoryRequest>,
    ) -> Result<Response<ListTierHistoryResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("tier-history {}", request.user_id);
        let pages = &self.app.pages;
        let (size, before) = pages.open::<i64>(request.page_size, &request.page_token, &filter)?;
        let (changes, next) = self.app.tier_history(&request.user_id, before, size).await?;
        let next = next.map(|number| pages.token(&filter, &number));
        let programme = self.app.rules_now().await?;
        // Money is counted in the currency of the version that judged.
        let currency = |version: &str| {
            let judged = programme.versions().iter().find(|v| v.version == version);
            judged.map_or(String::new(), |version| version.currency.clone())
        };
        let change = |change: &_| convert::change(change, &currency(&change.version));
        Ok(Response::new(ListTierHistoryResponse {
            changes: changes.iter().map(change).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }
}
