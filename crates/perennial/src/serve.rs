//! `perennial serve`: one process, one server for each service that it runs.

use crate::cli::{self, Service};
use crate::config::Config;
use crate::welcome::Welcome;
use perennial_platform::clock::Clock;
use perennial_platform::config::to_toml;
use perennial_platform::host::Host;
use perennial_platform::process::Process;
use perennial_platform::{Result, telemetry};

/// Serves until told to stop, or prints the settings.
pub async fn run(options: &cli::Serve) -> anyhow::Result<()> {
    let config = Config::load(&options.target.settings)?;
    if options.print_config {
        print!("{}", to_toml(&config)?);
        return Ok(());
    }
    let telemetry = telemetry::start(&config.telemetry)?;
    let clock = options.clock.clock();
    let outcome = serve(&config, &options.target.service.each(), clock).await;
    telemetry.shutdown().await;
    Ok(outcome?)
}

async fn serve(config: &Config, services: &[Service], clock: Clock) -> Result<()> {
    let process = Process::new(&config.platform(services)?, clock.clone())?;
    let mut hosts = Vec::new();
    for service in services {
        hosts.push(mount(*service, config, &process).await?);
    }
    println!("{}", Welcome { config, services, clock: &clock });
    process.run(hosts).await
}

/// Puts one service together.
async fn mount(service: Service, config: &Config, process: &Process) -> Result<Host> {
    let host = |name| Host::new(process, name, config.listen(service));
    match service {
        Service::Identity | Service::All => {
            let mut host = host("identity")?;
            perennial_identity::mount(config.identity.clone(), &mut host).await?;
            Ok(host)
        }
        Service::Feedback => {
            let mut host = host("feedback")?;
            perennial_feedback::mount(config.feedback.clone(), &mut host).await?;
            Ok(host)
        }
        Service::Loyalty => {
            let mut host = host("loyalty")?;
            perennial_loyalty::mount(config.loyalty.clone(), &mut host).await?;
            Ok(host)
        }
        Service::Notification => {
            let mut host = host("notification")?;
            perennial_notification::mount(config.notification.clone(), &mut host).await?;
            Ok(host)
        }
    }
}
