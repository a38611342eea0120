//! The way out: e-mail by SMTP or into a folder, signed webhooks. The inbox needs none.
//!
//! Every hand-over carries an id that stays the same over all attempts (Message-ID, webhook-id),
//! so that a repeat after a crash can be recognised by whoever receives it.

mod email;
mod folder;
mod guard;
mod signature;
mod smtp;
mod webhook;

pub use folder::Folder;

use crate::app::render::{Context, ProductContext, ProfileContext};
use crate::app::{App, Ended, Handover, NotificationId, Refused};
use crate::config::Config;
use crate::domain::kinds::Channel;
use crate::domain::notification::Notification;
use crate::domain::retry::Setback;
use crate::domain::template::Text;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use perennial_platform::{Error, Result, telemetry};
use std::time::{Duration, Instant};
use tracing::{Instrument, field};

/// The channels as configured.
pub struct Delivery {
    app: App,
    email: Email,
    composer: email::Composer,
    webhook: Option<webhook::Webhook>,
    unsubscribe_url: String,
    durations: Histogram<f64>,
}

enum Email {
    Smtp(Box<smtp::Smtp>),
    Folder(Folder),
}

/// A message in words, on its way out.
pub(crate) struct Letter<'a> {
    id: NotificationId,
    handover: &'a Handover,
    text: Text,
    locale: String,
    unsubscribe_url: String,
    at: chrono::DateTime<chrono::Utc>,
}

impl Delivery {
    /// Opens the channels. Errors: INVALID_ARGUMENT for a sender, URL or secret that cannot be
    /// used.
    pub fn new(app: App, config: &Config) -> Result<Self> {
        let email = match &config.email.smtp_url {
            Some(url) => {
                let timeout = seconds(config.email.timeout_seconds);
                Email::Smtp(Box::new(smtp::Smtp::new(url, timeout)?))
            }
            None => Email::Folder(Folder::new(&config.email.folder)),
        };
        Ok(Self {
            app,
            email,
            composer: email::Composer::new(&config.email.from)?,
            webhook: webhook::Webhook::new(&config.webhook)?,
            unsubscribe_url: config.unsubscribe_url.clone(),
            durations: durations(),
        })
    }

    /// The folder of the embedded e-mail channel, if that is in use.
    pub fn folder(&self) -> Option<Folder> {
        match &self.email {
            Email::Folder(folder) => Some(folder.clone()),
            Email::Smtp(_) => None,
        }
    }

    /// Hands one message over, as a step of the trace that it belongs to, and says how that ended.
    pub async fn attempt(&self, handover: Handover) -> Ended {
        let channel = handover.message.channel.name();
        let span = tracing::info_span!(
            "deliver",
            otel.kind = "client",
            otel.status_code = field::Empty,
            channel,
            notification = %NotificationId::from(handover.message.id),
            outcome = field::Empty,
        );
        telemetry::follow(&span, &handover.message.traceparent);
        let started = Instant::now();
        let result = self.hand_over(&handover).instrument(span.clone()).await;
        let outcome = if result.is_ok() { "sent" } else { "failed" };
        span.record("outcome", outcome);
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        let labels = [KeyValue::new("channel", channel), KeyValue::new("outcome", outcome)];
        self.durations.record(started.elapsed().as_secs_f64(), &labels);
        let mut message = handover.message;
        // What is told of this attempt is a consequence of it.
        message.traceparent = span.in_scope(telemetry::traceparent);
        (message, result)
    }

    /// Hands one message over. An error says in public words why not, and what that means for
    /// the next attempt.
    async fn hand_over(&self, handover: &Handover) -> Result<(), Refused> {
        let letter = self.letter(handover)?;
        match (handover.message.channel, &self.webhook) {
            (Channel::Email, _) => self.mail(&letter).await,
            (Channel::Webhook, Some(webhook)) => webhook.send(&letter).await,
            (Channel::Webhook, None) => Err(refused("no gateway is configured", Setback::Later)),
            (Channel::Inbox, _) => Ok(()),
        }
    }

    /// Takes back mails that were written while their users were erased. Errors: INTERNAL when a
    /// file cannot be deleted.
    pub async fn forget(&self, erased: &[Notification]) -> Result<()> {
        let mails = erased.iter().filter(|message| message.channel == Channel::Email);
        let mails: Vec<_> = mails.map(|message| (message.id, message.send_at)).collect();
        match &self.email {
            Email::Folder(folder) => folder.forget(&mails).await.map_err(Error::internal),
            Email::Smtp(_) => Ok(()),
        }
    }

    async fn mail(&self, letter: &Letter<'_>) -> Result<(), Refused> {
        let mail = self.composer.compose(letter)?;
        match &self.email {
            Email::Smtp(smtp) => smtp.send(mail).await,
            Email::Folder(folder) => {
                let message = &letter.handover.message;
                folder.write(letter.id, message.send_at, mail.formatted()).await
            }
        }
    }

    fn letter<'a>(&self, handover: &'a Handover) -> Result<Letter<'a>, Refused> {
        let message = &handover.message;
        let id = NotificationId::from(message.id);
        let rules = &self.app.rules;
        let context = Context {
            variables: &message.variables,
            profile: ProfileContext { name: handover.profile.name.expose() },
            product: ProductContext { name: &rules.product_name },
        };
        let locale = &handover.profile.locale;
        let rendered = self
            .app
            .renderer
            .render(&handover.template, locale, &rules.locale, &context)
            .map_err(|error| refused(format!("the template fails: {error}"), Setback::Never))?;
        let unsubscribe_url =
            self.unsubscribe_url.replace("{token}", &self.app.unsubscribe_token(id));
        let mut text = rendered.text;
        if message.channel == Channel::Email {
            text.body.push_str(&self.footer(handover, &rendered.locale, &unsubscribe_url)?);
        }
        let at = self.app.clock.now();
        Ok(Letter { id, handover, text, locale: rendered.locale, unsubscribe_url, at })
    }

    fn footer(&self, handover: &Handover, locale: &str, link: &str) -> Result<String, Refused> {
        let Some(footer) = &handover.footer else { return Ok(String::new()) };
        let variables = [("unsubscribe_url".to_owned(), link.to_owned())].into();
        let context = Context {
            variables: &variables,
            profile: ProfileContext { name: "" },
            product: ProductContext { name: &self.app.rules.product_name },
        };
        let rendered = self.app.renderer.render(footer, locale, &self.app.rules.locale, &context);
        rendered
            .map(|rendered| rendered.text.body)
            .map_err(|error| refused(format!("the footer fails: {error}"), Setback::Never))
    }
}

fn durations() -> Histogram<f64> {
    opentelemetry::global::meter("perennial")
        .f64_histogram("perennial.notification.delivery.duration")
        .with_description("Time of one attempt to hand a message over")
        .with_unit("s")
        .with_boundaries(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
        .build()
}

fn refused(error: impl Into<String>, setback: Setback) -> Refused {
    Refused { error: error.into(), setback }
}

fn seconds(n: u32) -> Duration {
    Duration::from_secs(n.into())
}
