//! The command line: what there is to say, and help that teaches by example.

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use perennial_platform::clock::Clock;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The back end of customer retention: who customers are and how close they are to leaving, what
/// they say, what they earn, and what they are told.
#[derive(Debug, Parser)]
#[command(name = "perennial", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  perennial serve                          all four services on 127.0.0.1, data under ./data
  perennial serve loyalty --config p.toml  one service, as in production
  perennial demo                           18 months of real purchases in a few minutes
  perennial token new --name crm --scopes 'identity.*,loyalty.points.read'
  perennial check                          are the books in order?
  perennial backup --to /backup/monday     copies of the SQLite files, while the suite runs
  perennial serve --print-config           every setting with its value

Settings come from defaults, then the file, then the environment:
  PERENNIAL__LOYALTY__DATABASE__URL=postgres://... sets [loyalty.database] url.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all services, or one of them.
    Serve(Serve),
    /// Bring the tables of all services, or of one, up to date; then exit.
    Migrate(Target),
    /// Make access tokens for calling back ends.
    #[command(subcommand)]
    Token(Token),
    /// Replay a file of purchases in simulated time and print what the suite makes of it.
    Demo(Demo),
    /// Check the invariants of the data on disk; exit code 1 when one is broken.
    Check(Check),
    /// Copy SQLite files, all at one moment, while the suite runs. (Postgres has pg_basebackup.)
    Backup(Backup),
    /// Ask a running service whether it serves; exit code 1 when it does not.
    Health(Health),
    /// Measure the hot paths beside plain baselines on the same databases.
    Bench(Bench),
    /// Run a service under a seed: real code on a real database, in simulated time, with faults,
    /// every answer held against a slow model; exit code 1 when one is wrong.
    Simulate(Simulate),
}

/// Which service a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names of the services")]
pub enum Service {
    All,
    Identity,
    Feedback,
    Loyalty,
    Notification,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Identity => "identity",
            Self::Feedback => "feedback",
            Self::Loyalty => "loyalty",
            Self::Notification => "notification",
        })
    }
}

impl Service {
    /// The service itself, or the four of them.
    pub fn each(self) -> Vec<Self> {
        match self {
            Self::All => {
                vec![Self::Identity, Self::Feedback, Self::Loyalty, Self::Notification]
            }
            one => vec![one],
        }
    }
}

/// A service and the settings to find its data.
#[derive(Debug, Args)]
pub struct Target {
    /// all, identity, feedback, loyalty or notification.
    #[arg(default_value_t = Service::All)]
    pub service: Service,
    /// Where the settings are.
    #[command(flatten)]
    pub settings: Settings,
}

/// Where the settings and the data are.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// TOML file with settings; see --print-config for what there is to set. May be given several
    /// times: later files win, so secrets can have one of their own.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Folder for SQLite files, mail and the key of this installation.
    #[arg(long, value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,
}

/// `perennial serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// What to serve, and with which settings.
    #[command(flatten)]
    pub target: Target,
    /// `simulated=<time>` starts the suite at that time; it stands still until it is moved with
    /// perennial.admin.v1.ClockService/Advance.
    #[arg(long, value_name = "CLOCK", default_value_t = ClockChoice::System)]
    pub clock: ClockChoice,
    /// Print every setting with its value, then exit.
    #[arg(long)]
    pub print_config: bool,
}

/// `perennial check`.
#[derive(Debug, Args)]
pub struct Check {
    /// What to check.
    #[command(flatten)]
    pub target: Target,
    /// The time to judge by; for the data of a simulated suite the time it stands at.
    #[arg(long, value_name = "CLOCK", default_value_t = ClockChoice::System)]
    pub clock: ClockChoice,
}

/// `perennial backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// What to copy. Copies of single services, taken one after another, stand at moments of their
    /// own and contradict each other.
    #[command(flatten)]
    pub target: Target,
    /// Folder for the copies; made if there is none, nothing in it is written over.
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
}

/// By which time the suite works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChoice {
    /// The machine's.
    System,
    /// A simulated one, starting here.
    Simulated(DateTime<Utc>),
}

impl ClockChoice {
    /// A clock that shows this time.
    pub fn clock(self) -> Clock {
        match self {
            Self::System => Clock::system(),
            Self::Simulated(start) => Clock::manual(start),
        }
    }
}

impl fmt::Display for ClockChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Simulated(start) => write!(f, "simulated={}", start.to_rfc3339()),
        }
    }
}

impl FromStr for ClockChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "system" {
            return Ok(Self::System);
        }
        text.strip_prefix("simulated=")
            .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
            .map(|time| Self::Simulated(time.to_utc()))
            .ok_or_else(|| "use system or simulated=1997-01-01T00:00:00Z".to_owned())
    }
}

/// `perennial token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token: the secret for the caller, and the lines for the settings, which hold only
    /// its hash.
    ///
    /// Callers that use grpcurl need the scope admin.reflection.read as well.
    New {
        /// Who will use it, as it appears in logs.
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas: loyalty.points.read, 'loyalty.*', '*'.
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<String>,
    },
}

/// `perennial demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Purchases, one a line: customer, customer's number, day (yyyymmdd), items, amount. Without
    /// it the sample that comes with the program.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Currency of the amounts.
    #[arg(long, default_value = "USD")]
    pub currency: String,
    /// Compare the churn grades of this day with what came afterwards; without it the day
    /// half-way through the file.
    #[arg(long, value_name = "DAY")]
    pub graded: Option<NaiveDate>,
    /// Use a running suite with a simulated clock instead of starting one: the host whose ports
    /// 50051 to 50054 are the four services.
    #[arg(long, value_name = "HOST")]
    pub target: Option<String>,
    /// Bearer token for a suite that asks for one.
    #[arg(long, requires = "target")]
    pub token: Option<String>,
}

/// `perennial health`.
#[derive(Debug, Args)]
pub struct Health {
    /// Where the service listens.
    #[arg(default_value = "http://127.0.0.1:50051")]
    pub address: String,
}

/// `perennial bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Entries of the ledger that is rebuilt, verified and judged anew, at a tenth of them and at
    /// all; 0: leave that out.
    #[arg(long, default_value_t = 1_000_000)]
    pub entries: u64,
    /// A Postgres server for throw-away databases (their names begin with perennial_bench_);
    /// without it only SQLite is measured.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// pgbench, the baseline on Postgres.
    #[arg(long, value_name = "PROGRAM", default_value = "pgbench")]
    pub pgbench: PathBuf,
}

/// `perennial simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// What to simulate.
    #[arg(value_enum)]
    pub service: Simulated,
    /// Decides everything: what callers do, when, and where faults fall. Without it a new one,
    /// which is printed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Steps at most; the first wrong answer ends the run. From 20,000 on, every refusal and every
    /// class of faults has to have occurred.
    #[arg(long, default_value_t = 20_000)]
    pub ops: u64,
    /// A Postgres server for a throw-away database (its name begins with perennial_simulate_);
    /// without it SQLite.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
}

/// What can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Simulated {
    /// The loyalty service.
    Loyalty,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn clocks_are_understood() {
        assert_eq!("system".parse(), Ok(ClockChoice::System));
        let clock: ClockChoice = "simulated=1997-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(clock.to_string(), "simulated=1997-01-01T00:00:00+00:00");
        assert!("simulated=1997".parse::<ClockChoice>().is_err());
    }
}
