//! What `perennial serve` says when it is up: what listens where, who may call, what to try next.
//! Every grpcurl line works as printed; a test runs them.

use crate::cli::Service;
use crate::config::Config;
use chrono::SecondsFormat;
use perennial_platform::clock::Clock;
use std::fmt::{Display, Formatter, Result};

/// The text for a process that runs these services.
pub struct Welcome<'a> {
    /// Its settings.
    pub config: &'a Config,
    /// What it runs.
    pub services: &'a [Service],
    /// Its time.
    pub clock: &'a Clock,
}

impl Display for Welcome<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "\nPerennial {} is running.\n", env!("CARGO_PKG_VERSION"))?;
        for service in self.services {
            let (purpose, url) = self.about(*service);
            let kept =
                if url.is_empty() || url.starts_with("sqlite:") { "SQLite" } else { "Postgres" };
            let address = self.config.listen(*service).to_string();
            writeln!(f, "  {:<13} {address:<16} {purpose} ({kept})", service.to_string())?;
        }
        writeln!(f, "\nData is kept in {}. {}", self.config.data.display(), self.time())?;
        if self.config.auth.is_open() {
            writeln!(
                f,
                "No caller is configured: everybody on this machine may call everything, and the\n\
                 suite listens on loopback only. `perennial token new --help` tells how to change that."
            )?;
        }
        if self.services.len() > 1 && self.config.auth.is_open() {
            writeln!(
                f,
                "\nTry in another terminal:\n\nPATH=\"$(scripts/tools.sh):$PATH\"   # grpcurl\n"
            )?;
            for line in self.lines() {
                writeln!(f, "{line}\n")?;
            }
        }
        write!(f, "Ctrl-C stops it.")
    }
}

impl Welcome<'_> {
    fn about(&self, service: Service) -> (&'static str, &str) {
        let config = self.config;
        match service {
            Service::Identity | Service::All => {
                ("who customers are, how close to leaving", &config.identity.database.url)
            }
            Service::Feedback => {
                ("what they say, what was promised", &config.feedback.database.url)
            }
            Service::Loyalty => ("what they earn", &config.loyalty.database.url),
            Service::Notification => {
                ("what they are told, and why not", &config.notification.database.url)
            }
        }
    }

    fn time(&self) -> String {
        let now = self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        if self.clock.is_manual() {
            format!("Time is simulated: it stands at {now} until ClockService/Advance moves it.")
        } else {
            "Time is the machine's.".to_owned()
        }
    }

    /// A purchase, the points it earned, a complaint, and what the customer was told.
    fn lines(&self) -> [String; 5] {
        let now = self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let at = |service| self.config.listen(service);
        let (identity, loyalty) = (at(Service::Identity), at(Service::Loyalty));
        let (feedback, notification) = (at(Service::Feedback), at(Service::Notification));
        [
            format!("grpcurl -plaintext {identity} list"),
            format!(
                r#"grpcurl -plaintext -d '{{"activities": [{{"user_id": "ada", "kind": "ACTIVITY_KIND_PURCHASE", "occur_time": "{now}", "amount": {{"currency": "CNY", "minor_units": 19900}}, "source": "shop", "source_event_id": "order-1"}}]}}' {identity} perennial.identity.v1.ActivityService/Track"#
            ),
            format!(
                r#"grpcurl -plaintext -d '{{"user_id": "ada"}}' {loyalty} perennial.loyalty.v1.PointsService/GetBalance"#
            ),
            format!(
                r#"grpcurl -plaintext -d '{{"user_id": "ada", "channel": "CHANNEL_FORM", "category": "CATEGORY_COMPLAINT", "text": "Saving fails"}}' {feedback} perennial.feedback.v1.FeedbackService/SubmitFeedback"#
            ),
            format!(
                r#"grpcurl -plaintext -d '{{"user_id": "ada"}}' {notification} perennial.notification.v1.InboxService/ListMessages"#
            ),
        ]
    }
}
