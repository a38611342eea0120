//! Follows feedback's log: feedback counts as an interaction, a complaint as a signal of churn
//! from the time it comes in until it is solved.

use crate::app::{ComplaintChange, Identity};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::{Error, Result, time};
use perennial_proto::events::v1::Event;
use perennial_proto::feedback::v1::{Category, FeedbackReceived, TicketReopened, TicketResolved};
use prost::Name;

/// Follows feedback's log.
#[derive(Debug)]
pub struct FollowFeedback {
    /// Over this.
    pub identity: Identity,
}

impl Consumer for FollowFeedback {
    const NAME: &'static str = "identity.feedback";
    const SOURCE: Peer = Peer::Feedback;
    const TYPES: &'static [&'static str] = &[
        "perennial.feedback.v1.FeedbackReceived",
        "perennial.feedback.v1.TicketResolved",
        "perennial.feedback.v1.TicketReopened",
    ];

    async fn handle(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let happened =
            event.time.as_ref().ok_or_else(|| Error::internal("an event without time"))?;
        let happened = time::from_proto("time", happened)?;
        let (identity, complaint) = (&self.identity, Category::Complaint as i32);
        if event.r#type == FeedbackReceived::full_name() {
            let told: FeedbackReceived = decode(event)?;
            let (user, feedback) = (&told.user_id, &told.feedback_id);
            identity.feedback_received(tx, now, user, feedback, happened).await?;
            if told.category == complaint {
                let ticket = (told.user_id.as_str(), told.ticket_id.as_str());
                identity.complaint(tx, now, ticket, ComplaintChange::Opened, happened).await?;
            }
        } else if event.r#type == TicketResolved::full_name() {
            let told: TicketResolved = decode(event)?;
            let ticket = (told.user_id.as_str(), told.ticket_id.as_str());
            identity.complaint(tx, now, ticket, ComplaintChange::Resolved, happened).await?;
        } else if event.r#type == TicketReopened::full_name() {
            let told: TicketReopened = decode(event)?;
            if told.category == complaint {
                let ticket = (told.user_id.as_str(), told.ticket_id.as_str());
                identity.complaint(tx, now, ticket, ComplaintChange::Reopened, happened).await?;
            }
        }
        Ok(())
    }
}
