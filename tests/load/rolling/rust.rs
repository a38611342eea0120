//! Callers in Rust: a [`Channel`] a service over all replicas. Nothing is ever sent twice.

use super::calls::Call;
use super::{DEADLINE, Tally};
use perennial_client::Channel;
use perennial_testkit::call;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

/// One channel a service, and what became of the calls.
pub(super) struct Rust {
    channels: [Channel; 4],
    calls: Vec<JoinHandle<()>>,
    tally: Arc<Mutex<Tally>>,
}

impl Rust {
    /// Callers that know the ports of all replicas: one array of four for each.
    pub(super) fn start(replicas: &[[u16; 4]]) -> Self {
        let channels = [0, 1, 2, 3].map(|place| {
            let address = |ports: &[u16; 4]| format!("http://127.0.0.1:{}", ports[place]);
            let addresses = replicas.iter().map(address).collect::<Vec<_>>().join(",");
            Channel::to(addresses).attempts(1).build().unwrap()
        });
        Self { channels, calls: Vec::new(), tally: Arc::default() }
    }

    pub(super) fn send(&mut self, call: Call) {
        let channel = self.channels[call.service].clone();
        let tally = Arc::clone(&self.tally);
        self.calls.push(tokio::spawn(async move {
            let method = perennial_proto::method(call.path).unwrap();
            let answer = call::call(&channel, method, vec![call.request], None);
            let late = |_| Err(Status::deadline_exceeded("no answer in time"));
            let outcome = tokio::time::timeout(DEADLINE, answer).await.unwrap_or_else(late);
            let mut tally = tally.lock().unwrap();
            match outcome {
                Ok(_) => tally.answered += 1,
                // A member who is not there yet: that is an answer too.
                Err(status) if status.code() == Code::NotFound => tally.answered += 1,
                Err(status) => {
                    tally.fail(status.code(), &format!("{} {}", call.path, status.message()), 1);
                }
            }
        }));
    }

    /// Waits for the last answers.
    pub(super) async fn end(self) -> Tally {
        for call in self.calls {
            call.await.unwrap();
        }
        std::mem::take(&mut self.tally.lock().unwrap())
    }
}
