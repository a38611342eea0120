//! From a letter to an RFC 5322 message.

use super::{Letter, refused};
use crate::app::Refused;
use crate::domain::retry::Setback;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use perennial_platform::{Error, Result};
use std::time::SystemTime;

/// Writes mails from one sender.
pub(crate) struct Composer {
    from: Mailbox,
}

impl Composer {
    /// For a sender, with or without a display name. Errors: INVALID_ARGUMENT.
    pub(crate) fn new(from: &str) -> Result<Self> {
        let from = from.parse();
        let from =
            from.map_err(|_| Error::invalid("notification.email.from", "is not a mailbox"))?;
        Ok(Self { from })
    }

    /// The mail. Its Message-ID is that of the notification, the same on every attempt; the
    /// unsubscribe headers are those of RFC 2369 and RFC 8058.
    pub(crate) fn compose(&self, letter: &Letter<'_>) -> Result<Message, Refused> {
        let profile = &letter.handover.profile;
        let broken = |what: &str| refused(format!("the {what} cannot be used"), Setback::Never);
        let address = profile.email.expose().parse().map_err(|_| broken("address"))?;
        let name = Some(profile.name.expose().clone()).filter(|name| !name.is_empty());
        let message_id = format!("<{}@{}>", letter.id, self.from.email.domain());
        let unsubscribe = format!("<{}>", letter.unsubscribe_url);
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .date(SystemTime::from(letter.at))
            .message_id(Some(message_id))
            .subject(&letter.text.subject)
            .header(ContentType::TEXT_PLAIN);
        let builder =
            raw(builder, HeaderName::new_from_ascii_str("Content-Language"), &letter.locale);
        let builder =
            raw(builder, HeaderName::new_from_ascii_str("List-Unsubscribe"), &unsubscribe);
        let builder = raw(
            builder,
            HeaderName::new_from_ascii_str("List-Unsubscribe-Post"),
            "List-Unsubscribe=One-Click",
        );
        // Keeps out-of-office answers from coming back (RFC 3834).
        let builder =
            raw(builder, HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated");
        builder.body(letter.text.body.clone()).map_err(|_| broken("message"))
    }
}

fn raw(builder: MessageBuilder, name: HeaderName, value: &str) -> MessageBuilder {
    builder.raw_header(HeaderValue::new(name, value.to_owned()))
}
