//! A service with a bit of everything, whose tables can be damaged and mended again.

use crate::fixture::Service;
use crate::rpc_memberships::{client as memberships, collect, paying, subscribe, wish};
use crate::rpc_progress::register;
use crate::rpc_rules::{activate, announced, whole};
use chrono::TimeDelta;
use perennial_loyalty::Config;
use perennial_loyalty::domain::catalogue::{Good, Item};
use perennial_loyalty::domain::quota::QuotaRule;
use perennial_loyalty::domain::referral::Step;
use perennial_loyalty::domain::rounding::Rounding;
use perennial_loyalty::domain::{Reward, RuleVersion, Tier};
use perennial_platform::db::Engine;
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::audit_service_client::AuditServiceClient;
use perennial_proto::loyalty::v1::benefit_service_client::BenefitServiceClient;
use perennial_proto::loyalty::v1::catalogue_service_client::CatalogueServiceClient;
use perennial_proto::loyalty::v1::compensation_service_client::CompensationServiceClient;
use perennial_proto::loyalty::v1::coupon_service_client::CouponServiceClient;
use perennial_proto::loyalty::v1::*;
use sea_orm::ConnectionTrait;

/// The tables that the operator's check reads.
const TABLES: [&str; 32] = [
    "allocations",
    "badges",
    "claims",
    "coupons",
    "entries",
    "expiry_warnings",
    "facts",
    "grants",
    "holds",
    "incident_members",
    "incidents",
    "judgements",
    "ledger_head",
    "lots",
    "members",
    "membership_charges",
    "membership_notices",
    "membership_payouts",
    "membership_time",
    "memberships",
    "progress_days",
    "quotas",
    "redemptions",
    "referrals",
    "remainders",
    "rule_notices",
    "rule_versions",
    "set_asides",
    "standings",
    "streaks",
    "tallies",
    "tier_changes",
];

/// Drops every CHECK of the service's tables.
const POSTGRES_UNGUARDED: &str = "DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
        WHERE contype = 'c' AND connamespace = current_schema()::regnamespace
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.t, one.conname); END LOOP; END $$";

/// A sound database, to be damaged again and again.
pub(super) struct World(Service);

impl World {
    /// Lets everything happen, and takes away what would keep a hand from the tables.
    pub(super) async fn start() -> Self {
        let service = Service::with(config()).await;
        for user in ["ann", "bob", "eve"] {
            register(&service, user).await;
        }
        points(&service).await;
        moved(&service).await;
        benefits(&service).await;
        people(&service).await;
        rules(&service).await;
        service.assert_sound().await;
        let world = Self(service);
        let mut prepare: Vec<String> = TABLES
            .iter()
            .map(|table| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"))
            .collect();
        for index in ["entries_id", "referrals_friend", "memberships_running"] {
            prepare.push(format!("DROP INDEX {index}"));
        }
        world.run(&prepare).await;
        world
    }

    /// What the check finds, and what VerifyLedger answers, after a statement was run by hand;
    /// then everything is as before.
    pub(super) async fn after(&self, statement: &str) -> Vec<String> {
        self.run(&[statement.to_owned()]).await;
        let mut found = self.0.check().await;
        let mut client = AuditServiceClient::new(self.0.suite.channel());
        let verified = client.verify_ledger(VerifyLedgerRequest::default()).await.unwrap();
        found.extend(verified.into_inner().violations);
        let words: Vec<&str> =
            statement.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let touched = TABLES.iter().filter(|table| words.contains(*table));
        let restore = touched.flat_map(|table| {
            [
                format!("DELETE FROM {table}"),
                format!("INSERT INTO {table} SELECT * FROM kept_{table}"),
            ]
        });
        self.run(&restore.collect::<Vec<_>>()).await;
        found
    }

    pub(super) async fn check(&self) -> Vec<String> {
        self.0.check().await
    }

    async fn run(&self, statements: &[String]) {
        let db = self.0.database().await;
        let tx = db.begin().await.unwrap();
        let unguarded = match db.engine() {
            Engine::Sqlite => "PRAGMA ignore_check_constraints = ON",
            Engine::Postgres => POSTGRES_UNGUARDED,
        };
        tx.execute_unprepared(unguarded).await.unwrap();
        for statement in statements {
            let done = tx.execute_unprepared(statement).await;
            assert!(done.is_ok(), "{statement}: {done:?}");
        }
        tx.commit().await.unwrap();
        db.close().await;
    }
}

/// The shipped rules with small goals, and fractions that are carried.
fn config() -> Config {
    let mut rules = RuleVersion { rounding: Rounding::Carry, ..RuleVersion::default() };
    for task in &mut rules.progress.tasks {
        task.rewards.push(Reward::Badge(format!("{}-badge", task.key)));
    }
    rules.progress.streaks[0].milestones[0].days = 2;
    rules.referrals.steps = vec![Step { friends: 1, rewards: vec![Reward::Points(300)] }];
    rules.benefits.catalogue.push(Item {
        key: "mug".to_owned(),
        points: 80,
        good: Good::External,
        stock: 5,
        per_member: 0,
        min_tier: Tier::Ordinary,
    });
    let seats = QuotaRule { key: "seats".to_owned(), places: 2, ..QuotaRule::default() };
    rules.benefits.places.push(seats);
    Config { rules: vec![rules], require_expiry_warning: false, ..Config::default() }
}

/// Earned, spent, taken back, expired.
async fn points(service: &Service) {
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.suite.settle().await;
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 1_000);
    service.tell("bob", ActivityKind::Purchase, "p2", "o2", 150);
    service.tell("ann", ActivityKind::Feedback, "f1", "", 0);
    service.suite.settle().await;
    let soon = Some(time::to_proto(service.now() + TimeDelta::days(1)));
    let (user_id, points) = ("cid".to_owned(), 3);
    let request = EarnRequest { user_id, points, expire_time: soon, ..Default::default() };
    service.points().earn(request).await.unwrap();
    service.earn("bob", 10).await;
    let later = Some(time::to_proto(service.now() + TimeDelta::days(50)));
    let (user_id, points) = ("bob".to_owned(), 20);
    let request = EarnRequest { user_id, points, expire_time: later, ..Default::default() };
    service.points().earn(request).await.unwrap();
    let spent = service.spend("ann", 8).await.unwrap();
    let request = ReverseRequest { entry_id: spent.entry_id, points: 3, ..Default::default() };
    service.points().reverse(request).await.unwrap();
}

/// Given away, and held: captured in part, voided, timed out.
async fn moved(service: &Service) {
    let mut client = service.points();
    let request = TransferRequest {
        from_user_id: "ann".to_owned(),
        to_user_id: "bob".to_owned(),
        points: 5,
        ..Default::default()
    };
    client.transfer(request).await.unwrap();
    let mut holds = Vec::new();
    for points in [5, 4, 2] {
        let request = HoldRequest { user_id: "bob".to_owned(), points, ..Default::default() };
        holds.push(client.hold(request).await.unwrap().into_inner().hold_id);
    }
    let hold_id = holds.remove(0);
    let request = CaptureRequest { hold_id, points: 3, ..Default::default() };
    client.capture(request).await.unwrap();
    let request = VoidRequest { hold_id: holds.remove(0), ..Default::default() };
    client.void(request).await.unwrap();
    for day in 0..3 {
        service.tell("ann", ActivityKind::CheckIn, &format!("c{day}"), "", 0);
        service.suite.settle().await;
        service.wait_days(1);
    }
    service.suite.settle().await;
}

/// A place, two redemptions of which one was cancelled, a coupon, an incident.
async fn benefits(service: &Service) {
    let user_id = "ann".to_owned();
    let benefit = "seats".to_owned();
    let request = ClaimBenefitRequest { user_id: user_id.clone(), benefit, ..Default::default() };
    BenefitServiceClient::new(service.suite.channel()).claim_benefit(request).await.unwrap();
    let mut catalogue = CatalogueServiceClient::new(service.suite.channel());
    for cancelled in [true, false] {
        let item = "mug".to_owned();
        let request = RedeemRewardRequest { user_id: user_id.clone(), item, ..Default::default() };
        let bought = catalogue.redeem_reward(request).await.unwrap().into_inner().redemption;
        let redemption_id = bought.unwrap().redemption_id;
        if cancelled {
            let request = CancelRedemptionRequest { redemption_id, ..Default::default() };
            catalogue.cancel_redemption(request).await.unwrap();
        }
    }
    let request = IssueCouponRequest { user_id, kind: "ten-yuan".to_owned(), ..Default::default() };
    CouponServiceClient::new(service.suite.channel()).issue_coupon(request).await.unwrap();
    let mut compensation = CompensationServiceClient::new(service.suite.channel());
    let request = DeclareIncidentRequest {
        key: "outage".to_owned(),
        from_time: Some(time::to_proto(service.now() - TimeDelta::hours(1))),
        to_time: Some(time::to_proto(service.now())),
        rewards: Some(CompensationRewards { points: 50, ..Default::default() }),
        declared_by: "emp-1".to_owned(),
        ..Default::default()
    };
    let declared = compensation.declare_incident(request).await.unwrap().into_inner().incident;
    let request = ApproveIncidentRequest {
        incident_id: declared.unwrap().incident_id,
        approved_by: "emp-2".to_owned(),
        ..Default::default()
    };
    compensation.approve_incident(request).await.unwrap();
    service.suite.settle().await;
}

/// Ann brought Fay, Fay brought Gus; Ann's membership was paid back once and renewed, Eve has a
/// trial.
async fn people(service: &Service) {
    service.brings("ann", "fay").await;
    service.brings("fay", "gus").await;
    paying(service, "ann").await;
    let request = RequestRefundRequest { user_id: "ann".to_owned(), ..Default::default() };
    memberships(service).request_refund(request).await.unwrap();
    paying(service, "ann").await;
    subscribe(service, wish("eve", "advanced", true)).await.unwrap();
    service.wait_days(15);
    service.suite.settle().await;
}

/// Worse rules, whose notice has run.
async fn rules(service: &Service) {
    announced(service, "2", &[("check_in_points", whole(2))]).await;
    service.suite.settle().await;
    for _ in 0..2 {
        service.wait_days(16);
        service.suite.settle().await;
        collect(service).await;
    }
    activate(service, "2").await.unwrap();
    service.suite.settle().await;
}
