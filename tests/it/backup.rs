//! The drill of docs/operations.md, with its commands: a backup while calls come in, restored
//! beside the original.
//!
//! What must hold: the books are in order, every call that was acknowledged before the backup began
//! is there (asked again under its request id it gives its first answer), who was erased before is
//! erased, and the services read on where they stood.

mod copies;

use copies::Copies;
use perennial_platform::time::to_proto;
use perennial_proto::identity::v1::{
    Activity, ActivityKind, EraseProfileRequest, GetProfileRequest, Profile, TrackRequest,
    UpsertProfileRequest,
};
use perennial_proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
use perennial_proto::types::v1::Money;
use perennial_tests::{Clients, Setup};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Callers at once.
const CALLERS: usize = 8;

/// Calls that are acknowledged before the backup begins.
const BEFORE: usize = 200;

/// How long what one service did may take to reach another.
const SOON: Duration = Duration::from_secs(30);

/// What a caller was told: the request and the id of the entry.
type Acknowledged = (EarnRequest, String);

/// Earns until told to stop.
async fn earn(clients: &Clients, until: impl Fn(usize) -> bool) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    while !until(acknowledged.len()) {
        let request = EarnRequest {
            request_id: Uuid::new_v4().to_string(),
            user_id: format!("member-{}", acknowledged.len() % 25),
            points: 7,
            reason: "drill".into(),
            ..EarnRequest::default()
        };
        let answer = clients.points.clone().earn(request.clone()).await.unwrap().into_inner();
        acknowledged.push((request, answer.entry.unwrap().entry_id));
    }
    acknowledged
}

async fn earn_together(clients: &Clients, until: impl Fn(usize) -> bool) -> Vec<Acknowledged> {
    let callers = (0..CALLERS).map(|_| earn(clients, &until));
    futures::future::join_all(callers).await.concat()
}

async fn register(clients: &Clients, user_id: &str) {
    let profile =
        Profile { user_id: user_id.into(), display_name: "Ada".into(), ..Profile::default() };
    let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
    clients.profiles.clone().upsert_profile(request).await.unwrap();
}

async fn erase(clients: &Clients, user_id: &str) {
    let request = EraseProfileRequest { user_id: user_id.into(), ..Default::default() };
    clients.profiles.clone().erase_profile(request).await.unwrap();
}

async fn is_known(clients: &Clients, user_id: &str) -> bool {
    let request = GetProfileRequest { user_id: user_id.into() };
    clients.profiles.clone().get_profile(request).await.is_ok()
}

/// A purchase, which loyalty hears of through identity's log.
async fn purchase(clients: &Clients, user_id: &str) {
    let activity = Activity {
        user_id: user_id.into(),
        kind: ActivityKind::Purchase.into(),
        occur_time: Some(to_proto(perennial_platform::clock::Clock::system().now())),
        amount: Some(Money { currency: "CNY".into(), minor_units: 10_000 }),
        source: "drill".into(),
        source_event_id: Uuid::new_v4().to_string(),
        ..Activity::default()
    };
    let request = TrackRequest { activities: vec![activity], request_id: String::new() };
    clients.activities.clone().track(request).await.unwrap();
}

async fn points(clients: &Clients, user_id: &str) -> i64 {
    let request = GetBalanceRequest { user_id: user_id.into() };
    let balance = clients.points.clone().get_balance(request).await.unwrap().into_inner().balance;
    let balance = balance.unwrap_or_default();
    balance.spendable + balance.pending
}

async fn has_points(clients: &Clients, user_id: &str, more_than: i64) {
    let begin = Instant::now();
    while points(clients, user_id).await <= more_than {
        assert!(begin.elapsed() < SOON, "the purchase of {user_id} did not reach loyalty");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn check(setup: &Setup) {
    let output = setup.command("check").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.matches("in order").count(), 4, "{printed}");
}

#[tokio::test]
async fn a_backup_under_load_is_restored() {
    let setup = Setup::fresh().await;
    let running = setup.start().await;
    let clients = running.clients();
    for user in ["kept", "erased-before", "erased-after"] {
        register(&clients, user).await;
    }
    purchase(&clients, "kept").await;
    has_points(&clients, "kept", 0).await;
    erase(&clients, "erased-before").await;
    let before = earn_together(&clients, |count| count >= BEFORE / CALLERS).await;

    let done = AtomicBool::new(false);
    let backup = async {
        let copies = Copies::make(&setup).await;
        done.store(true, Ordering::Relaxed);
        copies
    };
    let during = earn_together(&clients, |_| done.load(Ordering::Relaxed));
    let (copies, during) = tokio::join!(backup, during);
    erase(&clients, "erased-after").await;
    assert!(running.stop().await.success());
    println!("{} calls before the backup, {} while it was made", before.len(), during.len());

    let restored = copies.restore(&setup);
    check(&restored);
    let running = restored.start().await;
    let clients = running.clients();
    for (request, entry_id) in before {
        let answer = clients.points.clone().earn(request).await.unwrap().into_inner();
        assert!(answer.replayed, "an acknowledged call is not in the backup");
        assert_eq!(answer.entry.unwrap().entry_id, entry_id);
    }
    let (mut kept, total) = (0, during.len());
    for (request, _) in during {
        let answer = clients.points.clone().earn(request).await.unwrap().into_inner();
        kept += usize::from(answer.replayed);
    }
    println!("{kept} of the {total} calls during the backup are in it");
    assert!(is_known(&clients, "kept").await);
    assert!(!is_known(&clients, "erased-before").await);
    // The backup does not know of it: operators erase again whom they erased since.
    assert!(is_known(&clients, "erased-after").await);
    erase(&clients, "erased-after").await;
    assert!(!is_known(&clients, "erased-after").await);
    let had = points(&clients, "kept").await;
    purchase(&clients, "kept").await;
    has_points(&clients, "kept", had).await;
    assert!(running.stop().await.success());
    for sign in ["POSITION_AHEAD", "panicked"] {
        assert!(!restored.log().contains(sign), "{}", restored.log());
    }
    check(&restored);
}
