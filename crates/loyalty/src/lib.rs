#![doc = include_str!("../README.md")]

#[macro_use]
mod museum;

pub mod config;
pub mod domain;
pub mod simulation;

mod app;
mod grpc;
mod jobs;
mod store;

pub use app::check::check;
pub use app::rules::dry_run::dry_run;
pub use config::Config;
pub use store::migrations;

use app::App;
use app::ledger::Posting;
use app::quotas::Claiming;
use app::rulebook::Rulebook;
use app::snapshots::Snapshots;
use grpc::Rules;
use grpc::{Audit, Memberships, Points, ProgressApi, Referrals, Reports, Tiers};
use grpc::{Benefits, Catalogue, Charity, Compensation, Coupons, Features};
use jobs::TellOfRules;
use jobs::{
    Activities, FollowRules, JudgeTiers, PromoteReferrals, Settle, SettleMemberships, WarnExpiring,
    Warnings,
};
use jobs::{Compensate, IssueByCycle, LetClaimsGo};
use perennial_platform::Result;
use perennial_platform::db::Db;
use perennial_platform::host::Host;
use perennial_proto::loyalty::v1::audit_service_server::AuditServiceServer;
use perennial_proto::loyalty::v1::benefit_service_server::BenefitServiceServer;
use perennial_proto::loyalty::v1::catalogue_service_server::CatalogueServiceServer;
use perennial_proto::loyalty::v1::charity_service_server::CharityServiceServer;
use perennial_proto::loyalty::v1::compensation_service_server::CompensationServiceServer;
use perennial_proto::loyalty::v1::coupon_service_server::CouponServiceServer;
use perennial_proto::loyalty::v1::feature_service_server::FeatureServiceServer;
use perennial_proto::loyalty::v1::membership_service_server::MembershipServiceServer;
use perennial_proto::loyalty::v1::points_service_server::PointsServiceServer;
use perennial_proto::loyalty::v1::progress_service_server::ProgressServiceServer;
use perennial_proto::loyalty::v1::referral_service_server::ReferralServiceServer;
use perennial_proto::loyalty::v1::report_service_server::ReportServiceServer;
use perennial_proto::loyalty::v1::rule_service_server::RuleServiceServer;
use perennial_proto::loyalty::v1::tier_service_server::TierServiceServer;
use std::sync::Arc;
use std::time::Duration;

/// Adds the loyalty service to a host: its database, services, jobs, and the consumer of
/// identity's log. Errors: INVALID_ARGUMENT for settings that are not sound; FAILED_PRECONDITION /
/// RULES_CHANGED for settings that say other rules than those on record; those of
/// [`Host::database`].
pub async fn mount(config: Config, host: &mut Host) -> Result<()> {
    config.programme()?;
    let every = Duration::from_secs(u64::from(config.sweep_seconds.max(1)));
    let db = host.database(&config.database, migrations).await?;
    let rules = Arc::new(Rulebook::open(&db, host.clock().now(), &config).await?);
    let posting = Posting { rules: Arc::clone(&rules) };
    let snapshots = Snapshots { db: db.clone(), clock: host.clock(), rules: Arc::clone(&rules) };
    let app = App {
        snapshots: host.gather(snapshots),
        ledger: host.committer("loyalty.ledger", &db, posting),
        claims: host.committer("loyalty.claims", &db, Claiming { rules: Arc::clone(&rules) }),
        clock: host.clock(),
        pages: host.pages(),
        vault: host.vault(),
        rules: Arc::clone(&rules),
        db: db.clone(),
    };
    app.apply_notice_setting().await?;
    host.service(RuleServiceServer::new(Rules { app: app.clone() }));
    host.job(&db, TellOfRules { app: app.clone(), every });
    host.service(PointsServiceServer::new(Points { app: app.clone() }));
    host.service(TierServiceServer::new(Tiers { app: app.clone() }));
    host.service(AuditServiceServer::new(Audit { app: app.clone() }));
    host.service(MembershipServiceServer::new(Memberships { app: app.clone() }));
    host.service(ProgressServiceServer::new(ProgressApi { app: app.clone() }));
    host.service(ReportServiceServer::new(Reports::new(app.clone())));
    host.service(ReferralServiceServer::new(Referrals { app: app.clone() }));
    host.job(&db, Settle { app: app.clone(), every });
    host.job(&db, SettleMemberships { app: app.clone(), every });
    host.job(&db, WarnExpiring { app: app.clone(), every });
    host.job(&db, PromoteReferrals { app: app.clone(), every });
    if app.programme().expiry_notice.required {
        host.consumer(&db, Warnings { app: app.clone() });
    }
    watch_queues(host, &app);
    host.job(&db, JudgeTiers { app: app.clone(), every });
    mount_benefits(host, &db, &app, every);
    host.job(&db, FollowRules { app, every });
    host.consumer(&db, Activities { rules });
    Ok(())
}

/// Tells how late the jobs about points are.
fn watch_queues(host: &mut Host, app: &App) {
    let (unsettled, notices) = (app.clone(), app.clone());
    host.backlog("loyalty.settle", move || {
        let app = unsettled.clone();
        async move { app.unsettled().await }
    });
    host.backlog("loyalty.expiry_notices", move || {
        let app = notices.clone();
        async move { app.pending_notices().await }
    });
}

/// What can be had beside points, and what makes up for failures.
fn mount_benefits(host: &mut Host, db: &Db, app: &App, every: Duration) {
    host.service(CouponServiceServer::new(Coupons { app: app.clone() }));
    host.service(BenefitServiceServer::new(Benefits { app: app.clone() }));
    host.service(CatalogueServiceServer::new(Catalogue { app: app.clone() }));
    host.service(CharityServiceServer::new(Charity { app: app.clone() }));
    host.service(FeatureServiceServer::new(Features { app: app.clone() }));
    host.service(CompensationServiceServer::new(Compensation { app: app.clone() }));
    host.job(db, IssueByCycle { app: app.clone(), every });
    host.job(db, LetClaimsGo { app: app.clone(), every });
    host.job(db, Compensate { app: app.clone(), every });
}
