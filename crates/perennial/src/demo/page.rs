//! The page of figures, for a reader who has never seen the suite.

use super::Demo;
use super::figures::{Figures, Outlook};
use super::purchases::Refused;
use perennial_proto::identity::v1::RfmScores;
use std::collections::{BTreeMap, HashSet};
use std::fmt::{Display, Formatter, Result};

/// What is about to happen.
pub(super) struct Opening<'a>(pub(super) &'a Demo);

impl Display for Opening<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let purchases = &self.0.purchases;
        let customers: HashSet<&str> =
            purchases.accepted.iter().map(|purchase| purchase.customer.as_str()).collect();
        let (first, last) = purchases.span().unwrap_or_default();
        write!(
            f,
            "Replaying {} purchases of {} customers, {first} to {last}, through the gRPC API.",
            purchases.accepted.len(),
            customers.len(),
        )
    }
}

/// Lines of the file that were not replayed.
pub(super) struct Refusals<'a>(pub(super) &'a [Refused]);

/// Refused lines that are shown one by one.
const SHOWN: usize = 20;

impl Display for Refusals<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for Refused { line, reason } in self.0.iter().take(SHOWN) {
            writeln!(f, "line {line} was refused: {reason}")?;
        }
        if self.0.len() > SHOWN {
            writeln!(f, "... and {} more", self.0.len() - SHOWN)?;
        }
        write!(f, "Lines refused: {}", self.0.len())
    }
}

/// Everything the suite found.
pub(super) struct Page<'a> {
    pub(super) demo: &'a Demo,
    pub(super) figures: &'a Figures,
    pub(super) outlook: &'a Outlook,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (_, end) = self.demo.purchases.span().unwrap_or_default();
        writeln!(f, "\nWhat the suite knows at the end of {end}\n")?;
        customers(f, self.figures)?;
        rfm(f, self.figures)?;
        points(f, self.figures)?;
        messages(f, self.figures)?;
        let graded = self.demo.graded;
        writeln!(f, "Did the churn grades of {graded} tell the future?")?;
        for (name, group) in [("severe", self.outlook.severe), ("all others", self.outlook.others)]
        {
            writeln!(
                f,
                "  graded {name:<11} {:>6} customers, {:>6} never bought again by {end}: {:>5.1} %",
                group.customers,
                group.gone,
                group.percent()
            )?;
        }
        Ok(())
    }
}

fn customers(f: &mut Formatter<'_>, figures: &Figures) -> Result {
    let metrics = &figures.metrics;
    total(f, "Customers", figures.segments.users)?;
    for count in &figures.segments.counts {
        row(f, &format!("segment {}", count.segment), count.members)?;
    }
    for count in &metrics.grades {
        row(
            f,
            &format!("churn grade {}", word(count.grade().as_str_name(), "RISK_GRADE_")),
            count.users,
        )?;
    }
    for count in &metrics.stages {
        row(
            f,
            &format!("stage {}", word(count.stage().as_str_name(), "JOURNEY_STAGE_")),
            count.users,
        )?;
    }
    row(f, "bought at least twice", metrics.repeat_buyers)?;
    for retention in &metrics.retention {
        let (whole, tenth) = (retention.per_mille / 10, retention.per_mille % 10);
        let name = format!("came back on day {}", retention.day);
        writeln!(f, "  {name:<54} {whole:>8}.{tenth} %")?;
    }
    writeln!(f)
}

/// Buyers by recency and frequency; the monetary score is summed over.
fn rfm(f: &mut Formatter<'_>, figures: &Figures) -> Result {
    let mut cells: BTreeMap<(i32, i32), i64> = BTreeMap::new();
    for cell in &figures.rfm.cells {
        let scores = cell.scores.unwrap_or(RfmScores { recency: 0, frequency: 0, monetary: 0 });
        *cells.entry((scores.recency, scores.frequency)).or_default() += cell.buyers;
    }
    let buyers = figures.rfm.buyers;
    writeln!(f, "RFM: the {buyers} buyers of the last 365 days by score, 5 is best")?;
    writeln!(f, "  {:<14}{}", "frequency", five(1..=5))?;
    for recency in (1..=5).rev() {
        let row = (1..=5).map(|frequency| cells.get(&(recency, frequency)).copied().unwrap_or(0));
        writeln!(f, "  recency {recency:<6}{}", five(row))?;
    }
    writeln!(f, "  {:<14}{}\n", "monetary", five(figures.rfm.buyers_by_monetary.iter().copied()))
}

fn five(numbers: impl Iterator<Item = i64>) -> String {
    numbers.map(|number| format!("{number:>8}")).collect::<Vec<_>>().concat()
}

fn points(f: &mut Formatter<'_>, figures: &Figures) -> Result {
    let liability = &figures.liability;
    total(f, "Points issued", liability.issued)?;
    row(f, "outstanding", liability.outstanding)?;
    row(f, "redeemed", liability.redeemed)?;
    row(f, "expired", liability.expired)?;
    for count in &figures.tiers.tiers {
        row(
            f,
            &format!("members of tier {}", word(count.tier().as_str_name(), "TIER_")),
            count.members,
        )?;
    }
    writeln!(f)
}

fn messages(f: &mut Formatter<'_>, figures: &Figures) -> Result {
    let report = &figures.messages;
    total(f, "Messages", report.total_count)?;
    row(f, "sent", report.sent_count)?;
    row(f, "held back at least once", report.ever_held_count)?;
    row(f, "dropped", report.dropped_count)?;
    let mut outcomes: BTreeMap<String, i64> = BTreeMap::new();
    for outcome in &report.outcomes {
        let why = match (outcome.reason.as_str(), outcome.held_for.as_str()) {
            ("", "") => String::new(),
            ("", held_for) => format!(" after being held ({})", word(held_for, "")),
            (reason, _) => format!(" ({})", word(reason, "")),
        };
        let name = format!(
            "{}, {}: {}{why}",
            outcome.template,
            word(outcome.channel().as_str_name(), "DELIVERY_CHANNEL_"),
            word(outcome.state().as_str_name(), "NOTIFICATION_STATE_"),
        );
        *outcomes.entry(name).or_default() += outcome.count;
    }
    for (name, count) in outcomes {
        row(f, &name, count)?;
    }
    writeln!(f)
}

fn total(f: &mut Formatter<'_>, name: &str, count: i64) -> Result {
    writeln!(f, "{name:<60} {count:>8}")
}

fn row(f: &mut Formatter<'_>, name: &str, count: i64) -> Result {
    writeln!(f, "  {name:<58} {count:>8}")
}

/// "RISK_GRADE_SEVERE" without its prefix: "severe".
fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}
