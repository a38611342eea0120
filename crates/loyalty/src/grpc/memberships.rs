//! MembershipService.

mod convert;

use crate::app::App;
use crate::app::plans::message;
use crate::app::plans::view::MembershipCursor;
use crate::store::charges::DueCursor;
use perennial_platform::id;
use perennial_platform::idempotency::{Key, Reply};
use perennial_proto::contract::Contract;
use perennial_proto::loyalty::v1::membership_service_server::MembershipService;
use perennial_proto::loyalty::v1::{
    CancelRequest, CancelResponse, ChangePlanRequest, ChangePlanResponse, GetEntitlementRequest,
    GetEntitlementResponse, GetMembershipRequest, GetMembershipResponse, ListDueChargesRequest,
    ListDueChargesResponse, ListDuePayoutsRequest, ListDuePayoutsResponse,
    ListMembershipHistoryRequest, ListMembershipHistoryResponse, ListMembershipsRequest,
    ListMembershipsResponse, ListPlansRequest, ListPlansResponse, PauseRequest, PauseResponse,
    ReportChargeFailedRequest, ReportChargeFailedResponse, ReportChargePaidRequest,
    ReportChargePaidResponse, ReportPayoutDoneRequest, ReportPayoutDoneResponse,
    RequestRefundRequest, RequestRefundResponse, ResumeRequest, ResumeResponse, SubscribeRequest,
    SubscribeResponse, UndoCancelRequest, UndoCancelResponse,
};
use tonic::{Request, Response, Status};

/// Plans, memberships and their money.
pub(crate) struct Memberships {
    pub(crate) app: App,
}

impl Memberships {
    fn key<M: Contract>(&self, method: &'static str, id: &str, request: &M) -> Option<Key> {
        Key::of(method, id, request, &self.app.vault)
    }
}

#[tonic::async_trait]
impl MembershipService for Memberships {
    async fn list_plans(
        &self,
        request: Request<ListPlansRequest>,
    ) -> Result<Response<ListPlansResponse>, Status> {
        let shelf = self.app.plans(&request.into_inner().user_id).await?;
        Ok(Response::new(convert::shelf(&shelf)))
    }

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<SubscribeResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/Subscribe";
        let key = self.key(method, &request.request_id, &request);
        let wish = convert::subscription(request)?;
        let Reply { value, replayed } = self.app.subscribe(key, wish).await?;
        Ok(Response::new(SubscribeResponse { membership: Some(value), replayed }))
    }

    async fn get_membership(
        &self,
        request: Request<GetMembershipRequest>,
    ) -> Result<Response<GetMembershipResponse>, Status> {
        Ok(Response::new(self.app.membership(&request.get_ref().user_id).await?))
    }

    async fn get_entitlement(
        &self,
        request: Request<GetEntitlementRequest>,
    ) -> Result<Response<GetEntitlementResponse>, Status> {
        let entitlement = self.app.entitlement(&request.get_ref().user_id).await?;
        Ok(Response::new(GetEntitlementResponse { entitlement: Some(entitlement) }))
    }

    async fn list_memberships(
        &self,
        request: Request<ListMembershipsRequest>,
    ) -> Result<Response<ListMembershipsResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("memberships {}", request.user_id);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<MembershipCursor>(request.page_size, &request.page_token, &filter)?;
        let (memberships, next) = self.app.memberships(&request.user_id, after, size).await?;
        let next = next.map(|cursor| pages.token(&filter, &cursor)).unwrap_or_default();
        Ok(Response::new(ListMembershipsResponse { memberships, next_page_token: next }))
    }

    async fn list_membership_history(
        &self,
        request: Request<ListMembershipHistoryRequest>,
    ) -> Result<Response<ListMembershipHistoryResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("membership-history {}", request.user_id);
        let pages = &self.app.pages;
        let (size, before) = pages.open::<i64>(request.page_size, &request.page_token, &filter)?;
        let (changes, next) = self.app.membership_history(&request.user_id, before, size).await?;
        let next = next.map(|number| pages.token(&filter, &number)).unwrap_or_default();
        let transitions = changes.iter().map(convert::transition).collect();
        Ok(Response::new(ListMembershipHistoryResponse { transitions, next_page_token: next }))
    }

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/Cancel";
        let key = self.key(method, &request.request_id, &request);
        let change = self.app.change_membership(key, &request.user_id, |it, programme, now| {
            it.cancel(programme, now, request.immediate)
        });
        let Reply { value, replayed } = change.await?;
        Ok(Response::new(CancelResponse { membership: Some(value), replayed }))
    }

    async fn undo_cancel(
        &self,
        request: Request<UndoCancelRequest>,
    ) -> Result<Response<UndoCancelResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/UndoCancel";
        let key = self.key(method, &request.request_id, &request);
        let change = self.app.change_membership(key, &request.user_id, |it, programme, now| {
            it.undo_cancel(programme, now)
        });
        let Reply { value, replayed } = change.await?;
        Ok(Response::new(UndoCancelResponse { membership: Some(value), replayed }))
    }

    async fn request_refund(
        &self,
        request: Request<RequestRefundRequest>,
    ) -> Result<Response<RequestRefundResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/RequestRefund";
        let key = self.key(method, &request.request_id, &request);
        let Reply { value, replayed } = self.app.refund_membership(key, &request.user_id).await?;
        Ok(Response::new(RequestRefundResponse { replayed, ..value }))
    }

    async fn pause(
        &self,
        request: Request<PauseRequest>,
    ) -> Result<Response<PauseResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/Pause";
        let key = self.key(method, &request.request_id, &request);
        let change = self.app.change_membership(key, &request.user_id, |it, programme, now| {
            it.set_aside(programme, now)
        });
        let Reply { value, replayed } = change.await?;
        Ok(Response::new(PauseResponse { membership: Some(value), replayed }))
    }

    async fn resume(
        &self,
        request: Request<ResumeRequest>,
    ) -> Result<Response<ResumeResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/Resume";
        let key = self.key(method, &request.request_id, &request);
        let change = self.app.change_membership(key, &request.user_id, |it, programme, now| {
            it.resume(programme, now)
        });
        let Reply { value, replayed } = change.await?;
        Ok(Response::new(ResumeResponse { membership: Some(value), replayed }))
    }

    async fn change_plan(
        &self,
        request: Request<ChangePlanRequest>,
    ) -> Result<Response<ChangePlanResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/ChangePlan";
        let key = self.key(method, &request.request_id, &request);
        let period = convert::period(request.period)?;
        let change = self.app.change_membership(key, &request.user_id, |it, programme, now| {
            it.change(programme, now, &request.plan, period)
        });
        let Reply { value, replayed } = change.await?;
        Ok(Response::new(ChangePlanResponse { membership: Some(value), replayed }))
    }

    async fn list_due_charges(
        &self,
        request: Request<ListDueChargesRequest>,
    ) -> Result<Response<ListDueChargesResponse>, Status> {
        let request = request.into_inner();
        let (filter, pages) = ("due-charges", &self.app.pages);
        let (size, after) =
            pages.open::<DueCursor>(request.page_size, &request.page_token, filter)?;
        let (charges, next) = self.app.due_charges(after, size).await?;
        let next = next.map(|cursor| pages.token(filter, &cursor)).unwrap_or_default();
        Ok(Response::new(ListDueChargesResponse { charges, next_page_token: next }))
    }

    async fn list_due_payouts(
        &self,
        request: Request<ListDuePayoutsRequest>,
    ) -> Result<Response<ListDuePayoutsResponse>, Status> {
        let request = request.into_inner();
        let (filter, pages) = ("due-payouts", &self.app.pages);
        let (size, after) =
            pages.open::<DueCursor>(request.page_size, &request.page_token, filter)?;
        let (payouts, next) = self.app.due_payouts(after, size).await?;
        let next = next.map(|cursor| pages.token(filter, &cursor)).unwrap_or_default();
        let payouts = payouts.iter().map(message::payout).collect();
        Ok(Response::new(ListDuePayoutsResponse { payouts, next_page_token: next }))
    }

    async fn report_charge_paid(
        &self,
        request: Request<ReportChargePaidRequest>,
    ) -> Result<Response<ReportChargePaidResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/ReportChargePaid";
        let key = self.key(method, &request.request_id, &request);
        let id = id::parse("charge_id", &request.charge_id)?;
        let Reply { value, replayed } = self.app.charge_paid(key, id, &request.payment_ref).await?;
        Ok(Response::new(ReportChargePaidResponse { replayed, ..value }))
    }

    async fn report_charge_failed(
        &self,
        request: Request<ReportChargeFailedRequest>,
    ) -> Result<Response<ReportChargeFailedResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/ReportChargeFailed";
        let key = self.key(method, &request.request_id, &request);
        let id = id::parse("charge_id", &request.charge_id)?;
        let Reply { value, replayed } = self.app.charge_failed(key, id, &request.reason).await?;
        Ok(Response::new(ReportChargeFailedResponse { replayed, ..value }))
    }

    async fn report_payout_done(
        &self,
        request: Request<ReportPayoutDoneRequest>,
    ) -> Result<Response<ReportPayoutDoneResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.MembershipService/ReportPayoutDone";
        let key = self.key(method, &request.request_id, &request);
        let id = id::parse("payout_id", &request.payout_id)?;
        let Reply { value, replayed } = self.app.payout_done(key, id, &request.payment_ref).await?;
        Ok(Response::new(ReportPayoutDoneResponse { payout: Some(value), replayed }))
    }
}
