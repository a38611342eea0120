//! Which endpoints there are: looked up at intervals, and at once when one is lost.

use crate::address::Address;
use crate::credentials::Tls;
use crate::endpoint::Watched;
use crate::resolve::Resolve;
use crate::serving::Serving;
use futures::future::join_all;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// Least time between two look-ups, however many endpoints are lost.
const LEAST_PAUSE: Duration = Duration::from_millis(500);

/// What is needed to keep the set of endpoints.
pub(crate) struct Pool {
    pub(crate) addresses: Vec<Address>,
    pub(crate) tls: Option<Tls>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) refresh: Duration,
    pub(crate) serving: Arc<Serving>,
}

/// An endpoint: place of its address in the list, and its socket.
type Key = (usize, SocketAddr);

impl Pool {
    /// Looks up and watches, for ever; dropping the future ends every watch.
    pub(crate) async fn run(self) {
        let lost = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let mut watched: HashMap<Key, AbortHandle> = HashMap::new();
        loop {
            let found = self.look_up(watched.keys().copied()).await;
            watched.retain(|key, task| {
                let stays = found.contains(key);
                if !stays {
                    tracing::debug!(endpoint = %key.1, "no longer resolved");
                    task.abort();
                }
                stays
            });
            for key in found {
                watched.entry(key).or_insert_with(|| tasks.spawn(self.watch(key, &lost).run()));
            }
            // Tasks that were aborted are not kept.
            while tasks.try_join_next().is_some() {}
            sleep(LEAST_PAUSE.min(self.refresh)).await;
            tokio::select! {
                () = lost.notified() => {}
                () = sleep(self.refresh.saturating_sub(LEAST_PAUSE)) => {}
            }
        }
    }

    /// Every endpoint there is now. An address that cannot be looked up keeps those it had.
    async fn look_up(&self, known: impl Iterator<Item = Key>) -> HashSet<Key> {
        let asked = self.addresses.iter().map(|at| self.resolver.resolve(&at.host, at.port));
        let mut found = HashSet::new();
        let mut failed = HashSet::new();
        for (place, answer) in join_all(asked).await.into_iter().enumerate() {
            match answer {
                Ok(sockets) if !sockets.is_empty() => {
                    found.extend(sockets.into_iter().map(|socket| (place, socket)));
                }
                answer => {
                    let trouble = answer.err().map_or_else(String::new, |e| format!(": {e}"));
                    let host = &self.addresses[place].host;
                    self.serving.set_trouble(format!("{host} cannot be resolved{trouble}"));
                    failed.insert(place);
                }
            }
        }
        found.extend(known.filter(|(place, _)| failed.contains(place)));
        found
    }

    fn watch(&self, (place, socket): Key, lost: &Arc<Notify>) -> Watched {
        let address = self.addresses[place].clone();
        Watched {
            tls: self.tls.clone().filter(|_| address.tls),
            address,
            socket,
            serving: Arc::clone(&self.serving),
            lost: Arc::clone(lost),
        }
    }
}
