//! `perennial bench`: the hot paths over gRPC beside plain baselines of the same work on the same
//! database in the same run. Absolute rates say much about the machine; the ratios do not.

mod baseline;
mod cpu;
mod echo;
mod load;
mod raw;
mod rows;
mod scale;

use crate::cli::{self, ClockChoice};
use crate::client::{self, Suite};
use crate::own_suite::OwnSuite;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use load::{CALLERS, Measured, measure, paced};
use perennial_platform::clock::Clock;
use perennial_platform::time::to_proto;
use perennial_proto::admin::v1::GetTimeRequest;
use perennial_proto::admin::v1::clock_service_client::ClockServiceClient;
use perennial_proto::identity::v1::{Activity, ActivityKind, TrackRequest};
use perennial_proto::loyalty::v1::{EarnBatchRequest, EarnRequest, GetBalanceRequest};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use std::time::Duration;
use tempfile::TempDir;
use tonic::{Code, Status};

/// More than one suite may be held up by; the bench asks for as much as it can get.
const SETTINGS: &str = "[telemetry]\nlog_filter = \"warn\"\n";

/// Measures and prints.
pub async fn run(options: &cli::Bench) -> anyhow::Result<()> {
    let time = Duration::from_secs(options.seconds);
    println!("{CALLERS} callers, {} s a row, {} accounts\n", options.seconds, baseline::ACCOUNTS);
    heading("A call");
    let echo = bare_echo(time).await?;
    plain("bare tonic echo", echo.rate);
    heading("SQLite");
    let folder = TempDir::new()?;
    let base = baseline::sqlite(folder.path(), time).await?;
    plain("row by row, 4 statements a transaction", base);
    let suite = OwnSuite::start(folder.path(), ClockChoice::System, SETTINGS).await?;
    let Earned { singly, .. } = writes(&suite, None, base, echo, time).await?;
    drop(suite);
    let rows = rows::sqlite(folder.path(), time).await?;
    heading("SQLite, the rows of an earning");
    plain("row by row, 5 statements a transaction", rows);
    println!("  {:<50} {singly:>9.0} {:>10.2}", "Earn, many accounts", singly / rows);
    if options.entries > 0 {
        let folder = TempDir::new()?;
        let suite = OwnSuite::start(folder.path(), ClockChoice::System, SETTINGS).await?;
        scale::run(&suite, folder.path(), options.entries).await?;
    }
    if let Some(server) = &options.postgres {
        postgres(options, server, echo, time).await
    } else {
        println!("\nPostgres was not measured: name a server with --postgres");
        Ok(())
    }
}

async fn postgres(
    options: &cli::Bench,
    server: &str,
    echo: Measured,
    time: Duration,
) -> anyhow::Result<()> {
    heading("Postgres");
    let folder = TempDir::new()?;
    let databases = Databases::create(server).await?;
    let url = databases.url("baseline");
    let base = baseline::postgres(&options.pgbench, &url, folder.path(), time).await?;
    plain("pgbench, 32 clients, 4 statements a transaction", base);
    let raw = raw::postgres(&url, folder.path(), time).await?;
    println!(
        "  {:<50} {raw:>9.0} {:>10.2}",
        "bare sqlx, one writer, 1,024 a transaction",
        raw / base
    );
    let settings = format!("{SETTINGS}{}", databases.settings());
    let suite = OwnSuite::start(folder.path(), ClockChoice::System, &settings).await;
    let measured = match &suite {
        Ok(suite) => writes(suite, Some(&databases), base, echo, time).await,
        Err(_) => Ok(Earned::default()),
    };
    drop(suite?);
    let loyalty = databases.url("loyalty");
    let rows = rows::postgres(&options.pgbench, &loyalty, folder.path(), time).await;
    databases.drop_all().await?;
    let (Earned { singly, batched }, rows) = (measured?, rows?);
    println!("  {:<50} {:>9.2} x of bare sqlx", "EarnBatch, 256 a call", batched / raw);
    heading("Postgres, the rows of an earning");
    plain("pgbench, 32 clients, 5 statements a transaction", rows.singly);
    println!("  {:<50} {singly:>9.0} {:>10.2}", "Earn, many accounts", singly / rows.singly);
    plain("bare sqlx, one writer, 1,024 a transaction", rows.together);
    println!("  {:<50} {batched:>9.0} {:>10.2}", "EarnBatch, 256 a call", batched / rows.together);
    Ok(())
}

/// Earnings a second.
#[derive(Debug, Default)]
struct Earned {
    /// One a call, many accounts.
    singly: f64,
    /// By EarnBatch.
    batched: f64,
}

/// All rows of one engine.
async fn writes(
    own: &OwnSuite,
    databases: Option<&Databases>,
    base: f64,
    echo: Measured,
    time: Duration,
) -> anyhow::Result<Earned> {
    let suite = client::connect(&own.addresses(), None).await?;
    let now = Clock::system().now();
    open_accounts(&suite).await?;
    if let Some(databases) = databases {
        databases.analyze().await?;
    }
    let of_echo = |measured: Measured| {
        println!("  {:<50} {:>9.2} x of the echo", "", measured.rate / echo.rate);
    };
    let balance = measure(time, async |n| balance(&suite, n).await).await?;
    beside("GetBalance", balance, base);
    of_echo(balance);
    let many =
        measure(time, async |n| earn(&suite, "many", n, n % baseline::ACCOUNTS).await).await?;
    beside("Earn, many accounts", many, base);
    of_echo(many);
    let half = many.rate / 2.0;
    let easy = paced(half, time, async |n| earn(&suite, "half", n, n % baseline::ACCOUNTS).await);
    beside("Earn at half that rate, from when each was due", easy.await?, base);
    let hot = measure(time, async |n| earn(&suite, "hot", n, 0).await).await?;
    beside("Earn, one hot account", hot, base);
    println!("  {:<50} {:>9.2} x of many accounts", "", hot.rate / many.rate);
    let batches = measure(time, async |n| earn_batch(&suite, n).await).await?;
    let batched = batches.rate * f64::from(PER_BATCH);
    println!("  {:<50} {batched:>9.0} {:>10.2}", "EarnBatch, 256 a call", batched / base);
    let tracked = measure(time, async |n| track(&suite, now, n).await).await?;
    beside("Track, one activity a call", tracked, base);
    Ok(Earned { singly: many.rate, batched })
}

/// Gives every account its first points: the baseline's accounts stand there as well.
async fn open_accounts(suite: &Suite) -> Result<(), Status> {
    futures::stream::iter(0..baseline::ACCOUNTS)
        .map(|account| earn(suite, "open", account, account))
        .buffer_unordered(usize::try_from(CALLERS).unwrap_or(usize::MAX))
        .try_for_each(|()| std::future::ready(Ok(())))
        .await
}

async fn bare_echo(time: Duration) -> anyhow::Result<Measured> {
    let (address, serving) = echo::serve().await?;
    let caller = async {
        let caller = client::caller(&format!("http://{address}"), None).await?;
        let echo = ClockServiceClient::new(caller);
        let measured =
            measure(time, async |_| echo.clone().get_time(GetTimeRequest {}).await.map(drop));
        Ok::<_, anyhow::Error>(measured.await?)
    };
    tokio::select! {
        measured = caller => measured,
        () = serving => anyhow::bail!("the echo server ended"),
    }
}

async fn balance(suite: &Suite, n: u64) -> Result<(), Status> {
    let user_id = user(n % baseline::ACCOUNTS);
    suite.points.clone().get_balance(GetBalanceRequest { user_id }).await.map(drop)
}

/// Earnings in a call of [`earn_batch`].
const PER_BATCH: u32 = 256;

async fn earn_batch(suite: &Suite, n: u64) -> Result<(), Status> {
    let first = n * u64::from(PER_BATCH);
    let request = |n| earning("batch", n, n % baseline::ACCOUNTS);
    let requests = (first..first + u64::from(PER_BATCH)).map(request).collect();
    admitted(suite.points.clone().earn_batch(EarnBatchRequest { requests }).await)
}

fn earning(run: &str, n: u64, account: u64) -> EarnRequest {
    EarnRequest {
        request_id: format!("{run}-{n}"),
        user_id: user(account),
        points: 1,
        reason: "bench".into(),
        ..EarnRequest::default()
    }
}

async fn earn(suite: &Suite, run: &str, n: u64, account: u64) -> Result<(), Status> {
    admitted(suite.points.clone().earn(earning(run, n, account)).await)
}

async fn track(suite: &Suite, now: DateTime<Utc>, n: u64) -> Result<(), Status> {
    let activity = Activity {
        user_id: user(n % baseline::ACCOUNTS),
        kind: ActivityKind::Login.into(),
        occur_time: Some(to_proto(now)),
        source: "bench".into(),
        source_event_id: format!("track-{n}"),
        ..Activity::default()
    };
    let request = TrackRequest { activities: vec![activity], request_id: format!("track-{n}") };
    admitted(suite.activities.clone().track(request).await)
}

fn user(account: u64) -> String {
    format!("member-{account}")
}

/// A failed call ends the bench: a rate of refusals would look like speed.
fn admitted<T>(answer: Result<tonic::Response<T>, Status>) -> Result<(), Status> {
    answer.map(drop).map_err(|status| match status.code() {
        Code::ResourceExhausted => {
            Status::resource_exhausted(format!("the suite sheds load: {}", status.message()))
        }
        _ => status,
    })
}

fn heading(engine: &str) {
    println!("\n{engine:<52} {:>9} {:>10} {:>10} {:>10}", "calls/s", "ratio", "median", "p99");
}

fn plain(name: &str, rate: f64) {
    println!("  {name:<50} {rate:>9.0} {:>10}", "1.00");
}

fn beside(name: &str, measured: Measured, base: f64) {
    println!(
        "  {name:<50} {:>9.0} {:>10.2} {:>7.2} ms {:>7.2} ms",
        measured.rate,
        measured.rate / base,
        measured.median.as_secs_f64() * 1e3,
        measured.p99.as_secs_f64() * 1e3,
    );
}

/// Throw-away databases on somebody's server.
struct Databases {
    admin: DatabaseConnection,
    server: String,
    prefix: String,
}

impl Databases {
    const NAMES: [&str; 5] = ["baseline", "identity", "feedback", "loyalty", "notification"];

    async fn create(server: &str) -> anyhow::Result<Self> {
        let mut options = ConnectOptions::new(server);
        options.max_connections(1).sqlx_logging(false);
        let admin = Database::connect(options).await?;
        let prefix = format!("perennial_bench_{}", std::process::id());
        let base = server.rsplit_once('/').map_or(server, |(address, _)| address).to_owned();
        for name in Self::NAMES {
            admin.execute_unprepared(&format!("CREATE DATABASE {prefix}_{name}")).await?;
        }
        Ok(Self { admin, server: base, prefix })
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}_{name}", self.server, self.prefix)
    }

    fn settings(&self) -> String {
        let section = |name: &&str| format!("[{name}.database]\nurl = {:?}\n", self.url(name));
        Self::NAMES.iter().skip(1).map(section).collect::<Vec<_>>().concat()
    }

    /// What autovacuum does once a minute, and these databases are younger: until then plans are those
    /// for empty tables, and a member is looked for by reading all of them.
    async fn analyze(&self) -> Result<(), sea_orm::DbErr> {
        for name in Self::NAMES {
            let database = Database::connect(self.url(name)).await?;
            database.execute_unprepared("ANALYZE").await?;
            database.close().await?;
        }
        Ok(())
    }

    async fn drop_all(self) -> anyhow::Result<()> {
        for name in Self::NAMES {
            let statement = format!("DROP DATABASE {}_{name} WITH (FORCE)", self.prefix);
            self.admin.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
