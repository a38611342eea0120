//! CharityService: what purchases set aside, and refunds take back.

use crate::fixture::{Service, fields, refusal};
use chrono::TimeDelta;
use perennial_platform::events::Peer;
use perennial_proto::identity::v1::{ActivityKind, UserErased};
use perennial_proto::loyalty::v1::charity_service_client::CharityServiceClient;
use perennial_proto::loyalty::v1::{
    CharityMonth, DonatePointsRequest, GetContributionRequest, GetReportRequest, GetReportResponse,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

const PROJECT: &str = "village-schools";

fn client(service: &Service) -> CharityServiceClient<Channel> {
    CharityServiceClient::new(service.suite.channel())
}

async fn report(service: &Service, from: &str, to: &str) -> Result<GetReportResponse, Status> {
    let request = GetReportRequest {
        project: PROJECT.to_owned(),
        from_date: from.to_owned(),
        to_date: to.to_owned(),
        ..Default::default()
    };
    Ok(client(service).get_report(request).await?.into_inner())
}

fn line(month: &str, set_aside: i64, taken_back: i64, purchases: i64) -> CharityMonth {
    CharityMonth {
        month: month.to_owned(),
        currency: "CNY".to_owned(),
        set_aside,
        taken_back,
        net: set_aside - taken_back,
        purchases,
        points: 0,
    }
}

#[tokio::test]
async fn a_part_of_each_purchase_is_set_aside_once() {
    let service = Service::start().await;
    for _ in 0..2 {
        service.tell("ann", ActivityKind::Purchase, "p1", "course:rust", 19_900);
        service.tell("ann", ActivityKind::Purchase, "p2", "plan:basic", 1_999);
        service.tell("bob", ActivityKind::Purchase, "p3", "course:go", 50);
        service.tell("bob", ActivityKind::CheckIn, "c1", "", 0);
    }
    service.suite.settle().await;
    // One yuan a course, never more than was paid; a tenth of the rest, rounded down.
    let months = report(&service, "", "").await.unwrap().months;
    assert_eq!(months, [line("2026-01", 100 + 199 + 50, 0, 3)]);
    let request = GetContributionRequest { user_id: "ann".to_owned() };
    let given = client(&service).get_contribution(request).await.unwrap().into_inner();
    assert_eq!(given.contributions.len(), 1);
    assert_eq!((given.contributions[0].net, given.contributions[0].purchases), (299, 2));
    service.assert_sound().await;
}

#[tokio::test]
async fn refunds_in_parts_take_back_exactly_all_of_it() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 9_999);
    for (n, part) in [3_333, 1, 2_222].into_iter().enumerate() {
        service.tell("ann", ActivityKind::Refund, &format!("r{n}"), "o1", part);
        service.tell("ann", ActivityKind::Refund, &format!("r{n}"), "o1", part);
    }
    service.suite.settle().await;
    assert_eq!(service.check().await, Vec::<String>::new());
    service.suite.clock.set("2026-02-10T00:00:00Z".parse().unwrap());
    service.tell("ann", ActivityKind::Refund, "r9", "o1", 9_999);
    service.tell("ann", ActivityKind::Refund, "r10", "unknown", 9_999);
    service.suite.settle().await;
    let months = report(&service, "", "").await.unwrap().months;
    let back: i64 = months.iter().map(|month| month.taken_back).sum();
    assert_eq!((months.len(), months[0].set_aside, back), (2, 999, 999));
    service.assert_sound().await;
}

#[tokio::test]
async fn months_are_local_and_come_in_pages() {
    let service = Service::start().await;
    for (n, at) in ["2026-01-31T15:59:59Z", "2026-01-31T16:00:00Z", "2026-03-05T00:00:00Z"]
        .into_iter()
        .enumerate()
    {
        service.suite.clock.set(at.parse().unwrap());
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
    }
    service.suite.settle().await;
    let all = report(&service, "", "").await.unwrap().months;
    let names: Vec<&str> = all.iter().map(|month| month.month.as_str()).collect();
    assert_eq!(names, ["2026-01", "2026-02", "2026-03"]);
    let some = report(&service, "2026-02-28", "2026-02-01").await.unwrap().months;
    assert_eq!(some, [line("2026-02", 100, 0, 1)]);
    assert_eq!(fields(report(&service, "2026-02-01", "2026-01-31").await), ["to_date"]);
    let mut request =
        GetReportRequest { project: PROJECT.to_owned(), page_size: 2, ..Default::default() };
    let page = client(&service).get_report(request.clone()).await.unwrap().into_inner();
    assert_eq!(page.months, all[..2]);
    request.page_token = page.next_page_token;
    let page = client(&service).get_report(request).await.unwrap().into_inner();
    assert_eq!((page.months, page.next_page_token.as_str()), (all[2..].to_vec(), ""));
}

#[tokio::test]
async fn points_can_be_given() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let request = DonatePointsRequest {
        request_id: "r1".to_owned(),
        user_id: "ann".to_owned(),
        project: PROJECT.to_owned(),
        points: 40,
    };
    let first = client(&service).donate_points(request.clone()).await.unwrap().into_inner();
    let again = client(&service).donate_points(request.clone()).await.unwrap().into_inner();
    assert_eq!((again.replayed, &again.entry_id), (true, &first.entry_id));
    let refused =
        DonatePointsRequest { request_id: "r2".to_owned(), points: 61, ..request.clone() };
    let refused = client(&service).donate_points(refused).await;
    assert_eq!(refusal(refused), (Code::FailedPrecondition, "INSUFFICIENT_POINTS".to_owned()));
    let nothing = DonatePointsRequest {
        request_id: "r3".to_owned(),
        project: "rockets".to_owned(),
        ..request
    };
    let refused = client(&service).donate_points(nothing).await;
    assert_eq!(refusal(refused), (Code::NotFound, "PROJECT_NOT_FOUND".to_owned()));
    assert_eq!(service.balance("ann").await.spendable, 60);
    let months = report(&service, "", "").await.unwrap().months;
    assert_eq!((months[0].points, months[0].currency.as_str()), (40, ""));
    service.assert_sound().await;
}

#[tokio::test]
async fn what_was_given_stays_when_the_giver_is_erased() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 10_000);
    let erased = UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.tell("ann", ActivityKind::Purchase, "p2", "o2", 10_000);
    service.suite.settle().await;
    assert_eq!(report(&service, "", "").await.unwrap().months, [line("2026-01", 1_000, 0, 1)]);
    service.suite.clock.advance(TimeDelta::days(1));
    service.assert_sound().await;
}
