//! What takes the whole ledger: rebuilding and verifying it, and judging it anew by other rules.
//! Measured at a tenth of the entries and at all of them, to see how both grow.

use super::{baseline, cpu, earning};
use crate::client::{self, Suite};
use crate::own_suite::OwnSuite;
use anyhow::{Context as _, bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use perennial_proto::loyalty::v1::rule_service_client::RuleServiceClient;
use perennial_proto::loyalty::v1::{DryRunRulesRequest, EarnBatchRequest, GetRulesRequest};
use prost_types::value::Kind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tonic::Status;

/// Earnings in a call.
const BATCH: u64 = 1_000;
/// Calls at once.
const AT_ONCE: usize = 4;

/// Fills the ledger of a suite and measures.
pub(super) async fn run(own: &OwnSuite, folder: &Path, entries: u64) -> anyhow::Result<()> {
    let suite = client::connect(&own.addresses(), None).await?;
    println!(
        "\n{:<52} {:>9} {:>10} {:>16}",
        "The whole ledger, SQLite", "entries", "s", "entries/CPU-s"
    );
    let mut there = 0;
    for size in [entries / 10, entries] {
        let (time, cpu) = on(own, fill(&suite, there / BATCH, size / BATCH)).await?;
        row("EarnBatch, 1,000 a call, 4 calls at once", size - there, time, cpu);
        there = size;
        let (time, cpu) = verify(folder)?;
        row("rebuild and verify (perennial check loyalty)", size, time, cpu);
        let (time, cpu) = on(own, dry_run(own)).await?;
        row("dry run of a rule change", size, time, cpu);
    }
    Ok(())
}

fn row(name: &str, entries: u64, time: Duration, cpu: Option<Duration>) {
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 entries")]
    let rate = cpu.map(|cpu| entries as f64 / cpu.as_secs_f64().max(0.01));
    let rate = rate.map_or("?".to_owned(), |rate| format!("{rate:.0}"));
    println!("  {name:<50} {entries:>9} {:>10.2} {rate:>16}", time.as_secs_f64());
}

/// Time, and processor time of the suite, that something takes.
async fn on(
    own: &OwnSuite,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<(Duration, Option<Duration>)> {
    let (start, before) = (Instant::now(), cpu::of(own.process()));
    work.await?;
    let spent =
        cpu::of(own.process()).zip(before).map(|(after, before)| after.saturating_sub(before));
    Ok((start.elapsed(), spent))
}

async fn fill(suite: &Suite, from: u64, to: u64) -> anyhow::Result<()> {
    let calls = (from..to).map(|call| async move {
        let request = |n| earning("scale", n, n % baseline::ACCOUNTS);
        let requests = (call * BATCH..(call + 1) * BATCH).map(request).collect();
        suite.points.clone().earn_batch(EarnBatchRequest { requests }).await.map(drop)
    });
    let calls = futures::stream::iter(calls).buffer_unordered(AT_ONCE);
    calls.try_for_each(|()| std::future::ready(Ok::<_, Status>(()))).await?;
    Ok(())
}

/// The operator's check, as a process of its own beside the running suite.
fn verify(folder: &Path) -> anyhow::Result<(Duration, Option<Duration>)> {
    let (start, before) = (Instant::now(), cpu::of_ended_children());
    let status = Command::new(std::env::current_exe()?)
        .args(["check", "loyalty", "--config"])
        .arg(folder.join("perennial.toml"))
        .arg("--data")
        .arg(folder)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "the ledger is not in order");
    let spent =
        cpu::of_ended_children().zip(before).map(|(after, before)| after.saturating_sub(before));
    Ok((start.elapsed(), spent))
}

/// Fewer points for a check-in: nobody of these has any, but everybody is judged.
async fn dry_run(own: &OwnSuite) -> anyhow::Result<()> {
    let mut rules = RuleServiceClient::new(client::caller(&own.addresses().loyalty, None).await?);
    let recorded = rules.get_rules(GetRulesRequest::default()).await?.into_inner();
    let mut document =
        recorded.rules.and_then(|rules| rules.document).context("rules without a document")?;
    let mut set = |name: &str, kind| {
        document.fields.insert(name.to_owned(), prost_types::Value { kind: Some(kind) })
    };
    set("version", Kind::StringValue("bench".to_owned()));
    if set("check_in_points", Kind::NumberValue(1.0)).is_none() {
        bail!("the rules have no check_in_points");
    }
    let request = DryRunRulesRequest { rules: Some(document), ..Default::default() };
    let found = rules.dry_run_rules(request).await?.into_inner().dry_run;
    ensure!(found.is_some_and(|found| found.members > 0), "a dry run over nobody");
    Ok(())
}
