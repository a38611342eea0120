//! The endpoints that take calls at this moment, and whose turn it is.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::transport;

/// Connections to the serving endpoints, taken in turn. A call keeps a clone of the connection it
/// was given, so it ends in peace when the endpoint leaves the set.
pub(crate) struct Serving {
    ready: watch::Sender<Vec<Connected>>,
    turn: AtomicUsize,
    next_id: AtomicU64,
    trouble: Mutex<String>,
}

struct Connected {
    id: u64,
    connection: transport::Channel,
}

impl Serving {
    pub(crate) fn new() -> Self {
        Self {
            ready: watch::Sender::new(Vec::new()),
            turn: AtomicUsize::new(0),
            next_id: AtomicU64::new(0),
            trouble: Mutex::new("not connected yet".to_owned()),
        }
    }

    /// Lets calls use `connection` until the guard is dropped.
    pub(crate) fn add(self: &Arc<Self>, connection: transport::Channel) -> Place {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.ready.send_modify(|ready| ready.push(Connected { id, connection }));
        Place { id, serving: Arc::clone(self) }
    }

    /// The connection whose turn it is, as soon as there is one; `None` when there is none until
    /// `until`.
    pub(crate) async fn pick(&self, until: Instant) -> Option<transport::Channel> {
        loop {
            if let Some(connection) = self.pick_now() {
                return Some(connection);
            }
            let mut ready = self.ready.subscribe();
            timeout_at(until, ready.wait_for(|ready| !ready.is_empty())).await.ok()?.ok()?;
        }
    }

    fn pick_now(&self) -> Option<transport::Channel> {
        let ready = self.ready.borrow();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let place = turn.checked_rem(ready.len())?;
        ready.get(place).map(|connected| connected.connection.clone())
    }

    /// Remembers why an endpoint cannot be used, to be told when none can.
    pub(crate) fn set_trouble(&self, what: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// The last thing that went wrong.
    pub(crate) fn trouble(&self) -> String {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` endpoints take calls.
    pub(crate) async fn reaches(&self, count: usize) {
        let mut ready = self.ready.subscribe();
        // Fails only when the sender is gone, which is `self`.
        let _reached = ready.wait_for(|ready| ready.len() == count).await;
    }

    /// Number of endpoints that take calls.
    pub(crate) fn count(&self) -> usize {
        self.ready.borrow().len()
    }
}

/// An endpoint's place among the serving; leaves when dropped.
pub(crate) struct Place {
    id: u64,
    serving: Arc<Serving>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.serving.ready.send_modify(|ready| ready.retain(|connected| connected.id != self.id));
    }
}
