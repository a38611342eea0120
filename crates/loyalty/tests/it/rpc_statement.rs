//! Statements, explanations, totals.

use crate::fixture::{Service, fields};
use perennial_platform::time;
use perennial_proto::loyalty::v1::{
    ExplainBalanceRequest, GetLiabilityRequest, GetStatementRequest, GetStatementResponse,
    HoldRequest,
};

async fn page(service: &Service, token: &str) -> GetStatementResponse {
    let request = GetStatementRequest {
        user_id: "ann".to_owned(),
        page_size: 2,
        page_token: token.to_owned(),
        as_of: None,
    };
    service.points().get_statement(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn pages_stay_as_they_are_while_entries_arrive() {
    let service = Service::start().await;
    for points in 1..=5 {
        service.earn("ann", points).await;
    }
    let first = page(&service, "").await;
    service.earn("ann", 100).await;
    let second = page(&service, &first.next_page_token).await;
    let third = page(&service, &second.next_page_token).await;
    let pages = [&first, &second, &third];
    let points: Vec<i64> = pages.iter().flat_map(|p| &p.entries).map(|e| e.points).collect();
    assert_eq!(points, [5, 4, 3, 2, 1]);
    assert!(third.next_page_token.is_empty());
    // The balance is that of the entries the statement reaches, on every page.
    assert!(pages.iter().all(|p| p.balance.as_ref().unwrap().spendable == 15));
    let request = GetStatementRequest {
        user_id: "bob".to_owned(),
        page_token: first.next_page_token,
        ..Default::default()
    };
    assert_eq!(fields(service.points().get_statement(request).await), ["page_token"]);
}

#[tokio::test]
async fn a_statement_says_what_was_known_then() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let then = service.now();
    service.wait_days(1);
    service.spend("ann", 40).await.unwrap();
    let request = GetStatementRequest {
        user_id: "ann".to_owned(),
        as_of: Some(time::to_proto(then)),
        ..Default::default()
    };
    let statement = service.points().get_statement(request).await.unwrap().into_inner();
    assert_eq!(statement.entries.len(), 1);
    assert_eq!(statement.balance.unwrap().spendable, 100);
}

#[tokio::test]
async fn the_explanation_adds_up_to_the_balance() {
    let service = Service::start().await;
    for points in [50, 60, 70] {
        service.earn("ann", points).await;
        service.wait_days(30);
    }
    service.spend("ann", 55).await.unwrap();
    let request = HoldRequest { user_id: "ann".to_owned(), points: 10, ..Default::default() };
    service.points().hold(request).await.unwrap();
    // The first lot, of which nothing is left, and the second are past their date now.
    service.wait_days(300);
    let mut token = String::new();
    let mut lots = Vec::new();
    let balance = loop {
        let request =
            ExplainBalanceRequest { user_id: "ann".to_owned(), page_size: 1, page_token: token };
        let page = service.points().explain_balance(request).await.unwrap().into_inner();
        lots.extend(page.lots);
        token = page.next_page_token;
        if token.is_empty() {
            break page.balance.unwrap();
        }
    };
    assert_eq!(lots.iter().map(|lot| lot.spendable).sum::<i64>(), balance.spendable);
    for lot in &lots {
        let uses: i64 = lot.uses.iter().map(|one| one.points).sum();
        assert_eq!(lot.remaining, lot.points - uses);
        assert_eq!(lot.earned_by.as_ref().unwrap().points, lot.points);
    }
    service.assert_sound().await;
}

#[tokio::test]
async fn the_programme_knows_where_all_points_have_gone() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    service.earn("bob", 50).await;
    service.spend("ann", 30).await.unwrap();
    service.wait_days(366);
    let before = service.reports().get_liability(GetLiabilityRequest::default()).await.unwrap();
    let before = before.into_inner();
    assert_eq!((before.outstanding, before.overdue, before.expired), (120, 120, 0));
    service.suite.settle().await;
    let owed = service.reports().get_liability(GetLiabilityRequest::default()).await.unwrap();
    let owed = owed.into_inner();
    assert_eq!((owed.issued, owed.redeemed, owed.expired), (150, 30, 120));
    assert_eq!((owed.outstanding, owed.overdue, owed.members, owed.entries), (0, 0, 2, 5));
}

#[tokio::test]
async fn a_much_used_lot_lists_its_latest_uses() {
    let service = Service::start().await;
    service.earn("ann", 1_000).await;
    for points in 1..=52 {
        service.spend("ann", if points <= 2 { 10 } else { 1 }).await.unwrap();
    }
    let request = ExplainBalanceRequest { user_id: "ann".to_owned(), ..Default::default() };
    let page = service.points().explain_balance(request).await.unwrap().into_inner();
    let lot = &page.lots[0];
    assert_eq!((lot.uses.len(), lot.earlier_points, lot.remaining), (50, 20, 930));
    assert!(lot.uses.iter().all(|one| one.points == 1));
}
