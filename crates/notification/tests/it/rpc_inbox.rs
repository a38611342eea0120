//! InboxService.

use crate::world::{World, care_on};
use perennial_proto::identity::v1::Profile;
use perennial_proto::notification::v1::{
    DeliveryChannel, ListMessagesRequest, LocalizedText, MarkReadRequest, PutTemplateRequest,
};

#[tokio::test]
async fn words_are_rendered_when_read_with_the_version_of_the_day() {
    let world = World::new().await;
    world.people.add("u1");
    world.schedule(care_on("u1", DeliveryChannel::Inbox)).await;
    world.suite.settle().await;
    // A new version and a new name: the old text stays, the name is today's.
    let text = LocalizedText {
        locale: "zh-CN".to_owned(),
        subject: "new".to_owned(),
        body: "new".to_owned(),
    };
    let put =
        PutTemplateRequest { name: "care".to_owned(), texts: vec![text], ..Default::default() };
    world.templates().put_template(put).await.unwrap();
    world.people.put(Profile {
        user_id: "u1".to_owned(),
        display_name: "Li".to_owned(),
        locale: "en".to_owned(),
        ..Default::default()
    });
    let request = ListMessagesRequest { user_id: "u1".to_owned(), ..Default::default() };
    let page = world.inbox().list_messages(request).await.unwrap().into_inner();
    assert_eq!((page.messages.len(), page.unread_count), (1, 1));
    assert_eq!(page.messages[0].subject, "How have you been?");
    assert!(page.messages[0].body.starts_with("Hello Li,"));
}

#[tokio::test]
async fn reading_is_marked_once_and_only_for_the_owner() {
    let world = World::new().await;
    world.people.add("u1");
    let first = world.schedule(care_on("u1", DeliveryChannel::Inbox)).await;
    world.schedule(care_on("u1", DeliveryChannel::Inbox)).await;
    world.suite.settle().await;
    let mark = async |user: &str, ids: Vec<String>| {
        let request = MarkReadRequest {
            user_id: user.to_owned(),
            notification_ids: ids,
            request_id: String::new(),
        };
        world.inbox().mark_read(request).await.unwrap().into_inner().marked_count
    };
    let id = first.notification_id;
    assert_eq!(mark("somebody-else", vec![id.clone()]).await, 0);
    assert_eq!(mark("u1", vec![id.clone()]).await, 1);
    assert_eq!(mark("u1", vec![id]).await, 0);
    let request =
        ListMessagesRequest { user_id: "u1".to_owned(), unread_only: true, ..Default::default() };
    let page = world.inbox().list_messages(request.clone()).await.unwrap().into_inner();
    assert_eq!((page.messages.len(), page.unread_count), (1, 1));
    assert_eq!(mark("u1", Vec::new()).await, 1);
    let page = world.inbox().list_messages(request).await.unwrap().into_inner();
    assert_eq!((page.messages.len(), page.unread_count), (0, 0));
}
