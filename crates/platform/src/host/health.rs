//! Health as gRPC clients and probes ask for it (grpc.health.v1), per service and overall.
//!
//! tonic's reporter says SERVING for "" from its first instant and leaves it so when a service
//! stops; here "" and every service go together: NOT_SERVING until everything needed answers,
//! again while it does not, and for good from the first moment of a shutdown.

use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Time for a check to say that all is well.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between checks while all is well ...
const WHILE_WELL: Duration = Duration::from_secs(5);
/// ... and while something is missing.
const WHILE_ILL: Duration = Duration::from_millis(200);

/// The name under which the process is healthy as long as it can answer at all, for liveness
/// probes; "" is for readiness.
const LIVENESS: &str = "liveness";

/// Tells whether something that the service needs is there.
pub(super) type Check = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// The health of one host.
pub(super) struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    checks: Vec<Check>,
}

impl Health {
    /// NOT_SERVING for "" and every service in `names`.
    pub(super) async fn new(
        reporter: HealthReporter,
        names: Vec<&'static str>,
        checks: Vec<Check>,
    ) -> Self {
        let health = Self { reporter, names, checks };
        // Alive is not ready: a process whose database is away must not be restarted for it.
        health.reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
        health.set(ServingStatus::NotServing).await;
        health
    }

    /// Checks and tells, again and again, until `stop`; ends as NOT_SERVING.
    pub(super) async fn watch(self, stop: CancellationToken) {
        let mut told = false;
        loop {
            let well = tokio::select! {
                () = stop.cancelled() => break,
                well = self.is_well() => well,
            };
            if well != told {
                self.set(if well { ServingStatus::Serving } else { ServingStatus::NotServing })
                    .await;
                if well {
                    tracing::info!("serving");
                } else {
                    tracing::warn!("not serving: a part that is needed does not answer");
                }
                told = well;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(if well { WHILE_WELL } else { WHILE_ILL }) => {}
            }
        }
        self.set(ServingStatus::NotServing).await;
    }

    async fn is_well(&self) -> bool {
        let checks = self.checks.iter().map(|check| tokio::time::timeout(PATIENCE, check()));
        join_all(checks).await.into_iter().all(|outcome| outcome == Ok(true))
    }

    async fn set(&self, status: ServingStatus) {
        for name in std::iter::once("").chain(self.names.iter().copied()) {
            self.reporter.set_service_status(name, status).await;
        }
    }
}
