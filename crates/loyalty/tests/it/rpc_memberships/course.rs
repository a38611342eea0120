//! What becomes of a membership: canceled, paused, refunded, unpaid, erased.

use super::{
    ChargeState, State, cancel, client, collect, due, has_access, instant, membership, paying,
    report_paid, see, subscribe, wish, yuan,
};
use crate::fixture::{Service, refusal};
use chrono::TimeDelta;
use perennial_platform::events::Peer;
use perennial_proto::identity::v1::UserErased;
use perennial_proto::loyalty::v1::{
    ChangePlanRequest, ListDuePayoutsRequest, ListMembershipHistoryRequest, ListMembershipsRequest,
    ListPlansRequest, MembershipChanged, MembershipPayoutDue, MembershipPeriod,
    MembershipRenewalDue, MembershipTimeKind, PauseRequest, ReportChargeFailedRequest,
    ReportPayoutDoneRequest, RequestRefundRequest, ResumeRequest, UndoCancelRequest,
};

#[tokio::test]
async fn what_was_canceled_lasts_to_its_end_and_can_be_undone() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    service.suite.clock.set(end - TimeDelta::days(3));
    service.suite.settle().await;
    let canceled = cancel(&service, "ann", false).await.unwrap();
    assert_eq!((canceled.state(), canceled.renews), (State::Canceling, false));
    assert!(has_access(&service, "ann").await);
    // Undone: the price is said in the call, and nothing is for free.
    let request = UndoCancelRequest { user_id: "ann".to_owned(), ..Default::default() };
    let undone = client(&service).undo_cancel(request).await.unwrap().into_inner();
    let charge = undone.membership.unwrap().next_charge.unwrap();
    assert_eq!((instant(charge.due_time), charge.amount), (end, yuan(2_000)));
    cancel(&service, "ann", false).await.unwrap();
    service.suite.clock.set(end - TimeDelta::seconds(1));
    assert!(has_access(&service, "ann").await);
    service.suite.clock.set(end);
    assert!(!has_access(&service, "ann").await);
    assert_eq!(membership(&service, "ann").await.state(), State::Expired);
    assert!(due(&service).await.is_empty());
    service.assert_sound().await;
}

#[tokio::test]
async fn an_unpaid_renewal_has_days_of_grace_then_waits_then_ends() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    service.suite.advance(end - service.now(), TimeDelta::days(1)).await;
    service.suite.settle().await;
    let charge = due(&service).await.pop().unwrap();
    let request = ReportChargeFailedRequest {
        charge_id: charge.charge_id.clone(),
        reason: "card-declined".to_owned(),
        ..Default::default()
    };
    let failed = client(&service).report_charge_failed(request).await.unwrap().into_inner();
    assert_eq!(failed.membership.unwrap().state(), State::Grace);
    assert_eq!(failed.charge.unwrap().failure_reason, "card-declined");
    service.suite.clock.set(end + TimeDelta::days(7) - TimeDelta::seconds(1));
    assert!(has_access(&service, "ann").await);
    service.suite.clock.advance(TimeDelta::seconds(1));
    assert!(!has_access(&service, "ann").await);
    assert_eq!(membership(&service, "ann").await.state(), State::OnHold);
    service.suite.settle().await;
    // Paid after all: from now, for nobody had access in between.
    service.wait_days(5);
    report_paid(&service, &charge.charge_id, "p").await.unwrap();
    let back = membership(&service, "ann").await;
    assert_eq!(back.state(), State::Active);
    assert_eq!(instant(back.stretches[1].start_time), service.now());

    // The next one is never paid.
    let end = instant(back.paid_through);
    service.suite.advance(end - service.now(), TimeDelta::days(1)).await;
    service.suite.settle().await;
    service.suite.clock.set(end + TimeDelta::days(37));
    let over = see(&service, "ann").await;
    assert_eq!(over.membership.unwrap().state(), State::Expired);
    assert_eq!(over.charges[0].state(), ChargeState::Void);
    service.suite.settle().await;
    let told: Vec<MembershipChanged> = service.suite.events_of().await;
    let to: Vec<State> = told.iter().map(MembershipChanged::to).collect();
    let states = [State::Active, State::Grace, State::OnHold, State::Active];
    assert_eq!(to, [&states[..], &[State::OnHold, State::Expired]].concat());
    service.assert_sound().await;

    let request = ListMembershipHistoryRequest {
        user_id: "ann".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let page = client(&service).list_membership_history(request.clone()).await.unwrap();
    let page = page.into_inner();
    assert_eq!(page.transitions[0].to(), State::Expired);
    assert_eq!(instant(page.transitions[0].time), end + TimeDelta::days(37));
    assert_eq!(instant(page.transitions[1].time), end + TimeDelta::days(7));
    let request =
        ListMembershipHistoryRequest { page_token: page.next_page_token, page_size: 10, ..request };
    let rest = client(&service).list_membership_history(request).await.unwrap().into_inner();
    assert_eq!(rest.transitions.len(), 4);
}

/// Each change tells of the access from then on, not of what came of it since.
#[tokio::test]
async fn changes_told_late_say_what_held_when_they_fell_due() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    let request = PauseRequest { user_id: "ann".to_owned(), ..Default::default() };
    client(&service).pause(request).await.unwrap();
    cancel(&service, "ann", false).await.unwrap();
    let over = service.now() + TimeDelta::days(90);
    // No job ran until the pause and then the membership were over.
    service.wait_days(200);
    service.suite.settle().await;
    let told: Vec<MembershipChanged> = service.suite.events_of().await;
    let [.., canceling, expired] = &told[..] else { panic!("{told:?}") };
    let told = |change: &MembershipChanged| {
        (change.to(), instant(change.change_time), change.access_until.map(|at| instant(Some(at))))
    };
    let until = end + TimeDelta::days(90);
    assert_eq!(told(canceling), (State::Canceling, over, Some(until)));
    assert_eq!(told(expired), (State::Expired, until, None));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_late_notice_delays_the_renewal_and_cuts_nothing() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    // No job ran until two days after the end.
    service.suite.clock.set(end + TimeDelta::days(2));
    assert!(has_access(&service, "ann").await);
    assert!(due(&service).await.is_empty());
    service.suite.settle().await;
    let told: Vec<MembershipRenewalDue> = service.suite.events_of().await;
    assert_eq!(instant(told[0].renew_time), end + TimeDelta::days(9));
    assert!(due(&service).await.is_empty());
    service.suite.clock.set(end + TimeDelta::days(9));
    assert!(has_access(&service, "ann").await);
    collect(&service).await;
    let renewed = membership(&service, "ann").await;
    let kinds: Vec<_> = renewed
        .stretches
        .iter()
        .map(perennial_proto::loyalty::v1::MembershipStretch::kind)
        .collect();
    let (paid, courtesy) = (MembershipTimeKind::Paid, MembershipTimeKind::Courtesy);
    assert_eq!(kinds, [paid, courtesy, paid]);
    assert_eq!(instant(renewed.stretches[2].start_time), end + TimeDelta::days(9));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_pause_lets_time_stand_still() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    service.wait_days(10);
    let request = PauseRequest { user_id: "ann".to_owned(), ..Default::default() };
    let paused = client(&service).pause(request.clone()).await.unwrap().into_inner();
    assert_eq!(paused.membership.unwrap().state(), State::Paused);
    assert!(!has_access(&service, "ann").await);
    assert_eq!(refusal(client(&service).pause(request.clone()).await).1, "ALREADY_PAUSED");
    service.suite.advance(TimeDelta::days(40), TimeDelta::days(10)).await;
    let resume = ResumeRequest { user_id: "ann".to_owned(), ..Default::default() };
    let resumed = client(&service).resume(resume).await.unwrap().into_inner().membership.unwrap();
    assert_eq!(instant(resumed.paid_through), end + TimeDelta::days(40));
    assert!(has_access(&service, "ann").await);
    // A pause that nobody ends is over after ninety days.
    client(&service).pause(request).await.unwrap();
    service.wait_days(90);
    assert!(has_access(&service, "ann").await);
    assert_eq!(instant(membership(&service, "ann").await.paid_through), end + TimeDelta::days(130));
    service.assert_sound().await;
}

#[tokio::test]
async fn money_back_within_seven_days_to_the_second_and_once() {
    let service = Service::start().await;
    for (user, late) in [("ann", 0), ("bob", 1)] {
        paying(&service, user).await;
        service.wait_days(7);
        service.suite.clock.advance(TimeDelta::seconds(late));
        let request = RequestRefundRequest { user_id: user.to_owned(), ..Default::default() };
        let answer = client(&service).request_refund(request.clone()).await;
        if late == 1 {
            assert_eq!(refusal(answer).1, "REFUND_WINDOW_OVER");
            continue;
        }
        let answer = answer.unwrap().into_inner();
        assert_eq!(answer.membership.unwrap().state(), State::Refunded);
        assert!(!has_access(&service, user).await);
        let payout = answer.payout.unwrap();
        assert_eq!((payout.amount, payout.done_time), (yuan(1_600), None));
        let again = client(&service).request_refund(request).await;
        assert_eq!(refusal(again).1, "ALREADY_REFUNDED");
        let owed: Vec<MembershipPayoutDue> = service.suite.events_of().await;
        assert_eq!(owed.len(), 1);
        let done = |by: &str| ReportPayoutDoneRequest {
            payout_id: payout.payout_id.clone(),
            payment_ref: by.to_owned(),
            ..Default::default()
        };
        for _ in 0..2 {
            let answer = client(&service).report_payout_done(done("out")).await.unwrap();
            assert!(answer.into_inner().payout.unwrap().done_time.is_some());
        }
        let other = client(&service).report_payout_done(done("other")).await;
        assert_eq!(refusal(other).1, "PAYOUT_DONE");
    }
    // Who was paid back has paid before: no discount any more.
    let again = subscribe(&service, wish("ann", "basic", false)).await.unwrap();
    assert_eq!(again.next_charge.unwrap().amount, yuan(2_000));
    let request = ListMembershipsRequest { user_id: "ann".to_owned(), ..Default::default() };
    let all = client(&service).list_memberships(request).await.unwrap().into_inner();
    assert_eq!(all.memberships.len(), 2);
    service.assert_sound().await;
}

#[tokio::test]
async fn another_plan_begins_with_the_next_period() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    let request = ChangePlanRequest {
        user_id: "ann".to_owned(),
        plan: "premium".to_owned(),
        period: MembershipPeriod::Yearly.into(),
        ..Default::default()
    };
    let changed = client(&service).change_plan(request).await.unwrap().into_inner();
    let changed = changed.membership.unwrap();
    assert_eq!((changed.plan.as_str(), changed.next_plan.as_str()), ("basic", "premium"));
    assert_eq!(changed.renewal_price, yuan(128_000));
    service.suite.advance(end - service.now(), TimeDelta::days(1)).await;
    assert_eq!(collect(&service).await, [128_000]);
    let premium = membership(&service, "ann").await;
    assert_eq!((premium.plan.as_str(), premium.next_plan.as_str()), ("premium", ""));
    assert_eq!(premium.period(), MembershipPeriod::Yearly);
    service.assert_sound().await;
}

#[tokio::test]
async fn erasure_ends_access_and_voids_what_is_due_but_not_what_is_owed() {
    let service = Service::start().await;
    paying(&service, "ann").await;
    let request = RequestRefundRequest { user_id: "ann".to_owned(), ..Default::default() };
    client(&service).request_refund(request).await.unwrap();
    subscribe(&service, wish("ann", "basic", false)).await.unwrap();
    subscribe(&service, wish("bob", "basic", true)).await.unwrap();
    assert_eq!(due(&service).await.len(), 1);
    for user in ["ann", "bob"] {
        let erased = UserErased { user_id: user.to_owned() };
        service.suite.log(Peer::Identity).append(service.now(), user, &erased);
    }
    service.suite.settle().await;
    assert!(due(&service).await.is_empty());
    assert!(!has_access(&service, "bob").await);
    assert_eq!(membership(&service, "bob").await.state(), State::Expired);
    let owed = client(&service).list_due_payouts(ListDuePayoutsRequest::default()).await.unwrap();
    assert_eq!(owed.into_inner().payouts.len(), 1);
    let refused = subscribe(&service, wish("bob", "basic", false)).await;
    assert_eq!(refusal(refused).1, "MEMBER_CLOSED");
    service.assert_sound().await;
}

#[tokio::test]
async fn the_shelf_shows_what_a_member_would_pay() {
    let service = Service::start().await;
    let ask = |user: &str| {
        let request = ListPlansRequest { user_id: user.to_owned() };
        let mut client = client(&service);
        async move { client.list_plans(request).await.unwrap().into_inner().plans }
    };
    let new = ask("").await;
    assert_eq!(new.len(), 3);
    assert_eq!((new[0].trial_days, new[0].prices[0].price.clone()), (3, yuan(2_000)));
    assert_eq!(new[0].prices[0].first_price, yuan(1_600));
    assert_eq!(new[0].prices[1].offers[0].price, yuan(39_600));
    paying(&service, "ann").await;
    let hers = ask("ann").await;
    assert_eq!((hers[0].trial_days, hers[0].prices[0].first_price.clone()), (0, None));
}
