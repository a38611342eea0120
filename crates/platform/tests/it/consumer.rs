//! Consumers: exactly once in effect, nothing skipped in silence, nothing stuck for ever.

use crate::tally;
use chrono::{DateTime, Utc};
use perennial_platform::db::{Db, Tx};
use perennial_platform::error::{Error, Result};
use perennial_platform::events::{Consumer, Peer};
use perennial_platform::tasks::Tasks;
use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_proto::events::v1::{
    Event, ListConsumersRequest, ListParkedRequest, ReplayParkedRequest,
};
use perennial_proto::identity::v1::UserErased;
use perennial_testkit::Suite;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// Counts who was erased; fails for the names it is told to fail for.
#[derive(Clone, Default)]
struct Follower {
    poisonous: Arc<Mutex<HashSet<String>>>,
    unavailable: Arc<Mutex<HashSet<String>>>,
    db: Arc<Mutex<Option<Db>>>,
    /// The subject at which the process is told to stop.
    last: Arc<Mutex<Option<(String, Tasks)>>>,
}

impl Consumer for Follower {
    const NAME: &'static str = "tally.erased";
    const SOURCE: Peer = Peer::Identity;
    const TYPES: &'static [&'static str] = &["perennial.identity.v1.UserErased"];

    async fn handle(&self, tx: &Tx, _: DateTime<Utc>, event: &Event) -> Result<()> {
        // Written before the failure, so that a half-done effect would be seen.
        tally::add(tx, &event.subject, 1).await?;
        assert!(event.subject != "panic", "a bug in a handler");
        if let Some((last, tasks)) = &*self.last.lock().unwrap()
            && *last == event.subject
        {
            tasks.stop();
        }
        if self.poisonous.lock().unwrap().contains(&event.subject) {
            return Err(Error::internal("cannot be handled"));
        }
        if self.unavailable.lock().unwrap().contains(&event.subject) {
            return Err(Error::unavailable("GONE", "for a while"));
        }
        Ok(())
    }
}

impl Follower {
    async fn start(&self) -> Suite {
        Suite::start(Peer::Loyalty, async |host, database| {
            let db = host.database(&database, tally::migrations).await?;
            host.consumer(&db, self.clone());
            *self.db.lock().unwrap() = Some(db);
            Ok(())
        })
        .await
    }

    async fn count(&self, name: &str) -> i64 {
        let db = self.db.lock().unwrap().clone().unwrap();
        tally::count(&db, name).await
    }
}

fn tell(suite: &Suite, name: &str) -> Event {
    let payload = UserErased { user_id: name.to_owned() };
    suite.log(Peer::Identity).append(suite.clock.now(), name, &payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_its_effect_once() {
    let follower = Follower::default();
    let suite = follower.start().await;
    for n in 0..1_234 {
        tell(&suite, &format!("user-{}", n % 10));
    }
    assert_eq!(suite.settle().await, 1_234);
    assert_eq!(suite.settle().await, 0, "nothing is handled twice");
    assert_eq!(follower.count("user-3").await, 124);
    let mut log = EventLogServiceClient::new(suite.channel());
    let consumers = log.list_consumers(ListConsumersRequest {}).await.unwrap().into_inner();
    assert_eq!(consumers.consumers[0].position, 1_234);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_is_parked_and_the_log_goes_on() {
    let follower = Follower::default();
    let suite = follower.start().await;
    follower.poisonous.lock().unwrap().insert("bad".to_owned());
    tell(&suite, "a");
    let bad = tell(&suite, "bad");
    tell(&suite, "b");
    suite.turn().await;
    let counts =
        (follower.count("a").await, follower.count("bad").await, follower.count("b").await);
    assert_eq!(counts, (1, 0, 1));

    let mut log = EventLogServiceClient::new(suite.channel());
    let parked = log.list_parked(ListParkedRequest::default()).await.unwrap().into_inner().parked;
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].event.as_ref().unwrap().id, bad.id);
    assert_eq!(parked[0].attempts, 5);

    follower.poisonous.lock().unwrap().clear();
    let replay = ReplayParkedRequest {
        consumer: parked[0].consumer.clone(),
        event_id: bad.id.clone(),
        ..Default::default()
    };
    log.replay_parked(replay.clone()).await.unwrap();
    suite.settle().await;
    assert_eq!(follower.count("bad").await, 1);
    // It is off the list: a second replay finds nothing.
    assert_eq!(log.replay_parked(replay).await.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_passes_is_waited_out_not_parked() {
    let follower = Follower::default();
    let suite = follower.start().await;
    follower.unavailable.lock().unwrap().insert("a".to_owned());
    tell(&suite, "a");
    let stop = suite.process().tasks().stopping();
    for _ in 0..20 {
        assert!(suite.process().workers().settle(stop).await.is_err());
    }
    assert_eq!(follower.count("a").await, 0);
    follower.unavailable.lock().unwrap().clear();
    suite.settle().await;
    assert_eq!(follower.count("a").await, 1);
}

/// Two replicas share one database: whoever moves the position first wins, the other is undone.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_handle_each_event_once_between_them() {
    let (one, two) = (Follower::default(), Follower::default());
    let suite = Suite::start(Peer::Loyalty, async |host, database| {
        let db = host.database(&database, tally::migrations).await?;
        host.consumer(&db, one.clone());
        host.consumer(&db, two.clone());
        *one.db.lock().unwrap() = Some(db);
        Ok(())
    })
    .await;
    for round in 0..10 {
        for n in 0..150 {
            tell(&suite, &format!("user-{n}"));
        }
        let stop = suite.process().tasks().stopping();
        let workers = suite.process().workers().list();
        let turns = workers.iter().map(|worker| worker.turn(stop));
        for turned in futures::future::join_all(turns).await {
            turned.unwrap();
        }
        suite.settle().await;
        assert_eq!(one.count("user-7").await, round + 1);
    }
}

/// A consumer that is far behind does not keep a process that is to stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_work_after_the_batch_at_hand() {
    let follower = Follower::default();
    let suite = follower.start().await;
    for n in 0..1_000 {
        tell(&suite, &format!("user-{n}"));
    }
    let tasks = suite.process().tasks().clone();
    *follower.last.lock().unwrap() = Some(("user-150".to_owned(), tasks.clone()));
    let stop = tasks.stopping();
    let handled = suite.process().workers().list()[0].turn(stop).await.unwrap();
    assert!((151..1_000).contains(&handled), "{handled}");
    assert_eq!(follower.count("user-150").await, 1);
    assert_eq!(follower.count("user-999").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_does_not_end_the_work_for_good() {
    let follower = Follower::default();
    let suite = follower.start().await;
    tell(&suite, "panic");
    let stop = suite.process().tasks().stopping();
    let error = suite.process().workers().settle(stop).await.unwrap_err();
    assert_eq!(error.code(), perennial_platform::Code::Internal);
    // It is turned again and fails again, rather than being gone.
    assert!(suite.process().workers().settle(stop).await.is_err());
}
