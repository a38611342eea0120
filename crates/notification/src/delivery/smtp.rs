//! E-mail by SMTP.

use super::refused;
use crate::app::Refused;
use crate::domain::retry::Setback;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error as SmtpError};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use perennial_platform::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use std::pin::pin;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::time;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Longest farewell to the connections of a server that is too slow.
const FAREWELL: Duration = Duration::from_secs(1);

/// Connections to one mail server.
pub(crate) struct Smtp {
    builder: AsyncSmtpTransportBuilder,
    transport: RwLock<Transport>,
    timeout: Duration,
}

impl Smtp {
    /// For a server's URL. Connects when the first mail goes. `timeout` is that of a whole mail:
    /// lettre's own begins anew with every answer. Errors: INVALID_ARGUMENT.
    pub(crate) fn new(url: &SecretString, timeout: Duration) -> Result<Self> {
        // The URL may hold a password: the error does not repeat it.
        let builder = Transport::from_url(url.expose_secret())
            .map_err(|_| Error::invalid("notification.email.smtp_url", "is not an SMTP URL"))?
            .timeout(Some(timeout));
        let transport = RwLock::new(builder.clone().build());
        Ok(Self { builder, transport, timeout })
    }

    /// Hands a mail over. The server's words may repeat the address, so only its code is kept.
    pub(crate) async fn send(&self, mail: Message) -> Result<(), Refused> {
        let transport = self.transport.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut sending = pin!(transport.send(mail));
        match time::timeout(self.timeout, &mut sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => {
                // Before `sending` is dropped: its connection would go back to the pool, and
                // there tell the next mail the answers that this one did not wait for.
                self.start_afresh(&transport).await;
                Err(late())
            }
        }
    }

    async fn start_afresh(&self, old: &Transport) {
        let new = self.builder.clone().build();
        *self.transport.write().unwrap_or_else(PoisonError::into_inner) = new;
        let _ = time::timeout(FAREWELL, old.shutdown()).await;
    }
}

fn told(error: &SmtpError) -> Refused {
    if error.is_timeout() {
        return late();
    }
    let setback = if error.is_permanent() { Setback::Never } else { Setback::Later };
    match error.status() {
        Some(code) => refused(format!("the mail server answered {code}"), setback),
        None => refused("the mail server cannot be reached", setback),
    }
}

fn late() -> Refused {
    refused("the mail server did not answer in time", Setback::SlowDown(None))
}
