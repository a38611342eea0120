//! ReportService: the counts partition the messages.

use crate::world::{World, care, care_on};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::notification::v1::{
    DeliveryChannel, GetDeliveryReportRequest, NotificationState as State,
    ScheduleNotificationRequest,
};
use tonic::Code;

#[tokio::test]
async fn sent_held_and_dropped_add_up_with_their_reasons() {
    let world = World::new().await;
    world.people.add("u1");
    for topic in ["a", "b", "c"] {
        let request = ScheduleNotificationRequest { topic: topic.to_owned(), ..care("u1") };
        world.schedule(request).await; // two a day: the third is held
    }
    world.schedule(care("nobody")).await; // no address
    world.schedule(care_on("u1", DeliveryChannel::Webhook)).await; // no gateway
    world.suite.settle().await;
    let report = async |request| {
        world.reports().get_delivery_report(request).await.map(tonic::Response::into_inner)
    };
    let all = report(GetDeliveryReportRequest::default()).await.unwrap();
    let counts = (all.total_count, all.sent_count, all.held_count, all.dropped_count);
    assert_eq!(counts, (5, 2, 1, 2));
    assert_eq!(all.ever_held_count, 1);
    assert_eq!(all.outcomes.iter().map(|o| o.count).sum::<i64>(), all.total_count);
    let held = all.outcomes.iter().find(|o| o.state() == State::Held).unwrap();
    assert_eq!((held.reason.as_str(), held.count), ("CAP", 1));
    let no_address = all.outcomes.iter().filter(|o| o.reason == "NO_ADDRESS");
    assert_eq!(no_address.map(|o| o.count).sum::<i64>(), 2);

    let tomorrow = Some(time::to_proto(world.now() + TimeDelta::days(1)));
    let later = GetDeliveryReportRequest { start_time: tomorrow, end_time: None };
    assert_eq!(report(later).await.unwrap().total_count, 0);
    let backwards = GetDeliveryReportRequest {
        start_time: tomorrow,
        end_time: Some(time::to_proto(world.now())),
    };
    assert_eq!(report(backwards).await.unwrap_err().code(), Code::InvalidArgument);
}
