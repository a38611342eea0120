//! Feedback received, solved, opened again (product rows FB-4, FB-15, AC-1).

use super::occurred;
use crate::app::{App, Happening};
use crate::domain::span;
use crate::domain::trigger::Occasion;
use crate::store::people;
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::{Result, time};
use perennial_proto::events::v1::Event;
use perennial_proto::feedback::v1::{
    Category, Channel, FeedbackReceived, TicketReopened, TicketResolved,
};

/// Follows feedback's log. TicketAcknowledged is not among the types: on the form it comes with
/// FeedbackReceived, and one "received" is enough.
pub struct Feedback {
    /// Use cases.
    pub app: App,
}

impl Consumer for Feedback {
    const NAME: &'static str = "notification.feedback";
    const SOURCE: Peer = Peer::Feedback;
    const TYPES: &'static [&'static str] = &[
        "perennial.feedback.v1.FeedbackReceived",
        "perennial.feedback.v1.TicketReopened",
        "perennial.feedback.v1.TicketResolved",
    ];

    async fn handle(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        match event.r#type.as_str() {
            "perennial.feedback.v1.FeedbackReceived" => self.received(tx, now, event).await,
            "perennial.feedback.v1.TicketResolved" => self.resolved(tx, now, event).await,
            "perennial.feedback.v1.TicketReopened" => {
                let reopened: TicketReopened = decode(event)?;
                let (user, ticket) = (&reopened.user_id, &reopened.ticket_id);
                self.complaint(tx, reopened.category(), user, ticket, now).await
            }
            _ => Ok(()),
        }
    }
}

impl Feedback {
    async fn received(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let received: FeedbackReceived = decode(event)?;
        let (user_id, ticket) = (received.user_id.as_str(), received.ticket_id.as_str());
        self.complaint(tx, received.category(), user_id, ticket, now).await?;
        if unspoken(received.channel()) {
            return Ok(());
        }
        let at = occurred(event, now)?;
        let due = received.due_time.as_ref();
        let due = due.map(|due| time::from_proto("due_time", due)).transpose()?;
        let answer_within = due.map(|due| span::rounded_up(due - at)).unwrap_or_default();
        let happening = Happening {
            occasion: Occasion::FeedbackReceived,
            user_id,
            event: &event.id,
            at,
            variables: vec![("ticket", ticket.to_owned()), ("answer_within", answer_within)],
        };
        self.app.fire(tx, &happening, now).await
    }

    async fn resolved(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let resolved: TicketResolved = decode(event)?;
        let (user_id, ticket_id) = (&resolved.user_id, &resolved.ticket_id);
        self.app.complaint_solved(tx, user_id, ticket_id, now).await?;
        if unspoken(resolved.channel()) {
            return Ok(());
        }
        let happening = Happening {
            occasion: Occasion::TicketResolved,
            user_id,
            event: &event.id,
            at: occurred(event, now)?,
            variables: vec![("ticket", ticket_id.clone()), ("category", name(resolved.category()))],
        };
        self.app.fire(tx, &happening, now).await
    }

    /// While a complaint is open the user's caps are tighter.
    async fn complaint(
        &self,
        tx: &Tx,
        category: Category,
        user_id: &str,
        ticket_id: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if category != Category::Complaint || user_id.is_empty() {
            return Ok(());
        }
        if self.app.is_present(tx, user_id).await? {
            people::open_complaint(tx, user_id, ticket_id, now).await?;
        }
        Ok(())
    }
}

/// Behaviour data is feedback that the user never gave: they are not thanked for it, nor told that
/// it was solved.
fn unspoken(channel: Channel) -> bool {
    channel == Channel::Behaviour
}

/// "new_feature", as templates compare it.
fn name(category: Category) -> String {
    let name = category.as_str_name();
    name.strip_prefix("CATEGORY_").unwrap_or(name).to_lowercase()
}
