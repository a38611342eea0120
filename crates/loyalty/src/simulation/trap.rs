//! Faults at the steps of transactions.
//!
//! One blow is armed at a time; it falls at the n-th step from then on. Steps are counted, not
//! timed, so a seed finds the same place again.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use perennial_platform::db::faults::{Faults, Step};
use sea_orm::{DbErr, RuntimeErr};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// What falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// The database does not answer at this step; the transaction is undone.
    Fail,
    /// The process ends: from this step on nothing that it tries reaches the database.
    Die,
    /// The next commit succeeds, and nobody is told.
    LoseAnswer,
    /// Nothing goes on; whoever waits is dropped there.
    Hang,
    /// Nothing goes on until it is released.
    Pause,
}

#[derive(Default)]
struct State {
    armed: Option<(u32, Blow)>,
    fell: Option<Step>,
    dead: bool,
    /// Tells the other replica that this one is about to begin.
    watched: bool,
}

/// The faults of one process.
#[derive(Default)]
pub(super) struct Trap {
    state: Mutex<State>,
    /// Something hangs or is paused.
    pub(super) stopped: Notify,
    /// What is paused may go on.
    pub(super) release: Notify,
    /// The watched process begins a transaction.
    pub(super) begins: Notify,
}

impl Trap {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a blow fall after so many more steps.
    pub(super) fn arm(&self, after: u32, blow: Blow) {
        self.forget();
        let mut state = self.state();
        state.armed = Some((after, blow));
        state.fell = None;
    }

    /// Nobody was told anything yet.
    fn forget(&self) {
        for told in [&self.stopped, &self.release, &self.begins] {
            let _: Option<()> = told.notified().now_or_never();
        }
    }

    /// Tells of the next begin.
    pub(super) fn watch(&self) {
        self.forget();
        self.state().watched = true;
    }

    /// No more blows. Where the armed one fell, if it did.
    pub(super) fn disarm(&self) -> Option<Step> {
        let mut state = self.state();
        state.armed = None;
        state.watched = false;
        state.fell.take()
    }

    /// What is to happen at this step.
    fn next(&self, step: Step) -> Option<Blow> {
        let mut state = self.state();
        if state.dead {
            return Some(Blow::Die);
        }
        if step == Step::Begin && std::mem::take(&mut state.watched) {
            self.begins.notify_one();
        }
        match &mut state.armed {
            Some((_, Blow::LoseAnswer)) if step != Step::Committed => return None,
            Some((after, _)) if *after > 0 => {
                *after -= 1;
                return None;
            }
            _ => {}
        }
        let (_, blow) = state.armed.take()?;
        state.fell = Some(step);
        state.dead = blow == Blow::Die;
        Some(blow)
    }
}

fn gone() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("a simulated fault".to_owned()))
}

impl Faults for Trap {
    fn reach(&self, step: Step) -> BoxFuture<'_, Result<(), DbErr>> {
        match self.next(step) {
            None => std::future::ready(Ok(())).boxed(),
            Some(Blow::Fail | Blow::Die | Blow::LoseAnswer) => {
                std::future::ready(Err(gone())).boxed()
            }
            Some(Blow::Hang) => {
                self.stopped.notify_one();
                std::future::pending().boxed()
            }
            Some(Blow::Pause) => {
                self.stopped.notify_one();
                self.release.notified().map(Ok).boxed()
            }
        }
    }
}
