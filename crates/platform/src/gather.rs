//! Gathered reads: concurrent look-ups of the same kind share one set of statements.
//!
//! The reading twin of group commit. While some look-ups are under way the next ones gather; on an
//! idle line a look-up starts at once and alone. Every answer is read after its question was asked,
//! so nothing is stale and nothing is cached.

use crate::error::{Error, Result};
use crate::tasks::Tasks;
use crate::telemetry;
use futures::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Look-ups in one set at most.
const MAX_GATHERED: usize = 256;
/// Sets that are read at the same time: one waits for the database while the other computes.
const AT_ONCE: usize = 2;
/// Look-ups that may wait; beyond that callers are turned away at once.
const MAX_WAITING: usize = 16_384;

/// A kind of look-up.
pub trait Lookup: Send + Sync + 'static {
    /// What is asked for.
    type Question: Send + 'static;
    /// What is found.
    type Answer: Send + 'static;

    /// Answers the questions, each with its own answer, in order. Errors: only when all of them
    /// fail, such as a database that is gone.
    fn look_up(
        &self,
        questions: Vec<Self::Question>,
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer>>>> + Send;
}

/// Where callers ask. Clones share the line.
pub struct Gather<L: Lookup> {
    line: mpsc::Sender<Asked<L>>,
}

struct Asked<L: Lookup> {
    question: L::Question,
    answer: oneshot::Sender<Result<L::Answer>>,
}

impl<L: Lookup> Gather<L> {
    /// Starts the line. It ends when the last clone is gone.
    pub fn start(tasks: &Tasks, lookup: L) -> Self {
        let (line, waiting) = mpsc::channel(MAX_WAITING);
        tasks.spawn(run(tasks.clone(), Arc::new(lookup), waiting));
        Self { line }
    }

    /// Asks, and waits for the answer. Errors: those of the look-up; RESOURCE_EXHAUSTED /
    /// READ_QUEUE_FULL; UNAVAILABLE when the process stops.
    pub async fn ask(&self, question: L::Question) -> Result<L::Answer> {
        let (answer, receiver) = oneshot::channel();
        self.line.try_send(Asked { question, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                telemetry::shed("read_queue");
                Error::exhausted("READ_QUEUE_FULL", "too many reads are waiting")
                    .retry_after(std::time::Duration::from_millis(100))
            }
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        receiver.await.map_err(|_| stopped())?
    }
}

fn stopped() -> Error {
    Error::unavailable("STOPPING", "the service is stopping")
}

async fn run<L: Lookup>(tasks: Tasks, lookup: Arc<L>, mut waiting: mpsc::Receiver<Asked<L>>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        // The place comes first: whoever arrives while both are taken is gathered.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let mut taken = Vec::new();
        if waiting.recv_many(&mut taken, MAX_GATHERED).await == 0 {
            return;
        }
        // As in group commit: nothing is looked up for those who have left.
        taken.retain(|asked: &Asked<L>| !asked.answer.is_closed());
        if taken.is_empty() {
            continue;
        }
        let lookup = Arc::clone(&lookup);
        tasks.spawn(async move {
            answer(lookup.as_ref(), taken).await;
            drop(place);
        });
    }
}

async fn answer<L: Lookup>(lookup: &L, taken: Vec<Asked<L>>) {
    let mut questions = Vec::with_capacity(taken.len());
    let mut callers = Vec::with_capacity(taken.len());
    for Asked { question, answer } in taken {
        questions.push(question);
        callers.push(answer);
    }
    let found = AssertUnwindSafe(lookup.look_up(questions)).catch_unwind().await;
    let found = found.unwrap_or_else(|_| Err(Error::internal("a look-up panicked")));
    let answers = match found {
        Ok(answers) if answers.len() == callers.len() => answers,
        Ok(_) => fail(callers.len(), &Error::internal("a look-up of another number of answers")),
        Err(error) => fail(callers.len(), &error),
    };
    for (caller, answer) in callers.into_iter().zip(answers) {
        // A caller that has left does not mind.
        let _ = caller.send(answer);
    }
}

fn fail<A>(count: usize, error: &Error) -> Vec<Result<A>> {
    (0..count).map(|_| Err(error.clone())).collect()
}

impl<L: Lookup> Clone for Gather<L> {
    fn clone(&self) -> Self {
        Self { line: self.line.clone() }
    }
}

impl<L: Lookup> std::fmt::Debug for Gather<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Clone, Default)]
    struct Double {
        sets: Arc<AtomicUsize>,
        questions: Arc<AtomicUsize>,
    }

    impl Lookup for Double {
        type Question = u64;
        type Answer = u64;

        async fn look_up(&self, questions: Vec<u64>) -> Result<Vec<Result<u64>>> {
            self.sets.fetch_add(1, Ordering::SeqCst);
            self.questions.fetch_add(questions.len(), Ordering::SeqCst);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            assert!(!questions.contains(&13), "an unlucky look-up");
            let odd = || Error::not_found("ODD", "odd");
            Ok(questions
                .into_iter()
                .map(|n| if n % 2 == 0 { Ok(n * 2) } else { Err(odd()) })
                .collect())
        }
    }

    #[tokio::test]
    async fn everybody_gets_their_own_answer_from_few_sets() {
        let lookup = Double::default();
        let gather = Gather::start(&Tasks::default(), lookup.clone());
        let asked = (0..100).map(|n| gather.ask(n * 2));
        let answers = futures::future::join_all(asked).await;
        for (n, answer) in (0..100).zip(answers) {
            assert_eq!(answer.unwrap(), n * 4);
        }
        assert!(lookup.sets.load(Ordering::SeqCst) <= 4, "{:?}", lookup.sets);
    }

    #[tokio::test]
    async fn one_fails_alone_and_a_panic_is_an_answer() {
        let gather = Gather::start(&Tasks::default(), Double::default());
        let (even, odd) = tokio::join!(gather.ask(2), gather.ask(3));
        assert_eq!((even.unwrap(), odd.unwrap_err().reason().to_owned()), (4, "ODD".to_owned()));
        assert_eq!(gather.ask(13).await.unwrap_err().code(), crate::error::Code::Internal);
        assert_eq!(gather.ask(4).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn nothing_is_looked_up_for_those_who_have_left() {
        let lookup = Double::default();
        let gather = Gather::start(&Tasks::default(), lookup.clone());
        for turns in [0, 1] {
            // On one thread the line takes what was asked when this test yields.
            let mut leaving = Box::pin(gather.ask(2));
            assert!(futures::poll!(leaving.as_mut()).is_pending());
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            drop(leaving);
        }
        assert_eq!(gather.ask(4).await.unwrap(), 8);
        assert_eq!(lookup.questions.load(Ordering::SeqCst), 2, "the early one is left out");
    }
}
