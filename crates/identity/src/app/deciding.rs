//! Decides about users: in the transaction in which something happened to them, and again when
//! time alone changes the answer. The only place that changes memberships, grades and stages.

use super::{Identity, gather, telling};
use crate::domain::evaluation::Evaluator;
use crate::domain::user::User;
use crate::store::{memberships, users};
use chrono::{DateTime, Utc};
use perennial_platform::backlog::{Backlog, MOST};
use perennial_platform::db::Tx;
use perennial_platform::{Result, events};

/// Users decided about in one transaction of the job.
const BATCH: u64 = 500;

impl Identity {
    /// Users who are due and were not decided about yet.
    pub async fn backlog(&self) -> Result<Backlog> {
        let due = users::due_times(self.db.read(), self.clock.now(), MOST).await?;
        Ok(Backlog::of(&due))
    }

    /// Decides about users who are due and returns their number; 0 when nobody is.
    pub async fn reevaluate(&self) -> Result<u64> {
        let now = self.clock.now();
        let due = users::due(self.db.read(), now, BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let mut users = users::lock(&tx, &due).await?;
        // Erased, or decided about by somebody else, since they were looked up.
        users.retain(|user| user.next_change_time.is_some_and(|time| time <= now));
        decide(&tx, &self.evaluator, now, &mut users, &[]).await?;
        tx.commit().await?;
        Ok(due.len() as u64)
    }
}

/// Decides about locked users, tells what changed, and saves them: five statements at most,
/// however many users. `causes`: the command of the batch, if this is one, that each user's changes
/// go back to.
pub(super) async fn decide(
    tx: &Tx,
    evaluator: &Evaluator,
    now: DateTime<Utc>,
    users: &mut [User],
    causes: &[usize],
) -> Result<()> {
    let facts = gather(tx, evaluator, now, users).await?;
    let ids: Vec<String> = users.iter().map(|user| user.user_id.clone()).collect();
    let memberships = memberships::of_users(tx, &ids).await?;
    let (mut entering, mut leaving) = (Vec::new(), Vec::new());
    for (n, (user, facts)) in users.iter_mut().zip(&facts).enumerate() {
        let verdict = evaluator.evaluate(facts, now).verdict;
        let before = memberships.get(&user.user_id).copied().unwrap_or_default();
        let of_user = |segment| (user.user_id.clone(), segment);
        entering.extend(verdict.segments.without(before).map(of_user));
        leaving.extend(before.without(verdict.segments).map(of_user));
        let tell = || telling::changes(now, user, before, verdict);
        let told = causes.get(n).map_or_else(tell, |cause| tx.on_behalf_of(*cause, tell));
        events::append(tx, told);
        user.settle(verdict, evaluator.next_change(facts, now));
    }
    memberships::enter(tx, now, &entering).await?;
    memberships::leave(tx, &leaving).await?;
    users::save(tx, evaluator.calendar, users).await
}
