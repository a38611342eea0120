//! `perennial demo`: real purchases of real customers through the public API of a suite in
//! simulated time, and what the suite makes of them.
//!
//! Nothing here knows how the services work: whatever the demo can do, any back end can.

mod figures;
mod page;
pub mod purchases;
mod replay;

use crate::cli::{self, ClockChoice};
use crate::client::{self, Addresses};
use crate::config::Ports;
use crate::own_suite::OwnSuite;
use anyhow::{Context as _, bail};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use figures::Outlook;
use purchases::Purchases;
use std::path::Path;
use tempfile::TempDir;

/// The sample that is replayed when no file is named; its source stands in tests/data/README.md.
const SAMPLE: &str = include_str!("../../../tests/data/cdnow_sample.txt");

/// Replays what the command line names, against the suite it names or one of its own.
pub async fn run(options: &cli::Demo) -> anyhow::Result<()> {
    let demo = match &options.file {
        Some(path) => Demo::read(path, options)?,
        None => Demo::of("cdnow_sample.txt", SAMPLE, options)?,
    };
    if let Some(host) = &options.target {
        let ports = Ports::default();
        let at = |port| format!("http://{host}:{port}");
        let addresses = Addresses {
            identity: at(ports.identity),
            loyalty: at(ports.loyalty),
            notification: at(ports.notification),
        };
        return demo.run(&addresses, options.token.as_deref()).await;
    }
    let (first, _) = demo.purchases.span().context("no purchases")?;
    let folder = TempDir::new()?;
    let clock = ClockChoice::Simulated(first.and_time(NaiveTime::MIN).and_utc());
    let suite = OwnSuite::start(folder.path(), clock, &settings(&options.currency)).await?;
    demo.run(&suite.addresses(), None).await
}

/// What a shop with this currency would set.
fn settings(currency: &str) -> String {
    format!(
        "[telemetry]\nlog_filter = \"warn\"\n[identity]\ncalendar_zone = \"UTC\"\nhome_currency = {currency:?}\n"
    )
}

/// What to replay, and against which suite.
#[derive(Debug)]
pub struct Demo {
    /// Purchases, with the lines that were refused.
    pub purchases: Purchases,
    /// Name of the file; part of the natural key of each purchase.
    pub source: String,
    /// Currency of the amounts, ISO 4217.
    pub currency: String,
    /// Day at whose end the churn grades are compared with what came afterwards.
    pub graded: NaiveDate,
}

impl Demo {
    /// Reads a file.
    fn read(path: &Path, options: &cli::Demo) -> anyhow::Result<Self> {
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::of(&name, &String::from_utf8_lossy(&text), options)
    }

    /// Reads the text of a file. Unless told otherwise the comparison is made for the day half-way
    /// between the first purchase and the last (30 September 1997 in the sample).
    fn of(name: &str, text: &str, options: &cli::Demo) -> anyhow::Result<Self> {
        let purchases = purchases::read(text);
        let Some((first, last)) = purchases.span() else {
            println!("{}", page::Refusals(&purchases.refused));
            bail!("{name} holds no purchase that can be read");
        };
        let half_way = first + TimeDelta::days((last - first).num_days() / 2);
        let source = name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c));
        Ok(Self {
            source: source.take(64).collect(),
            currency: options.currency.clone(),
            graded: options.graded.unwrap_or(half_way),
            purchases,
        })
    }

    /// Replays the purchases against a running suite whose clock is simulated and not past the
    /// first of them, and prints the page of figures.
    pub async fn run(self, at: &Addresses, token: Option<&str>) -> anyhow::Result<()> {
        let suite = client::connect(at, token).await?;
        let mut replay = replay::Replay::new(suite.clone(), &self);
        replay.check_clock().await?;
        println!("{}", page::Opening(&self));
        let severe = replay.run().await?;
        let outlook = Outlook::of(&self.purchases.accepted, self.graded, &severe);
        let mut refused = replay.refused;
        refused.extend(self.purchases.refused.iter().cloned());
        refused.sort_by_key(|refused| refused.line);
        let figures = figures::collect(suite, &self.currency).await?;
        let page = page::Page { demo: &self, figures: &figures, outlook: &outlook };
        println!("{page}\n{}", page::Refusals(&refused));
        Ok(())
    }
}
