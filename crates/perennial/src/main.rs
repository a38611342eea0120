//! `perennial`: see `perennial --help`.

use clap::Parser as _;
use perennial::cli::{Cli, Command};
use perennial::{backup, bench, data, demo, health, serve, simulate, token};
use std::process::ExitCode;

/// Calls allocate much and for a short time, on threads that free what others allocated. The
/// allocator replaces that of the C library as well, so that SQLite uses it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("perennial: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(options) => serve::run(&options).await?,
        Command::Migrate(target) => data::migrate(&target).await?,
        Command::Token(command) => token::run(command)?,
        Command::Demo(options) => demo::run(&options).await?,
        Command::Check(options) => return data::check(&options).await,
        Command::Backup(options) => backup::run(&options).await?,
        Command::Health(options) => return health::run(&options).await,
        Command::Bench(options) => bench::run(&options).await?,
        Command::Simulate(options) => return simulate::run(&options).await,
    }
    Ok(ExitCode::SUCCESS)
}
