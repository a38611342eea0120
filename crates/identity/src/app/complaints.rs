//! What feedback's log means for a user: feedback is an activity, an open complaint is a signal
//! of churn until it is solved.

use super::deciding::decide;
use super::{Identity, Outcome};
use crate::domain::activity::{Activity, Kind};
use crate::store::{complaints, users};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Names feedback's events among the sources of activities.
const SOURCE: &str = "perennial/feedback";

/// What happened to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComplaintChange {
    /// A complaint came in.
    Opened,
    /// A ticket was solved; tells of every ticket, not only of complaints.
    Resolved,
    /// A complaint that was solved is not.
    Reopened,
}

impl Identity {
    /// Records feedback as an interaction of the user.
    pub async fn feedback_received(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        user_id: &str,
        feedback_id: &str,
        time: DateTime<Utc>,
    ) -> Result<()> {
        let activity = Activity {
            user_id: user_id.to_owned(),
            kind: Kind::Feedback,
            occur_time: time,
            source: SOURCE.to_owned(),
            source_event_id: feedback_id.to_owned(),
            amount: None,
            object: feedback_id.to_owned(),
            duration: None,
        };
        for (id, outcome) in self.recorder.record(tx, now, &[(0, &activity)]).await? {
            if let Outcome::Refused(refusal) = outcome {
                tracing::info!(%id, reason = refusal.reason(), "feedback does not count");
            }
        }
        Ok(())
    }

    /// Notes that a complaint is open or settled. `time` is when that happened: what is from
    /// before an erasure stays forgotten.
    pub async fn complaint(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        (user_id, ticket_id): (&str, &str),
        change: ComplaintChange,
        time: DateTime<Utc>,
    ) -> Result<()> {
        let open = change != ComplaintChange::Resolved;
        if !open && !complaints::known(tx, user_id, ticket_id).await? {
            return Ok(());
        }
        let Some(mut user) = users::lock(tx, &[user_id.to_owned()]).await?.pop() else {
            return Ok(());
        };
        if user.forgets(time) {
            return Ok(());
        }
        complaints::save(tx, now, user_id, ticket_id, open).await?;
        user.standing.open_complaints = complaints::open(tx, user_id).await?;
        decide(tx, &self.evaluator, now, &mut [user], &[]).await
    }
}
