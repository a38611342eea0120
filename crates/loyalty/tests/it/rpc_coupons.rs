//! CouponService: personal, good once, until a date.

use crate::fixture::{Service, fields, refusal};
use crate::rpc_progress::register;
use chrono::TimeDelta;
use futures::future::join_all;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::coupon_service_client::CouponServiceClient;
use perennial_proto::loyalty::v1::{
    Coupon, CouponState, GetCouponRequest, IssueCouponRequest, ListCouponsRequest,
    QuoteCouponRequest, ReleaseCouponRequest, ReserveCouponRequest, ReserveCouponResponse,
    ReturnCouponRequest, RewardGranted, UseCouponRequest, UseCouponResponse,
};
use perennial_proto::types::v1::Money;
use tonic::transport::Channel;
use tonic::{Code, Status};

fn client(service: &Service) -> CouponServiceClient<Channel> {
    CouponServiceClient::new(service.suite.channel())
}

fn cny(minor_units: i64) -> Option<Money> {
    Some(Money { currency: "CNY".to_owned(), minor_units })
}

async fn issue(service: &Service, user: &str, kind: &str) -> Coupon {
    let request = IssueCouponRequest {
        user_id: user.to_owned(),
        kind: kind.to_owned(),
        ..Default::default()
    };
    client(service).issue_coupon(request).await.unwrap().into_inner().coupon.unwrap()
}

async fn reserve(
    service: &Service,
    user: &str,
    code: &str,
    order: &str,
    amount: i64,
) -> Result<ReserveCouponResponse, Status> {
    let request = ReserveCouponRequest {
        user_id: user.to_owned(),
        code: code.to_owned(),
        order_ref: order.to_owned(),
        order_amount: cny(amount),
        ..Default::default()
    };
    Ok(client(service).reserve_coupon(request).await?.into_inner())
}

async fn use_it(
    service: &Service,
    code: &str,
    order: &str,
    amount: Option<Money>,
) -> Result<UseCouponResponse, Status> {
    let request = UseCouponRequest {
        user_id: "ann".to_owned(),
        code: code.to_owned(),
        order_ref: order.to_owned(),
        order_amount: amount,
        ..Default::default()
    };
    Ok(client(service).use_coupon(request).await?.into_inner())
}

async fn state(service: &Service, code: &str) -> CouponState {
    let request = GetCouponRequest { code: code.to_owned() };
    client(service).get_coupon(request).await.unwrap().into_inner().coupon.unwrap().state()
}

async fn coupons(service: &Service, user: &str) -> Vec<Coupon> {
    let request = ListCouponsRequest { user_id: user.to_owned(), ..Default::default() };
    client(service).list_coupons(request).await.unwrap().into_inner().coupons
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test]
async fn a_coupon_is_reserved_used_and_given_back() {
    let service = Service::start().await;
    let coupon = issue(&service, "ann", "ten-yuan").await;
    assert_eq!((coupon.state(), coupon.code.len()), (CouponState::Open, 12));
    let code = coupon.code.as_str();
    let held = reserve(&service, "ann", code, "o1", 6_000).await.unwrap().coupon.unwrap();
    assert_eq!((held.state(), held.discount), (CouponState::Reserved, cny(1_000)));
    let refused = reserve(&service, "ann", code, "o2", 6_000).await;
    assert_eq!(refusal(refused), precondition("COUPON_RESERVED"));
    // The order it is reserved for needs to say nothing more.
    let used = use_it(&service, code, "o1", None).await.unwrap().coupon.unwrap();
    assert_eq!((used.state(), used.discount.clone()), (CouponState::Used, cny(1_000)));
    assert_eq!(use_it(&service, code, "o1", None).await.unwrap().coupon.unwrap(), used);
    let refused = use_it(&service, code, "o2", cny(6_000)).await;
    assert_eq!(refusal(refused), precondition("COUPON_USED"));
    // Its order is taken back when the coupon's date has passed.
    service.wait_days(40);
    let back = ReturnCouponRequest {
        user_id: "ann".to_owned(),
        code: code.to_owned(),
        order_ref: "o2".to_owned(),
        ..Default::default()
    };
    let refused = client(&service).return_coupon(back.clone()).await;
    assert_eq!(refusal(refused), precondition("COUPON_NOT_USED"));
    let back = ReturnCouponRequest { order_ref: "o1".to_owned(), ..back };
    client(&service).return_coupon(back).await.unwrap();
    assert_eq!(state(&service, code).await, CouponState::Open);
    service.wait_days(8);
    assert_eq!(state(&service, code).await, CouponState::Expired);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_reservation_ends_by_itself_and_can_be_ended() {
    let service = Service::start().await;
    let code = issue(&service, "ann", "ten-yuan").await.code;
    reserve(&service, "ann", &code, "o1", 6_000).await.unwrap();
    service.suite.clock.advance(TimeDelta::minutes(15));
    assert_eq!(state(&service, &code).await, CouponState::Open);
    let refused = use_it(&service, &code, "o1", None).await;
    assert_eq!(fields(refused), ["order_amount"]);
    reserve(&service, "ann", &code, "o2", 6_000).await.unwrap();
    let release = ReleaseCouponRequest {
        user_id: "ann".to_owned(),
        code: code.clone(),
        order_ref: "o2".to_owned(),
        ..Default::default()
    };
    let other = ReleaseCouponRequest { order_ref: "o1".to_owned(), ..release.clone() };
    let refused = client(&service).release_coupon(other).await;
    assert_eq!(refusal(refused), precondition("COUPON_RESERVED"));
    client(&service).release_coupon(release).await.unwrap();
    use_it(&service, &code, "o3", cny(6_000)).await.unwrap();
    service.assert_sound().await;
}

#[tokio::test]
async fn every_refusal_has_its_reason() {
    let service = Service::start().await;
    let code = issue(&service, "ann", "ten-yuan").await.code;
    let refused = reserve(&service, "bob", &code, "o1", 6_000).await;
    assert_eq!(refusal(refused), precondition("NOT_YOURS"));
    let refused = reserve(&service, "ann", &code, "o1", 4_999).await;
    assert_eq!(refusal(refused), precondition("BELOW_MINIMUM"));
    let refused = reserve(&service, "ann", "NOSUCHCODE", "o1", 6_000).await;
    assert_eq!(refusal(refused), (Code::NotFound, "COUPON_NOT_FOUND".to_owned()));
    let dollars = Money { currency: "USD".to_owned(), minor_units: 6_000 };
    let refused = use_it(&service, &code, "o1", Some(dollars)).await;
    assert_eq!(refusal(refused), precondition("WRONG_CURRENCY"));
    for amount in [0, -1] {
        let refused = use_it(&service, &code, "o1", cny(amount)).await;
        assert_eq!(fields(refused), ["order_amount.minor_units"]);
    }
    let request = IssueCouponRequest {
        user_id: "ann".to_owned(),
        kind: "gold-bars".to_owned(),
        ..Default::default()
    };
    let refused = client(&service).issue_coupon(request.clone()).await;
    assert_eq!(refusal(refused), (Code::NotFound, "COUPON_KIND_NOT_FOUND".to_owned()));
    let request = IssueCouponRequest { source: "crm".to_owned(), ..request };
    assert_eq!(fields(client(&service).issue_coupon(request).await), ["source_event_id"]);
    service.wait_days(31);
    let refused = reserve(&service, "ann", &code, "o1", 6_000).await;
    assert_eq!(refusal(refused), precondition("COUPON_EXPIRED"));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_quote_is_what_will_be_taken_off() {
    let service = Service::start().await;
    let code = issue(&service, "ann", "come-back").await.code;
    let quote = QuoteCouponRequest {
        user_id: "ann".to_owned(),
        code: code.to_lowercase(),
        order_amount: cny(1_999),
        ..Default::default()
    };
    let quote = client(&service).quote_coupon(quote).await.unwrap().into_inner();
    assert_eq!((quote.discount, quote.to_pay), (cny(199), cny(1_800)));
    let used = use_it(&service, &code, "o1", cny(1_999)).await.unwrap().coupon.unwrap();
    assert_eq!(used.discount, cny(199));
}

#[tokio::test]
async fn requests_and_events_are_carried_out_once() {
    let service = Service::start().await;
    let request = IssueCouponRequest {
        request_id: "r1".to_owned(),
        user_id: "ann".to_owned(),
        kind: "apology".to_owned(),
        source: "crm".to_owned(),
        source_event_id: "e1".to_owned(),
    };
    let first = client(&service).issue_coupon(request.clone()).await.unwrap().into_inner();
    let again = client(&service).issue_coupon(request.clone()).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!(again.coupon, first.coupon);
    let other = IssueCouponRequest { request_id: "r2".to_owned(), ..request.clone() };
    let known = client(&service).issue_coupon(other).await.unwrap().into_inner();
    assert_eq!((known.replayed, known.coupon), (false, first.coupon.clone()));
    let reused = IssueCouponRequest { user_id: "bob".to_owned(), ..request };
    let refused = client(&service).issue_coupon(reused).await;
    assert_eq!(refusal(refused), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    let code = first.coupon.unwrap().code;
    let request = UseCouponRequest {
        request_id: "r3".to_owned(),
        user_id: "ann".to_owned(),
        code,
        order_ref: "o1".to_owned(),
        order_amount: cny(5_000),
        ..Default::default()
    };
    let first = client(&service).use_coupon(request.clone()).await.unwrap().into_inner();
    let again = client(&service).use_coupon(request).await.unwrap().into_inner();
    assert_eq!((again.replayed, again.coupon), (true, first.coupon));
    assert_eq!(service.suite.events_of::<RewardGranted>().await.len(), 1);
    service.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_orders_want_one_coupon_and_one_gets_it() {
    let one = Service::start().await;
    let other = one.replica().await;
    let code = issue(&one, "ann", "ten-yuan").await.code;
    let uses = (0..40).map(|n| {
        let service = if n % 2 == 0 { &one } else { &other };
        let (code, order) = (code.clone(), format!("o{n}"));
        async move { use_it(service, &code, &order, cny(6_000)).await }
    });
    let answers = join_all(uses).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused), precondition("COUPON_USED"));
    }
    one.assert_sound().await;
}

#[tokio::test]
async fn who_stays_away_longer_than_usual_gets_a_coupon() {
    let service = Service::start().await;
    // Every ten days; bob bought once.
    service.tell("bob", ActivityKind::Purchase, "b1", "b1", 1_000);
    for n in 0..4_usize {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
        service.suite.settle().await;
        // The last time a day earlier, before a coupon is due.
        service.wait_days([10, 10, 9, 0][n]);
    }
    service.wait_days(9);
    service.suite.settle().await;
    assert_eq!(
        (coupons(&service, "ann").await.len(), coupons(&service, "bob").await.len()),
        (0, 1)
    );
    service.wait_days(1);
    service.suite.settle().await;
    let given = coupons(&service, "ann").await;
    assert_eq!((given.len(), given[0].kind.as_str()), (1, "come-back"));
    // Once for each time away, whatever is told again.
    service.tell("ann", ActivityKind::Purchase, "p3", "o3", 1_000);
    service.wait_days(100);
    service.suite.settle().await;
    assert_eq!(coupons(&service, "ann").await.len(), 1);
    service.assert_sound().await;
}

/// A friend who counts is a fact of the member's, but not one of their purchases.
#[tokio::test]
async fn a_friend_brought_does_not_change_the_usual_gap() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    // Counts on the fifteenth day, between two purchases ten days apart.
    service.brings("ann", "bob").await;
    service.wait_days(1);
    for n in 0..4_usize {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
        service.suite.settle().await;
        service.wait_days([10, 10, 9, 0][n]);
    }
    service.wait_days(9);
    service.suite.settle().await;
    assert_eq!(coupons(&service, "ann").await.len(), 0);
    service.wait_days(1);
    service.suite.settle().await;
    assert_eq!(coupons(&service, "ann").await.len(), 1);
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erased_member_has_no_coupons_to_use() {
    let service = Service::start().await;
    let code = issue(&service, "ann", "ten-yuan").await.code;
    service.erase("ann").await;
    assert_eq!(state(&service, &code).await, CouponState::Revoked);
    let refused = reserve(&service, "ann", &code, "o1", 6_000).await;
    assert_eq!(refusal(refused), precondition("COUPON_REVOKED"));
    let request = IssueCouponRequest {
        user_id: "ann".to_owned(),
        kind: "ten-yuan".to_owned(),
        ..Default::default()
    };
    let refused = client(&service).issue_coupon(request).await;
    assert_eq!(refusal(refused), precondition("MEMBER_CLOSED"));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_coupon_that_an_erased_member_used_does_not_come_back() {
    let service = Service::start().await;
    let code = issue(&service, "ann", "ten-yuan").await.code;
    use_it(&service, &code, "o1", cny(6_000)).await.unwrap();
    service.erase("ann").await;
    let back = ReturnCouponRequest {
        user_id: "ann".to_owned(),
        code: code.clone(),
        order_ref: "o1".to_owned(),
        ..Default::default()
    };
    let refused = client(&service).return_coupon(back.clone()).await;
    assert_eq!(refusal(refused), precondition("COUPON_REVOKED"));
    // Nor for who comes back.
    service.wait_days(1);
    register(&service, "ann").await;
    let refused = client(&service).return_coupon(back).await;
    assert_eq!(refusal(refused), precondition("COUPON_REVOKED"));
    assert_eq!(state(&service, &code).await, CouponState::Used);
    service.assert_sound().await;
}

#[tokio::test]
async fn events_of_different_sources_are_different_events() {
    let service = Service::start().await;
    let mut codes = Vec::new();
    for (source, event) in [("crm:a", "b"), ("crm", "a:b"), ("crm:a", "b"), ("crm", "a:b")] {
        let request = IssueCouponRequest {
            user_id: "ann".to_owned(),
            kind: "apology".to_owned(),
            source: source.to_owned(),
            source_event_id: event.to_owned(),
            ..Default::default()
        };
        let coupon = client(&service).issue_coupon(request).await.unwrap().into_inner().coupon;
        codes.push(coupon.unwrap().code);
    }
    assert_eq!((&codes[0], &codes[1]), (&codes[2], &codes[3]));
    assert_ne!(codes[0], codes[1]);
    service.assert_sound().await;
}

#[tokio::test]
async fn coupons_are_listed_in_pages() {
    let service = Service::start().await;
    for _ in 0..5 {
        issue(&service, "ann", "apology").await;
        service.suite.clock.advance(TimeDelta::seconds(1));
    }
    let mut seen = Vec::new();
    let mut request =
        ListCouponsRequest { user_id: "ann".to_owned(), page_size: 2, ..Default::default() };
    loop {
        let page = client(&service).list_coupons(request.clone()).await.unwrap().into_inner();
        seen.extend(page.coupons.into_iter().map(|one| one.issue_time.unwrap().seconds));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let request = ListCouponsRequest { user_id: "bob".to_owned(), ..request };
    assert_eq!(fields(client(&service).list_coupons(request).await), ["page_token"]);
}
