//! Feedback received, solved, opened again (product rows FB-4, FB-15, AC-1).

use super::occurred;
use crate::app::{App, Happening};
use crate::domain::trigger::Occasion;
use crate::store::people;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_proto::events::v1::Event;
use perennial_proto::feedback::v1::{Category, FeedbackReceived, TicketReopened, TicketResolved};

/// Follows feedback's log.
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
        let happening = Happening {
            occasion: Occasion::FeedbackReceived,
            user_id,
            event: &event.id,
            at: occurred(event, now)?,
            variables: vec![("ticket", ticket.to_owned())],
        };
        self.app.fire(tx, &happening, now).await
    }

    async fn resolved(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let resolved: TicketResolved = decode(event)?;
        let (user_id, ticket_id) = (&resolved.user_id, &resolved.ticket_id);
        self.app.complaint_solved(tx, user_id, ticket_id, now).await?;
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
        if self.app.is_erased(tx, user_id).await? {
            return Ok(());
        }
        people::open_complaint(tx, user_id, ticket_id, now).await
    }
}

/// "new_feature", as templates compare it.
fn name(category: Category) -> String {
    let name = category.as_str_name();
    name.strip_prefix("CATEGORY_").unwrap_or(name).to_lowercase()
}
