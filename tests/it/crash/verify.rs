//! Holds what the suite has against what the callers were told.

use super::load::History;
use perennial_proto::feedback::v1::ListFeedbackRequest;
use perennial_proto::identity::v1::ListActivitiesRequest;
use perennial_proto::loyalty::v1::{EntryKind, GetStatementRequest};
use perennial_proto::notification::v1::ListNotificationsRequest;
use perennial_tests::Clients;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A template that needs no variables.
pub(super) const TEMPLATE: &str = "inactivity";

/// How long the other services may take to have followed every event.
const CATCH_UP: Duration = Duration::from_mins(1);

/// Everything that is wrong; empty when nothing is.
pub(super) async fn findings(history: &History, clients: &Clients) -> Vec<String> {
    let mut findings = history.findings.clone();
    for (user, acknowledged) in &history.entries {
        let (found, booked) = statement(clients, user).await;
        compare("entry", user, acknowledged, &found, &mut findings);
        let expected = history.points.get(user).copied().unwrap_or_default();
        if booked != expected {
            findings.push(format!("{user} has {booked} points instead of {expected}"));
        }
    }
    for (user, acknowledged) in &history.purchases {
        compare("purchase", user, acknowledged, &purchases(clients, user).await, &mut findings);
        if let Err(finding) = earned_once(clients, user, acknowledged.len()).await {
            findings.push(finding);
        }
    }
    for (user, acknowledged) in &history.feedback {
        compare("feedback", user, acknowledged, &feedback(clients, user).await, &mut findings);
    }
    for (user, acknowledged) in &history.notifications {
        compare("notification", user, acknowledged, &scheduled(clients, user).await, &mut findings);
    }
    findings
}

/// Every acknowledged id is there once, and nothing else is.
fn compare(
    kind: &str,
    user: &str,
    acknowledged: &[String],
    found: &[String],
    findings: &mut Vec<String>,
) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for id in found {
        *times.entry(id).or_default() += 1;
    }
    let expected: BTreeSet<&str> = acknowledged.iter().map(String::as_str).collect();
    if expected.len() != acknowledged.len() {
        findings.push(format!("{user}: two writes were acknowledged with the same {kind}"));
    }
    for id in &expected {
        match times.remove(id) {
            Some(1) => {}
            Some(more) => findings.push(format!("{user}: {kind} {id} is there {more} times")),
            None => findings.push(format!("{user}: {kind} {id} was acknowledged and is lost")),
        }
    }
    for id in times.keys() {
        findings.push(format!("{user}: {kind} {id} is there and nobody was told"));
    }
}

/// All pages of a list: `page` takes a token and gives items and the next token.
async fn all<T>(page: impl AsyncFn(String) -> (Vec<T>, String)) -> Vec<T> {
    let (mut items, mut token) = (Vec::new(), String::new());
    loop {
        let (more, next) = page(token).await;
        items.extend(more);
        if next.is_empty() {
            return items;
        }
        token = next;
    }
}

/// Ids of a member's entries, and their sum.
async fn statement(clients: &Clients, user: &str) -> (Vec<String>, i64) {
    let entries = all(async |page_token| {
        let request =
            GetStatementRequest { user_id: user.into(), page_size: 500, page_token, as_of: None };
        let page = clients.points.clone().get_statement(request).await.unwrap().into_inner();
        (page.entries, page.next_page_token)
    })
    .await;
    let booked = entries.iter().filter_map(|entry| entry.legs).map(|legs| legs.available).sum();
    (entries.into_iter().map(|entry| entry.entry_id).collect(), booked)
}

async fn purchases(clients: &Clients, user: &str) -> Vec<String> {
    all(async |page_token| {
        let request =
            ListActivitiesRequest { user_id: user.into(), page_token, ..Default::default() };
        let page = clients.activities.clone().list_activities(request).await.unwrap().into_inner();
        let ids = page.activities.into_iter().map(|activity| activity.activity_id);
        (ids.collect(), page.next_page_token)
    })
    .await
}

async fn feedback(clients: &Clients, user: &str) -> Vec<String> {
    all(async |page_token| {
        let request =
            ListFeedbackRequest { user_id: user.into(), page_token, ..Default::default() };
        let page = clients.feedback.clone().list_feedback(request).await.unwrap().into_inner();
        let ids = page.feedback.into_iter().map(|feedback| feedback.feedback_id);
        (ids.collect(), page.next_page_token)
    })
    .await
}

/// Notifications that were asked for by a call; those of triggers are the suite's own.
async fn scheduled(clients: &Clients, user: &str) -> Vec<String> {
    all(async |page_token| {
        let request =
            ListNotificationsRequest { user_id: user.into(), page_token, ..Default::default() };
        let list = clients.notifications.clone().list_notifications(request).await;
        let page = list.unwrap().into_inner();
        let by_call = page.notifications.into_iter().filter(|one| one.trigger.is_empty());
        (by_call.map(|one| one.notification_id).collect(), page.next_page_token)
    })
    .await
}

/// Each purchase has earned points once: loyalty follows identity's log, so it may take a moment.
async fn earned_once(clients: &Clients, user: &str, purchases: usize) -> Result<(), String> {
    let until = Instant::now() + CATCH_UP;
    loop {
        let request =
            GetStatementRequest { user_id: user.into(), page_size: 500, ..Default::default() };
        let earned = match clients.points.clone().get_statement(request).await {
            Ok(page) => page
                .into_inner()
                .entries
                .iter()
                .filter(|entry| entry.kind() == EntryKind::Earn)
                .count(),
            Err(_) => 0,
        };
        if earned == purchases {
            return Ok(());
        }
        if earned > purchases || Instant::now() > until {
            return Err(format!("{user}: {purchases} purchases earned {earned} times"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
