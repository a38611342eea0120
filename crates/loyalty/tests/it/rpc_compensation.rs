//! CompensationService: incidents, approved by somebody else, granted once per person.

use crate::fixture::{Service, fields, refusal};
use chrono::TimeDelta;
use perennial_loyalty::Config;
use perennial_loyalty::domain::referral::Step;
use perennial_loyalty::domain::{self, Reward};
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::compensation_service_client::CompensationServiceClient;
use perennial_proto::loyalty::v1::{
    ActivitySeen, ApproveIncidentRequest, CompensateTicketRequest, CompensationGranted,
    CompensationRewards, DeclareIncidentRequest, FeatureDays, GetIncidentRequest, Incident,
    IncidentFilter, IncidentState, ListIncidentsRequest, MembershipDays, PreviewIncidentRequest,
    PreviewIncidentResponse, RevokeIncidentRequest, RewardGranted, Tier,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

fn client(service: &Service) -> CompensationServiceClient<Channel> {
    CompensationServiceClient::new(service.suite.channel())
}

fn points(points: i64) -> Option<CompensationRewards> {
    Some(CompensationRewards { points, ..Default::default() })
}

/// An outage of the last hour.
fn outage(service: &Service, key: &str) -> DeclareIncidentRequest {
    DeclareIncidentRequest {
        key: key.to_owned(),
        from_time: Some(time::to_proto(service.now() - TimeDelta::hours(1))),
        to_time: Some(time::to_proto(service.now())),
        rewards: points(50),
        declared_by: "emp-1".to_owned(),
        ticket_id: "tkt-7".to_owned(),
        ..Default::default()
    }
}

async fn declare(service: &Service, said: DeclareIncidentRequest) -> Result<Incident, Status> {
    Ok(client(service).declare_incident(said).await?.into_inner().incident.unwrap())
}

async fn approve(service: &Service, one: &Incident, by: &str) -> Result<Incident, Status> {
    let request = ApproveIncidentRequest {
        incident_id: one.incident_id.clone(),
        approved_by: by.to_owned(),
        ..Default::default()
    };
    Ok(client(service).approve_incident(request).await?.into_inner().incident.unwrap())
}

async fn revoke(service: &Service, one: &Incident) -> Result<Incident, Status> {
    let incident_id = one.incident_id.clone();
    let request = RevokeIncidentRequest { incident_id, ..Default::default() };
    Ok(client(service).revoke_incident(request).await?.into_inner().incident.unwrap())
}

async fn read(service: &Service, one: &Incident) -> Incident {
    let request = GetIncidentRequest { incident_id: one.incident_id.clone() };
    client(service).get_incident(request).await.unwrap().into_inner().incident.unwrap()
}

async fn preview(service: &Service, one: &Incident) -> PreviewIncidentResponse {
    let incident_id = one.incident_id.clone();
    let request = PreviewIncidentRequest { incident_id, ..Default::default() };
    client(service).preview_incident(request).await.unwrap().into_inner()
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test]
async fn everybody_affected_is_given_it_once_and_told() {
    let service = Service::start().await;
    // More than one batch, of whom the late comers were not there.
    for n in 0..230 {
        service.earn(&format!("m{n:03}"), 1).await;
    }
    service.suite.clock.advance(TimeDelta::hours(1));
    let incident = declare(&service, outage(&service, "outage-1")).await.unwrap();
    for n in 0..5 {
        service.earn(&format!("late{n}"), 1).await;
    }
    let seen = preview(&service, &incident).await;
    assert_eq!((seen.affected, seen.examined, seen.points), (230, 235, 230 * 50));
    assert_eq!((seen.user_ids.len(), seen.next_page_token.is_empty()), (50, false));
    // Looking gives nothing.
    service.suite.settle().await;
    assert_eq!(service.balance("m000").await.spendable, 1);
    assert_eq!(refusal(approve(&service, &incident, "emp-1").await), precondition("SAME_PERSON"));
    let approved = approve(&service, &incident, "emp-2").await.unwrap();
    assert_eq!(approved.state(), IncidentState::Granting);
    assert_eq!(
        refusal(approve(&service, &incident, "emp-3").await),
        precondition("INCIDENT_APPROVED")
    );
    service.suite.settle().await;
    let done = read(&service, &incident).await;
    assert_eq!(done.state(), IncidentState::Granted);
    assert_eq!((done.examined, done.granted, done.revoked), (235, 230, 0));
    assert_eq!(service.balance("m229").await.spendable, 51);
    assert_eq!(service.balance("late0").await.spendable, 1);
    let told: Vec<CompensationGranted> = service.suite.events_of().await;
    assert_eq!(told.len(), 230);
    assert_eq!(told[0].incident_id, incident.incident_id);
    assert_eq!((told[0].ticket_id.as_str(), told[0].grants.len()), ("tkt-7", 1));
    assert_eq!(service.suite.events_of::<RewardGranted>().await.len(), 0);
    service.assert_sound().await;
    // And back, as far as it is still there.
    service.spend("m000", 51).await.unwrap();
    revoke(&service, &incident).await.unwrap();
    assert_eq!(refusal(revoke(&service, &incident).await), precondition("INCIDENT_REVOKED"));
    service.suite.settle().await;
    let back = read(&service, &incident).await;
    assert_eq!((back.state(), back.revoked), (IncidentState::Revoked, 230));
    assert_eq!(service.balance("m001").await.spendable, 1);
    assert_eq!(service.balance("m000").await.debt, 50);
    service.assert_sound().await;
}

#[tokio::test]
async fn only_those_are_affected_whom_the_filter_means() {
    let service = Service::start().await;
    service.earn("idle", 1).await;
    service.suite.clock.advance(TimeDelta::hours(2));
    service.tell("buyer", ActivityKind::Purchase, "p1", "o1", 1_000);
    service.tell("silver", ActivityKind::Purchase, "p2", "o2", 60_000);
    service.earn("earner", 1).await;
    service.suite.settle().await;
    service.suite.clock.advance(TimeDelta::minutes(1));
    let users = async |key: &str, filter: IncidentFilter| {
        let said = DeclareIncidentRequest { filter: Some(filter), ..outage(&service, key) };
        let incident = declare(&service, said).await.unwrap();
        preview(&service, &incident).await.user_ids
    };
    let seen = |seen: ActivitySeen| IncidentFilter { activity: seen.into(), ..Default::default() };
    assert_eq!(
        users("all", IncidentFilter::default()).await,
        ["buyer", "earner", "idle", "silver"]
    );
    assert_eq!(users("bought", seen(ActivitySeen::Purchase)).await, ["buyer", "silver"]);
    assert_eq!(users("any", seen(ActivitySeen::Any)).await, ["buyer", "earner", "silver"]);
    let tiers = IncidentFilter { tiers: vec![Tier::Silver.into()], ..Default::default() };
    assert_eq!(users("tier", tiers).await, ["silver"]);
    let listed = vec!["idle".to_owned(), "nobody".to_owned()];
    let listed = IncidentFilter { user_ids: listed, ..Default::default() };
    assert_eq!(users("listed", listed).await, ["idle"]);
    // Somebody has access to a plan.
    let days = MembershipDays { plan: "basic".to_owned(), days: 1 };
    let request = CompensateTicketRequest {
        user_id: "idle".to_owned(),
        ticket_id: "tkt-1".to_owned(),
        rewards: Some(CompensationRewards { membership: Some(days), ..Default::default() }),
        declared_by: "emp-1".to_owned(),
        ..Default::default()
    };
    client(&service).compensate_ticket(request).await.unwrap();
    service.suite.clock.advance(TimeDelta::minutes(1));
    let on = |plan: &str| IncidentFilter { plans: vec![plan.to_owned()], ..Default::default() };
    assert_eq!(users("plan", on("basic")).await, ["idle"]);
    assert_eq!(users("other-plan", on("premium")).await, Vec::<String>::new());
    service.wait_days(2);
    assert_eq!(users("later", on("basic")).await, Vec::<String>::new());
    let request = ListIncidentsRequest { page_size: 3, ..Default::default() };
    let page = client(&service).list_incidents(request).await.unwrap().into_inner();
    assert_eq!((page.incidents.len(), page.next_page_token.is_empty()), (3, false));
}

/// A friend who counts and a tier that is given are facts of the member's, but no purchases.
#[tokio::test]
async fn who_only_brought_a_friend_did_not_buy() {
    let mut config = Config { require_expiry_warning: false, ..Config::default() };
    let rewards = vec![Reward::Tier(domain::Tier::Gold)];
    config.rules[0].referrals.steps = vec![Step { friends: 1, rewards }];
    let service = Service::with(config).await;
    service.earn("ann", 1).await;
    service.brings("ann", "bob").await;
    service.wait_days(14);
    service.suite.settle().await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Gold);
    service.suite.clock.advance(TimeDelta::minutes(1));
    for (key, seen) in [("bought", ActivitySeen::Purchase), ("any", ActivitySeen::Any)] {
        let filter = IncidentFilter { activity: seen.into(), ..Default::default() };
        let said = DeclareIncidentRequest { filter: Some(filter), ..outage(&service, key) };
        let incident = declare(&service, said).await.unwrap();
        assert_eq!(preview(&service, &incident).await.affected, 0, "{key}");
    }
}

#[tokio::test]
async fn a_draft_can_be_withdrawn_and_an_open_window_not_approved() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    let ahead = DeclareIncidentRequest {
        to_time: Some(time::to_proto(service.now() + TimeDelta::hours(1))),
        ..outage(&service, "k1")
    };
    let incident = declare(&service, ahead).await.unwrap();
    assert_eq!(refusal(approve(&service, &incident, "emp-2").await), precondition("WINDOW_OPEN"));
    assert_eq!(revoke(&service, &incident).await.unwrap().state(), IncidentState::Revoked);
    assert_eq!(
        refusal(approve(&service, &incident, "emp-2").await),
        precondition("INCIDENT_REVOKED")
    );
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 1);
    service.assert_sound().await;
}

#[tokio::test]
async fn declarations_are_checked() {
    let service = Service::start().await;
    let said = outage(&service, "k1");
    let back = DeclareIncidentRequest { to_time: said.from_time, ..said.clone() };
    assert_eq!(fields(declare(&service, back).await), ["to_time"]);
    let nothing = DeclareIncidentRequest { rewards: points(0), ..said.clone() };
    assert_eq!(fields(declare(&service, nothing).await), ["rewards"]);
    let much = DeclareIncidentRequest { rewards: points(10_001), ..said.clone() };
    assert_eq!(fields(declare(&service, much).await), ["rewards"]);
    let days = MembershipDays { plan: "basic".to_owned(), days: 367 };
    let long = CompensationRewards { membership: Some(days), ..Default::default() };
    let long = DeclareIncidentRequest { rewards: Some(long), ..said.clone() };
    assert_eq!(fields(declare(&service, long).await), ["rewards"]);
    let coupon = CompensationRewards { coupon: "castle".to_owned(), ..Default::default() };
    let unknown = DeclareIncidentRequest { rewards: Some(coupon), ..said.clone() };
    let refused = declare(&service, unknown).await;
    assert_eq!(refusal(refused), (Code::NotFound, "COUPON_KIND_NOT_FOUND".to_owned()));
    let days = MembershipDays { plan: "castle".to_owned(), days: 1 };
    let plan = CompensationRewards { membership: Some(days), ..Default::default() };
    let unknown = DeclareIncidentRequest { rewards: Some(plan), ..said.clone() };
    let refused = declare(&service, unknown).await;
    assert_eq!(refusal(refused), (Code::NotFound, "PLAN_NOT_FOUND".to_owned()));
    let request = DeclareIncidentRequest { request_id: "r1".to_owned(), ..said.clone() };
    let first = client(&service).declare_incident(request.clone()).await.unwrap().into_inner();
    let again = client(&service).declare_incident(request).await.unwrap().into_inner();
    assert_eq!((again.replayed, again.incident), (true, first.incident));
    let refused = declare(&service, said).await;
    assert_eq!(refusal(refused), (Code::AlreadyExists, "INCIDENT_EXISTS".to_owned()));
    let incident_id = format!("inc_{}", "0".repeat(32));
    let refused = client(&service).get_incident(GetIncidentRequest { incident_id }).await;
    assert_eq!(refusal(refused), (Code::NotFound, "INCIDENT_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn a_complaint_is_made_up_for_once() {
    let service = Service::start().await;
    let feature = FeatureDays { feature: "export".to_owned(), days: 7 };
    let rewards = CompensationRewards {
        points: 20,
        coupon: "apology".to_owned(),
        feature: Some(feature),
        membership: None,
    };
    let request = CompensateTicketRequest {
        request_id: "r1".to_owned(),
        user_id: "ann".to_owned(),
        ticket_id: "tkt-1".to_owned(),
        rewards: Some(rewards),
        declared_by: "emp-1".to_owned(),
    };
    let first = client(&service).compensate_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.grants.len(), 3);
    let again = client(&service).compensate_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!((again.replayed, again.grants), (true, first.grants));
    let other = CompensateTicketRequest { request_id: "r2".to_owned(), ..request.clone() };
    let refused = client(&service).compensate_ticket(other.clone()).await;
    assert_eq!(refusal(refused), (Code::AlreadyExists, "TICKET_COMPENSATED".to_owned()));
    let told: Vec<CompensationGranted> = service.suite.events_of().await;
    assert_eq!((told.len(), told[0].ticket_id.as_str()), (1, "tkt-1"));
    assert_eq!(service.balance("ann").await.spendable, 20);
    let much = CompensateTicketRequest {
        request_id: "r3".to_owned(),
        ticket_id: "tkt-2".to_owned(),
        rewards: points(10_001),
        ..other
    };
    assert_eq!(fields(client(&service).compensate_ticket(much.clone()).await), ["rewards"]);
    service.erase("ann").await;
    let late = CompensateTicketRequest { request_id: "r4".to_owned(), rewards: points(1), ..much };
    let refused = client(&service).compensate_ticket(late).await;
    assert_eq!(refusal(refused), precondition("MEMBER_CLOSED"));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_revocation_stops_a_granting_that_has_begun() {
    let one = Service::start().await;
    for n in 0..20 {
        one.earn(&format!("m{n}"), 1).await;
    }
    one.suite.clock.advance(TimeDelta::hours(1));
    let incident = declare(&one, outage(&one, "k1")).await.unwrap();
    approve(&one, &incident, "emp-2").await.unwrap();
    revoke(&one, &incident).await.unwrap();
    one.suite.settle().await;
    let read = read(&one, &incident).await;
    assert_eq!((read.state(), read.granted, read.revoked), (IncidentState::Revoked, 0, 0));
    assert_eq!(one.balance("m0").await.spendable, 1);
    one.assert_sound().await;
}
