//! Stamp cards.

use crate::fixture::Service;
use crate::rpc_progress::{badges, causes, item, progress, user};
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::{ListOffersRequest, OfferKind, ProgressState};

#[tokio::test]
async fn ten_stamps_are_rewarded_once_however_often_the_log_is_read() {
    let service = Service::start().await;
    for _ in 0..2 {
        for n in 0..10 {
            service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
            if n % 3 == 2 {
                service.wait_days(1);
            }
        }
        service.suite.settle().await;
    }
    let card = item(&service, "ann", "ten-and-one").await;
    assert_eq!((card.state(), card.done, card.round), (ProgressState::Completed, 10, 1));
    assert_eq!(card.kind(), OfferKind::StampCard);
    let given = causes(&service, "ann").await;
    let cards = given.iter().filter(|cause| cause.contains("ten-and-one"));
    assert_eq!(cards.collect::<Vec<_>>(), ["stamp-card ten-and-one#1"]);
    // The eleventh begins the next card.
    service.wait_days(1);
    service.tell("ann", ActivityKind::Purchase, "p10", "o10", 1_000);
    service.suite.settle().await;
    let card = item(&service, "ann", "ten-and-one").await;
    assert_eq!((card.done, card.round), (1, 2));
    service.assert_sound().await;
}

#[tokio::test]
async fn no_day_gives_more_stamps_than_the_rules_say() {
    let service = Service::start().await;
    for n in 0..5 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
    }
    service.suite.settle().await;
    assert_eq!(item(&service, "ann", "ten-and-one").await.done, 3);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_refund_takes_the_stamp_back_and_a_full_card_leaves_the_next_behind() {
    let service = Service::start().await;
    for n in 0..9 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
        service.wait_days(1);
    }
    // A part given back takes nothing; the rest does, and only once.
    for _ in 0..2 {
        service.tell("ann", ActivityKind::Refund, "r0a", "o0", 400);
        service.suite.settle().await;
    }
    assert_eq!(item(&service, "ann", "ten-and-one").await.done, 9);
    for _ in 0..2 {
        service.tell("ann", ActivityKind::Refund, "r0b", "o0", 600);
        service.suite.settle().await;
    }
    assert_eq!(item(&service, "ann", "ten-and-one").await.done, 8);
    for n in 10..12 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 1_000);
    }
    service.suite.settle().await;
    assert_eq!(item(&service, "ann", "ten-and-one").await.state(), ProgressState::Completed);
    let before = causes(&service, "ann").await;
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 1_000);
    service.suite.settle().await;
    let card = item(&service, "ann", "ten-and-one").await;
    assert_eq!((card.round, card.done, card.missing), (2, -1, 11));
    assert_eq!(causes(&service, "ann").await, before);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_card_for_gold_members_is_for_gold_members() {
    let service = Service::start().await;
    let offers = ListOffersRequest { user_id: String::new() };
    let offers = progress(&service).list_offers(offers).await.unwrap().into_inner().offers;
    assert!(offers.iter().any(|offer| offer.key == "gold-event"));
    service.tell("ann", ActivityKind::Purchase, "p0", "o0", 1_000);
    service.suite.settle().await;
    let mine = ListOffersRequest { user_id: user("ann") };
    let mine = progress(&service).list_offers(mine).await.unwrap().into_inner().offers;
    assert!(!mine.iter().any(|offer| offer.key == "gold-event"));
    assert_eq!(item(&service, "ann", "gold-event").await.state(), ProgressState::Open);
    for n in 1..4 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 200_000);
        service.wait_days(1);
    }
    service.suite.settle().await;
    assert_eq!(badges(&service, "ann").await, ["gold-event"]);
    service.assert_sound().await;
}
