//! Day by day: the clock goes to the hour of shopping, the day's new customers register, the day's
//! purchases are tracked; the suite does its own work in between.

use super::Demo;
use super::purchases::{Purchase, Refused};
use crate::client::Suite;
use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use perennial_platform::time::to_proto;
use perennial_proto::admin::v1::{AdvanceRequest, GetTimeRequest};
use perennial_proto::identity::v1::{
    Activity, ActivityKind, ListChurnRisksRequest, Profile, RiskGrade, TrackRequest, TrackVerdict,
    UpsertProfileRequest,
};
use perennial_proto::types::v1::Money;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Registrations in flight at once.
const CALLS: usize = 16;

/// Activities in one call; the contract allows as many.
const BATCH: usize = 1_000;

/// Longest stretch of time in one call: a day's work must fit into a call's deadline.
const STEP: TimeDelta = TimeDelta::days(1);

/// Where the customers live: the shop was in Pennsylvania.
const ZONE: &str = "America/New_York";

/// The run of one demo.
pub(super) struct Replay<'a> {
    suite: Suite,
    demo: &'a Demo,
    days: BTreeMap<NaiveDate, Vec<&'a Purchase>>,
    registered: HashSet<&'a str>,
    /// Purchases that the suite did not take.
    pub(super) refused: Vec<Refused>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(suite: Suite, demo: &'a Demo) -> Self {
        let mut days: BTreeMap<NaiveDate, Vec<&Purchase>> = BTreeMap::new();
        for purchase in &demo.purchases.accepted {
            days.entry(purchase.day).or_default().push(purchase);
        }
        Self { suite, demo, days, registered: HashSet::new(), refused: Vec::new() }
    }

    /// Refuses to start against a suite that runs in real time or is past the first purchase.
    pub(super) async fn check_clock(&mut self) -> anyhow::Result<()> {
        let clock = self.suite.clock.get_time(GetTimeRequest {}).await?.into_inner();
        let first = self.days.keys().next().context("no purchases")?;
        if !clock.simulated {
            bail!(
                "this suite runs in real time. Start one for the demo: \
                 perennial serve all --data /tmp/demo --clock simulated={first}T00:00:00Z"
            );
        }
        let now = clock.time.map_or(0, |time| time.seconds);
        if now > shopping(*first).timestamp() {
            bail!(
                "the suite's clock is already past the first purchase ({first}); start a fresh one"
            );
        }
        Ok(())
    }

    /// Replays everything. Returns the users graded severe at the end of the graded day.
    pub(super) async fn run(&mut self) -> anyhow::Result<BTreeSet<String>> {
        let bar = progress(self.demo.purchases.accepted.len());
        let mut severe = BTreeSet::new();
        // Where there is no terminal for a bar, a line for each tenth.
        let mut tenths = 0;
        let (Some(first), Some(last)) =
            (self.days.keys().next().copied(), self.days.keys().next_back().copied())
        else {
            return Ok(severe);
        };
        for day in first.iter_days().take_while(|day| *day <= last) {
            bar.set_message(day.format("%e %b %Y").to_string());
            let tenth = bar.position() * 10 / bar.length().unwrap_or(1).max(1);
            if bar.is_hidden() && tenth > tenths {
                tenths = tenth;
                println!("{day}: {tenth}0 % of the purchases");
            }
            self.advance(shopping(day)).await?;
            let purchases = self.days.remove(&day).unwrap_or_default();
            self.register(&purchases).await?;
            self.track(&purchases).await?;
            bar.inc(purchases.len() as u64);
            if day == self.demo.graded {
                self.advance(end_of(day)).await?;
                severe = self.severe().await?;
            }
        }
        self.advance(end_of(last)).await?;
        bar.finish_and_clear();
        Ok(severe)
    }

    async fn advance(&mut self, to: DateTime<Utc>) -> anyhow::Result<()> {
        let request = AdvanceRequest {
            to: Some(to_proto(to)),
            step_seconds: STEP.num_seconds(),
            ..AdvanceRequest::default()
        };
        self.suite.clock.advance(request).await.with_context(|| format!("advancing to {to}"))?;
        Ok(())
    }

    /// Customers who buy for the first time.
    async fn register(&mut self, purchases: &[&'a Purchase]) -> anyhow::Result<()> {
        let new: Vec<&Purchase> = purchases
            .iter()
            .copied()
            .filter(|purchase| self.registered.insert(&purchase.customer))
            .collect();
        let client = &self.suite.profiles;
        futures::stream::iter(new)
            .map(|purchase| {
                let mut client = client.clone();
                let request = registration(purchase);
                async move { client.upsert_profile(request).await }
            })
            .buffer_unordered(CALLS)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
            .context("registering customers")
    }

    async fn track(&mut self, purchases: &[&Purchase]) -> anyhow::Result<()> {
        for batch in purchases.chunks(BATCH) {
            let activities = batch.iter().map(|purchase| self.activity(purchase)).collect();
            let request = TrackRequest { activities, request_id: String::new() };
            let answer = self.suite.activities.track(request).await?.into_inner();
            for (purchase, result) in batch.iter().zip(answer.results) {
                if result.verdict() == TrackVerdict::Refused {
                    let reason = format!("the suite answered {}", result.reason);
                    self.refused.push(Refused { line: purchase.line, reason });
                }
            }
        }
        Ok(())
    }

    fn activity(&self, purchase: &Purchase) -> Activity {
        Activity {
            user_id: user_id(&purchase.customer),
            kind: ActivityKind::Purchase.into(),
            occur_time: Some(to_proto(shopping(purchase.day))),
            source: self.demo.source.clone(),
            source_event_id: format!("line-{}", purchase.line),
            object: format!("order-{}", purchase.line),
            amount: Some(Money {
                currency: self.demo.currency.clone(),
                minor_units: purchase.cents,
            }),
            ..Activity::default()
        }
    }

    async fn severe(&mut self) -> anyhow::Result<BTreeSet<String>> {
        let mut users = BTreeSet::new();
        let mut page_token = String::new();
        loop {
            let request = ListChurnRisksRequest {
                grade: RiskGrade::Severe.into(),
                page_size: 500,
                page_token,
            };
            let page = self.suite.insights.list_churn_risks(request).await?.into_inner();
            users.extend(page.users.into_iter().map(|user| user.user_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(users);
            }
        }
    }
}

/// The suite's name for a customer of the file.
pub(super) fn user_id(customer: &str) -> String {
    format!("customer-{customer}")
}

fn registration(purchase: &Purchase) -> UpsertProfileRequest {
    let profile = Profile {
        user_id: user_id(&purchase.customer),
        display_name: format!("Customer {}", purchase.customer),
        email: format!("customer-{}@example.com", purchase.customer.replace('@', ".")),
        locale: "en".into(),
        time_zone: ZONE.into(),
        industry: "music-retail".into(),
        register_time: Some(to_proto(shopping(purchase.day))),
        ..Profile::default()
    };
    UpsertProfileRequest { profile: Some(profile), ..UpsertProfileRequest::default() }
}

/// The file knows days only. 18:00 UTC is early afternoon where its customers live, so that the
/// suite, which moves from one such hour to the next, meets them outside their quiet hours.
fn shopping(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(18)
}

fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1)
}

fn progress(purchases: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:>11} [{bar:40}] {pos}/{len} purchases, {elapsed} (about {eta} to go)",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("=> ");
    ProgressBar::new(purchases as u64).with_style(style)
}
