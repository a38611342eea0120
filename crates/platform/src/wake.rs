//! Wake-ups: "there is something new in this log", "work is due for this job".
//!
//! A wake-up is a hint that saves waiting, never a message that must arrive: whoever listens also
//! looks by itself now and then. Inside the process a listener never misses one that came after
//! it last looked. With Redis the other replicas are woken too; without it, only this process.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::{mpsc, watch};

use crate::redis::Redis;
use crate::tasks::Tasks;

/// Prefix of the Redis channels.
const CHANNEL: &str = "perennial:wake:";
/// Wake-ups waiting to be published; more are dropped, since one for a topic is as good as ten.
const WAITING: usize = 256;
/// Pause before subscribing again after Redis went away.
const PAUSE: Duration = Duration::from_secs(1);
/// A subscription that heard nothing for this long is made anew.
const QUIET: Duration = Duration::from_mins(1);

/// Wakes listeners by topic. Cloning shares the topics.
#[derive(Clone)]
pub struct Wake {
    topics: Arc<Topics>,
    publish: Option<mpsc::Sender<String>>,
}

/// Waits for wake-ups of one topic.
#[derive(Debug)]
pub struct WakeListener(watch::Receiver<()>);

#[derive(Default)]
struct Topics(Mutex<HashMap<String, watch::Sender<()>>>);

impl Wake {
    /// Within this process, and over Redis to the other replicas when there is one.
    pub fn new(tasks: &Tasks, redis: Option<Redis>) -> Self {
        let topics = Arc::<Topics>::default();
        let publish = redis.map(|redis| {
            let (sender, receiver) = mpsc::channel(WAITING);
            tasks.spawn(publish(redis.clone(), receiver, tasks.clone()));
            tasks.spawn(subscribe(redis, topics.clone(), tasks.clone()));
            sender
        });
        Self { topics, publish }
    }

    /// Wakes everyone who listens to `topic`. Never waits, never fails.
    pub fn notify(&self, topic: &str) {
        self.topics.wake(topic);
        if let Some(publish) = &self.publish {
            // Full: Redis is slow and lots of wake-ups are on their way already.
            let _ = publish.try_send(topic.to_owned());
        }
    }

    /// Listens to `topic` from now on.
    pub fn listen(&self, topic: &str) -> WakeListener {
        WakeListener(self.topics.sender(topic).subscribe())
    }
}

impl WakeListener {
    /// Waits for a wake-up; returns at once when one came since the last call.
    pub async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            // The topic lives as long as the process; without it there is nobody to wake us.
            std::future::pending::<()>().await;
        }
    }
}

impl Topics {
    fn sender(&self, topic: &str) -> watch::Sender<()> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic.to_owned()).or_insert_with(|| watch::Sender::new(())).clone()
    }

    fn wake(&self, topic: &str) {
        self.sender(topic).send_replace(());
    }
}

/// Hands wake-ups to Redis, each topic once for however many came together.
async fn publish(redis: Redis, mut receiver: mpsc::Receiver<String>, tasks: Tasks) {
    let mut batch = Vec::new();
    loop {
        batch.clear();
        tokio::select! {
            () = tasks.stopping().cancelled() => return,
            count = receiver.recv_many(&mut batch, WAITING) => if count == 0 { return },
        }
        let topics: HashSet<&str> = batch.iter().map(String::as_str).collect();
        let mut pipeline = redis::pipe();
        for topic in topics {
            pipeline.publish(format!("{CHANNEL}{topic}"), "").ignore();
        }
        let mut connection = redis.connection();
        redis.attempt(pipeline.query_async::<()>(&mut connection)).await;
    }
}

/// Wakes local listeners when another replica published; our own come back too, which only makes
/// somebody look once more.
async fn subscribe(redis: Redis, topics: Arc<Topics>, tasks: Tasks) {
    let follow = async {
        loop {
            if let Err(error) = follow(&redis, &topics).await {
                tracing::debug!(%error, "no wake-ups from other replicas for now");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = tasks.stopping().cancelled() => {}
        () = follow => {}
    }
}

async fn follow(redis: &Redis, topics: &Topics) -> redis::RedisResult<()> {
    let mut subscription = redis.client().get_async_pubsub().await?;
    subscription.psubscribe(format!("{CHANNEL}*")).await?;
    let mut messages = subscription.on_message();
    // A subscription only listens, so it would not notice that its server vanished silently.
    while let Ok(Some(message)) = tokio::time::timeout(QUIET, messages.next()).await {
        if let Some(topic) = message.get_channel_name().strip_prefix(CHANNEL) {
            topics.wake(topic);
        }
    }
    Ok(())
}

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wake").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Wake {
        Wake { topics: Arc::default(), publish: None }
    }

    #[tokio::test]
    async fn a_wake_up_before_the_wait_is_not_missed() {
        let wake = local();
        let mut listener = wake.listen("log:loyalty");
        wake.notify("log:loyalty");
        wake.notify("log:loyalty");
        listener.wait().await;
        let again = tokio::time::timeout(Duration::from_millis(10), listener.wait()).await;
        assert!(again.is_err(), "two wake-ups before a look are one");
    }

    #[tokio::test]
    async fn topics_are_apart() {
        let wake = local();
        let mut listener = wake.listen("a");
        wake.notify("b");
        assert!(tokio::time::timeout(Duration::from_millis(10), listener.wait()).await.is_err());
    }
}
