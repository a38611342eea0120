//! CouponService.

use crate::app::App;
use crate::app::benefits::message;
use crate::app::coupons::CouponCursor;
use crate::domain::coupon::{Order, Price};
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, Result as Outcome};
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::coupon_service_server::CouponService;
use perennial_proto::types::v1::Money;
use tonic::{Request, Response, Status};

/// Coupons of members.
pub(crate) struct Coupons {
    pub(crate) app: App,
}

/// An order, or its id when nothing is said of its amount.
fn order(id: String, amount: Option<Money>, object: String) -> Outcome<Result<Order, String>> {
    let Some(amount) = amount else { return Ok(Err(id)) };
    if amount.minor_units <= 0 {
        return Err(Error::invalid("order_amount.minor_units", "must be positive"));
    }
    let amount = Price { currency: amount.currency, minor_units: amount.minor_units };
    Ok(Ok(Order { id, amount, object }))
}

/// The same where the contract asks for an amount.
fn full_order(id: String, amount: Option<Money>, object: String) -> Outcome<Order> {
    order(id, amount, object)?.map_err(|_| Error::invalid("order_amount", "is missing"))
}

#[tonic::async_trait]
impl CouponService for Coupons {
    async fn issue_coupon(
        &self,
        request: Request<proto::IssueCouponRequest>,
    ) -> Result<Response<proto::IssueCouponResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CouponService/IssueCoupon";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let event = super::event(request.source, request.source_event_id)?;
        let reply = self.app.issue_coupon(key, &request.user_id, &request.kind, event).await?;
        let (coupon, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::IssueCouponResponse { coupon, replayed }))
    }

    async fn quote_coupon(
        &self,
        request: Request<proto::QuoteCouponRequest>,
    ) -> Result<Response<proto::QuoteCouponResponse>, Status> {
        let request = request.into_inner();
        let order = full_order(String::new(), request.order_amount, request.object)?;
        let discount = self.app.quote_coupon(&request.user_id, &request.code, &order).await?;
        let left = order.amount.minor_units - discount.minor_units;
        let to_pay = Money { currency: order.amount.currency, minor_units: left };
        let discount = Some(message::money(&discount));
        Ok(Response::new(proto::QuoteCouponResponse { discount, to_pay: Some(to_pay) }))
    }

    async fn reserve_coupon(
        &self,
        request: Request<proto::ReserveCouponRequest>,
    ) -> Result<Response<proto::ReserveCouponResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CouponService/ReserveCoupon";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let timeout = super::timeout("timeout", request.timeout.as_ref())?;
        let order = full_order(request.order_ref, request.order_amount, request.object)?;
        let (user, code) = (&request.user_id, &request.code);
        let reply = self.app.reserve_coupon(key, user, code, &order, timeout).await?;
        let (coupon, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ReserveCouponResponse { coupon, replayed }))
    }

    async fn use_coupon(
        &self,
        request: Request<proto::UseCouponRequest>,
    ) -> Result<Response<proto::UseCouponResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CouponService/UseCoupon";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let order = order(request.order_ref, request.order_amount, request.object)?;
        let reply = self.app.use_coupon(key, &request.user_id, &request.code, order).await?;
        let (coupon, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::UseCouponResponse { coupon, replayed }))
    }

    async fn release_coupon(
        &self,
        request: Request<proto::ReleaseCouponRequest>,
    ) -> Result<Response<proto::ReleaseCouponResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CouponService/ReleaseCoupon";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let (user, code, order) = (&request.user_id, &request.code, &request.order_ref);
        let reply = self.app.release_coupon(key, user, code, order).await?;
        let (coupon, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ReleaseCouponResponse { coupon, replayed }))
    }

    async fn return_coupon(
        &self,
        request: Request<proto::ReturnCouponRequest>,
    ) -> Result<Response<proto::ReturnCouponResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CouponService/ReturnCoupon";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let (user, code, order) = (&request.user_id, &request.code, &request.order_ref);
        let reply = self.app.return_coupon(key, user, code, order).await?;
        let (coupon, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ReturnCouponResponse { coupon, replayed }))
    }

    async fn get_coupon(
        &self,
        request: Request<proto::GetCouponRequest>,
    ) -> Result<Response<proto::GetCouponResponse>, Status> {
        let coupon = self.app.coupon(&request.get_ref().code).await?;
        let coupon = Some(message::coupon(&coupon, self.app.now()));
        Ok(Response::new(proto::GetCouponResponse { coupon }))
    }

    async fn list_coupons(
        &self,
        request: Request<proto::ListCouponsRequest>,
    ) -> Result<Response<proto::ListCouponsResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("coupons {}", request.user_id);
        let pages = &self.app.pages;
        let (size, before) =
            pages.open::<CouponCursor>(request.page_size, &request.page_token, &filter)?;
        let (coupons, next) = self.app.coupons(&request.user_id, before, size).await?;
        let now = self.app.now();
        Ok(Response::new(proto::ListCouponsResponse {
            coupons: coupons.iter().map(|one| message::coupon(one, now)).collect(),
            next_page_token: next.map_or(String::new(), |next| pages.token(&filter, &next)),
        }))
    }
}
