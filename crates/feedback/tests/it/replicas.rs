//! Two replicas on one database do everything once between them.

use crate::world::{World, said};
use chrono::TimeDelta;
use perennial_proto::feedback::v1::{
    Channel, SubmitFeedbackRequest, TicketBreached, TicketNearBreach,
};
use std::collections::HashSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_both_comes_in_once() {
    let one = World::start().await;
    let other = one.replica().await;
    let calls = (0..120).map(|n| {
        let mut client = if n % 2 == 0 { one.feedback.clone() } else { other.feedback.clone() };
        let request = SubmitFeedbackRequest {
            source: "app".to_owned(),
            source_event_id: format!("e-{}", n / 2),
            ..said(&format!("user-{}", n / 2 % 7), Channel::Chat)
        };
        async move { client.submit_feedback(request).await.unwrap().into_inner().ticket_id }
    });
    let tickets: HashSet<_> = futures::future::join_all(calls).await.into_iter().collect();
    assert_eq!(tickets.len(), 60);
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_falls_due_is_told_once() {
    let mut one = World::start().await;
    let other = one.replica().await;
    for n in 0..60 {
        one.open(&format!("user-{}", n % 7), Channel::Chat).await;
    }
    for minutes in [12, 8] {
        one.pass(TimeDelta::minutes(minutes));
        other.pass(TimeDelta::minutes(minutes));
        tokio::join!(one.suite.settle(), other.suite.settle());
        // Whoever lost a race looks once more.
        tokio::join!(one.suite.settle(), other.suite.settle());
    }
    assert_eq!(one.suite.events_of::<TicketNearBreach>().await.len(), 60);
    assert_eq!(one.suite.events_of::<TicketBreached>().await.len(), 60);
    one.assert_sound().await;
}
