//! The rest of the museum: flaws outside of the ledger, each caught by a scene of its own. A scene
//! plays through the service's own code what once went wrong elsewhere, and says what is wrong.

use crate::app::plans::subscribe::Subscription;
use crate::app::referrals::{Named, NewReferral};
use crate::config::Config;
use crate::domain::Time;
use crate::domain::plan::Period;
use crate::domain::referral::signal::EvidenceKind;
use crate::domain::referral::{Evidence, Referral, SignalKind, State, Verdict};
use crate::museum::{Flaw, show};
use crate::simulation::site::Site;
use chrono::TimeDelta;
use perennial_platform::clock::Clock;
use perennial_platform::db::Db;
use perennial_platform::time::to_proto;
use perennial_platform::{Error, Result};
use perennial_proto::events::v1::Event;
use perennial_proto::identity::v1::{ActivityKind, ActivityRecorded, UserRegistered};
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::types::v1::Money;
use perennial_testkit::TestDatabase;
use prost::{Message, Name};

/// What is wrong, if anything.
type Wrong = Option<String>;

/// A process on a database of its own, at ten in the morning in New York.
struct Stage {
    site: Site,
    clock: Clock,
    events: u32,
    /// Gone when this is dropped.
    _database: TestDatabase,
}

impl Stage {
    async fn set() -> Self {
        let database = TestDatabase::fresh().await;
        let folder = std::env::temp_dir();
        let config = Config { database: database.config(), ..Config::default() };
        let db = Db::open("loyalty", &config.database, &folder).await.unwrap();
        db.migrate(crate::migrations).await.unwrap();
        db.close().await;
        let clock =
            Clock::manual(Time::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(15));
        let site = Site::open(&config, &folder, &clock).await.unwrap();
        Self { site, clock, events: 0, _database: database }
    }

    async fn joins(&self, user: &str) -> Result<()> {
        let registered = UserRegistered { user_id: user.to_owned(), ..Default::default() };
        self.site.deliver(&packed(&registered)).await
    }

    /// Something that somebody does now; answers its name.
    async fn does(&mut self, user: &str, kind: ActivityKind, of: &str) -> Result<String> {
        self.events += 1;
        let name = format!("{}", self.events);
        let money = matches!(kind, ActivityKind::Purchase | ActivityKind::Refund);
        let recorded = ActivityRecorded {
            user_id: user.to_owned(),
            activity_id: format!("act_{name}"),
            kind: kind.into(),
            occur_time: Some(to_proto(self.clock.now())),
            amount: money.then(|| Money { currency: "CNY".to_owned(), minor_units: 10_000 }),
            source: "shop".to_owned(),
            source_event_id: name.clone(),
            object: if of.is_empty() { name.clone() } else { of.to_owned() },
            ..Default::default()
        };
        self.site.deliver(&packed(&recorded)).await?;
        Ok(name)
    }

    async fn brings(&self, friend: &str, advocate: Named, evidence: Evidence) -> Result<Referral> {
        let friend = friend.to_owned();
        let id = Referral::id_for(&friend);
        let new = NewReferral { friend, advocate, touched_at: None, evidence };
        self.site.app.refer(None, &new).await?;
        self.site.app.referral(id).await
    }

    async fn subscribes(&self, trial: bool) -> Result<proto::Membership> {
        let wish = Subscription {
            user: "ann".to_owned(),
            plan: "basic".to_owned(),
            period: Period::Monthly,
            offer: String::new(),
            trial,
            person: String::new(),
        };
        Ok(self.site.app.subscribe(None, wish).await?.value)
    }

    /// Ann has a month that she paid for.
    async fn subscribes_and_pays(&self) -> Result<()> {
        let begun = self.subscribes(false).await?;
        let charge = begun.next_charge.map(|charge| charge.charge_id).unwrap_or_default();
        self.site.app.charge_paid(None, charge.parse().map_err(Error::internal)?, "card-1").await?;
        Ok(())
    }
}

fn packed<M: Message + Name>(payload: &M) -> Event {
    let data = prost_types::Any { type_url: M::type_url(), value: payload.encode_to_vec() };
    Event { r#type: M::full_name(), data: Some(data), ..Event::default() }
}

fn user(name: &str) -> Named {
    Named::User(name.to_owned())
}

fn known(kind: EvidenceKind) -> Evidence {
    Evidence(vec![(kind, "the same".to_owned())])
}

fn unless(right: bool, wrong: impl FnOnce() -> String) -> Wrong {
    (!right).then(wrong)
}

/// Somebody in New York checks in three evenings in a row, the last time before dinner.
async fn evenings_in_new_york(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    stage.site.app.set_time_zone(None, "ann", "America/New_York").await?;
    for hours in [12, 24, 20] {
        stage.clock.advance(TimeDelta::hours(hours));
        stage.does("ann", ActivityKind::CheckIn, "").await?;
    }
    let days = stage.site.app.streak("ann", "check-in").await?.streak.map_or(0, |s| s.days);
    Ok(unless(days == 3, || format!("three evenings are a streak of {days}")))
}

/// Ann brings somebody who pays with Ann's card.
async fn own_second_account(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    let card = known(EvidenceKind::Payment);
    stage.site.app.referral_code(None, "ann", "", &card).await?;
    let found = stage.brings("anne", user("ann"), card).await?.found;
    Ok(unless(found == Verdict::Block, || format!("one card, two people: {found:?}")))
}

/// A friend signs up and buys nothing.
async fn friend_who_buys_nothing(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    let referral = stage.brings("bob", user("ann"), Evidence::default()).await?;
    stage.clock.advance(TimeDelta::days(60));
    stage.site.app.promote_referrals().await?;
    let state = stage.site.app.referral(referral.id).await?.state_at(stage.clock.now());
    Ok(unless(state == State::Registered, || format!("a friend who bought nothing: {state:?}")))
}

/// A friend buys, and sends it back within the days for that.
async fn friend_who_sends_it_back(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    stage.brings("bob", user("ann"), Evidence::default()).await?;
    let order = stage.does("bob", ActivityKind::Purchase, "").await?;
    stage.clock.advance(TimeDelta::days(2));
    stage.site.app.promote_referrals().await?;
    stage.does("bob", ActivityKind::Refund, &order).await?;
    stage.clock.advance(TimeDelta::days(20));
    stage.site.app.promote_referrals().await?;
    let has = stage.site.app.entitlement("ann").await?.has_access;
    Ok(unless(!has, || "an order that was sent back earned months of membership".to_owned()))
}

/// Ann changes her mind twice before the next period.
async fn two_changes_in_a_period(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    stage.subscribes_and_pays().await?;
    let mut next = String::new();
    for plan in ["advanced", "premium"] {
        let changed = stage.site.app.change_membership(None, "ann", |it, programme, now| {
            it.change(programme, now, plan, Period::Monthly)
        });
        next = changed.await?.value.next_plan;
    }
    Ok(unless(next == "premium", || format!("asked for premium, gets {next}")))
}

/// Ann ends a trial and asks for another.
async fn trial_after_trial(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    stage.subscribes(true).await?;
    let cancelled = stage
        .site
        .app
        .change_membership(None, "ann", |it, programme, now| it.cancel(programme, now, true));
    cancelled.await?;
    let again = stage.subscribes(true).await;
    let refused = again.as_ref().err().map(Error::reason) == Some("TRIAL_USED");
    Ok(unless(refused, || format!("a second trial: {again:?}")))
}

/// Ann wants her money back the day after she paid.
async fn money_back(stage: &mut Stage) -> Result<Wrong> {
    stage.joins("ann").await?;
    stage.subscribes_and_pays().await?;
    stage.clock.advance(TimeDelta::days(1));
    stage.site.app.refund_membership(None, "ann").await?;
    let owed = stage.site.app.due_payouts(None, 10).await?.0.len();
    Ok(unless(owed == 1, || format!("{owed} payouts are due after a refund")))
}

/// Twelve friends from one address, each by a link of their own.
async fn links_from_one_address(stage: &mut Stage) -> Result<Wrong> {
    let mut crowded = false;
    for n in 0..12 {
        let advocate = format!("a{n}");
        stage.joins(&advocate).await?;
        let link = stage.site.app.referral_code(None, &advocate, "", &Evidence::default()).await?;
        let by = Named::Code(link.value.code);
        let brought = stage.brings(&format!("f{n}"), by, known(EvidenceKind::Ip)).await?;
        crowded = brought.signals.iter().any(|signal| signal.kind == SignalKind::CrowdedIp);
    }
    Ok(unless(crowded, || "the twelfth friend from one address is like the first".to_owned()))
}

async fn play(flaw: Flaw) -> Wrong {
    let stage = &mut Stage::set().await;
    let played = match flaw {
        Flaw::DaysOfTheServer => evenings_in_new_york(stage).await,
        Flaw::SecondAccount => own_second_account(stage).await,
        Flaw::SignupIsEnough => friend_who_buys_nothing(stage).await,
        Flaw::NoEscrow => friend_who_sends_it_back(stage).await,
        Flaw::OldestChangeWins => two_changes_in_a_period(stage).await,
        Flaw::TrialAgain => trial_after_trial(stage).await,
        Flaw::SilentRefund => money_back(stage).await,
        Flaw::LinkResetsLimit => links_from_one_address(stage).await,
        other => panic!("{other:?} is for the simulation to catch"),
    };
    played.unwrap_or_else(|error| Some(format!("{error:?}")))
}

#[tokio::test]
async fn every_staged_flaw_is_caught() {
    for (flaw, number, what) in Flaw::STAGED {
        assert_eq!(play(flaw).await, None, "{number}, without the flaw");
        show(Some(flaw));
        let wrong = play(flaw).await;
        show(None);
        println!("{number:<4} {what:<52} {}", wrong.as_deref().unwrap_or("NOT CAUGHT"));
        assert!(wrong.is_some(), "{number} {what}: not caught");
    }
}
