//! E-mail by SMTP.

use super::refused;
use crate::app::Refused;
use crate::domain::retry::Setback;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use perennial_platform::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// Connections to one mail server.
pub(crate) struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// For a server's URL. Connects when the first mail goes. Errors: INVALID_ARGUMENT.
    pub(crate) fn new(url: &SecretString, timeout: Duration) -> Result<Self> {
        // The URL may hold a password: the error does not repeat it.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(|_| Error::invalid("notification.email.smtp_url", "is not an SMTP URL"))?;
        Ok(Self(builder.timeout(Some(timeout)).build()))
    }

    /// Hands a mail over. The server's words may repeat the address, so only its code is kept.
    pub(crate) async fn send(&self, mail: Message) -> Result<(), Refused> {
        let Err(error) = self.0.send(mail).await else { return Ok(()) };
        let setback = if error.is_permanent() {
            Setback::Never
        } else if error.is_timeout() {
            Setback::SlowDown(None)
        } else {
            Setback::Later
        };
        let what = match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
            None => "the mail server cannot be reached".to_owned(),
        };
        Err(refused(what, setback))
    }
}
