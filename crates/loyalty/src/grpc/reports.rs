//! ReportService.

use super::convert::Faults;
use crate::app::App;
use crate::app::reports::Breakdown;
use crate::domain::{Tier, Time, liability};
use perennial_platform::{Error, Result as Outcome, time};
use perennial_proto::loyalty::v1::report_service_server::ReportService;
use perennial_proto::loyalty::v1::{
    Breakage, Cohort, CountTiersRequest, CountTiersResponse, GetLiabilityBreakdownRequest,
    GetLiabilityBreakdownResponse, GetLiabilityRequest, GetLiabilityResponse,
    GetRevenueScheduleRequest, GetRevenueScheduleResponse, MonthLiability, RevenueLine,
    SourceLiability, TierCount, TierLiability,
};
use perennial_proto::types::v1::Money;
use prost_types::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{Request, Response, Status};

/// Figures over the whole programme.
pub(crate) struct Reports {
    app: App,
    /// Reports that read the whole ledger are made one at a time.
    making: Semaphore,
}

impl Reports {
    pub(crate) fn new(app: App) -> Self {
        Self { app, making: Semaphore::new(1) }
    }

    fn begin(&self) -> Outcome<SemaphorePermit<'_>> {
        let busy = |_| Error::exhausted("REPORT_BUSY", "another report is being made");
        self.making.try_acquire().map_err(busy)
    }
}

fn instant(field: &str, at: Option<&Timestamp>) -> Outcome<Option<Time>> {
    at.map(|at| time::from_proto(field, at)).transpose()
}

/// What a schedule is computed from.
enum Asked {
    Numbers(Vec<(i64, i64)>),
    Ends(Vec<Time>),
}

fn periods(app: &App, request: &GetRevenueScheduleRequest) -> Outcome<Asked> {
    let (mut numbers, mut ends) = (Vec::new(), Vec::new());
    let mut faults = Faults::default();
    let allocated = request.allocated.as_ref().map_or(0, |money| money.minor_units);
    faults.require(allocated >= 0, "allocated.minor_units", "is negative");
    for (n, period) in request.periods.iter().enumerate() {
        let field = |name: &str| format!("periods[{n}].{name}");
        if let Some(end) = instant(&field("end_time"), period.end_time.as_ref())? {
            let follows = ends.last().is_none_or(|before| end > *before);
            faults.require(follows, &field("end_time"), "does not follow the one before");
            faults.require(end <= app.now(), &field("end_time"), "lies in the future");
            ends.push(end);
        } else {
            let (redeemed, expected) = (period.redeemed_total, period.expected_total);
            let fits = redeemed <= expected;
            faults.require(fits, &field("expected_total"), "is less than redeemed_total");
            numbers.push((redeemed, expected));
        }
    }
    let alike = numbers.is_empty() || ends.is_empty();
    faults.require(alike, "periods", "are given by numbers or by instants, all in the same way");
    faults.end()?;
    Ok(if ends.is_empty() { Asked::Numbers(numbers) } else { Asked::Ends(ends) })
}

/// Sources listed apart, and cohorts listed.
const MOST_SOURCES: usize = 200;
const MOST_COHORTS: usize = 120;

fn breakdown(found: Breakdown) -> GetLiabilityBreakdownResponse {
    let owed = found.owed;
    let months = owed.months.into_iter().map(|(month, points)| MonthLiability {
        month: month.map(name).unwrap_or_default(),
        points: whole(points),
    });
    let tier = |tier: Tier| {
        let (points, members) = owed.tiers.get(&tier).copied().unwrap_or_default();
        TierLiability { tier: i32::from(tier.number()), points: whole(points), members }
    };
    let others: i128 = owed.sources.iter().skip(MOST_SOURCES).map(|(_, points)| points).sum();
    let line = |((rule, source), points): (liability::Source, i128)| SourceLiability {
        rule,
        source,
        points: whole(points),
    };
    let rest = (others > 0).then(|| line(((String::new(), "(others)".to_owned()), others)));
    let sources = owed.sources.into_iter().take(MOST_SOURCES).map(line);
    let breakage = found.breakage.basis_points().map(|rate| {
        let cohorts = &found.breakage.cohorts;
        let skip = cohorts.len().saturating_sub(MOST_COHORTS);
        let cohorts = cohorts.iter().skip(skip).map(|(month, cohort)| Cohort {
            month: name(*month),
            points: whole(cohort.points),
            used: whole(cohort.used),
            expired: whole(cohort.expired),
            reversed: whole(cohort.reversed),
        });
        Breakage {
            basis_points: i32::try_from(rate).unwrap_or(10_000),
            expected_to_expire: whole(owed.dated * rate / 10_000),
            cohorts: cohorts.collect(),
        }
    });
    GetLiabilityBreakdownResponse {
        as_of: Some(time::to_proto(found.as_of)),
        outstanding: whole(owed.outstanding),
        by_expiry_month: months.collect(),
        by_tier: Tier::ALL.into_iter().map(tier).collect(),
        by_source: sources.chain(rest).collect(),
        breakage,
        entries: found.entries,
    }
}

/// "2026-03".
fn name((year, month): liability::Month) -> String {
    format!("{year:04}-{month:02}")
}

/// What does not fit is told as the largest number.
fn whole(points: i128) -> i64 {
    i64::try_from(points).unwrap_or(i64::MAX)
}

#[tonic::async_trait]
impl ReportService for Reports {
    async fn get_liability(
        &self,
        request: Request<GetLiabilityRequest>,
    ) -> Result<Response<GetLiabilityResponse>, Status> {
        let owed = self.app.liability(instant("as_of", request.get_ref().as_of.as_ref())?).await?;
        Ok(Response::new(GetLiabilityResponse {
            issued: owed.sums.issued,
            redeemed: owed.sums.redeemed,
            expired: owed.sums.expired,
            reversed: owed.sums.reversed,
            outstanding: owed.sums.available,
            pending: owed.sums.escrow,
            debt: owed.sums.debt,
            held: owed.sums.held,
            overdue: owed.overdue,
            members: i64::try_from(owed.members).unwrap_or(i64::MAX),
            entries: owed.entries,
            as_of: Some(time::to_proto(owed.now)),
        }))
    }

    async fn get_liability_breakdown(
        &self,
        request: Request<GetLiabilityBreakdownRequest>,
    ) -> Result<Response<GetLiabilityBreakdownResponse>, Status> {
        let as_of = instant("as_of", request.get_ref().as_of.as_ref())?;
        let _one_at_a_time = self.begin()?;
        Ok(Response::new(breakdown(self.app.breakdown(as_of).await?)))
    }

    async fn get_revenue_schedule(
        &self,
        request: Request<GetRevenueScheduleRequest>,
    ) -> Result<Response<GetRevenueScheduleResponse>, Status> {
        let request = request.into_inner();
        let allocated = request.allocated.clone().unwrap_or_default();
        let asked = periods(&self.app, &request)?;
        let numbers = match asked {
            Asked::Numbers(numbers) => numbers,
            Asked::Ends(ends) => {
                let from = instant("earned_from", request.earned_from.as_ref())?;
                let before = instant("earned_before", request.earned_before.as_ref())?;
                let _one_at_a_time = self.begin()?;
                self.app.redeemed_by(&ends, from, before).await?
            }
        };
        let lines = liability::schedule(allocated.minor_units, &numbers);
        let money = |minor_units| Some(Money { currency: allocated.currency.clone(), minor_units });
        let lines = lines.iter().zip(&numbers).zip(&request.periods);
        let lines = lines.map(|((line, (redeemed, expected)), period)| RevenueLine {
            redeemed_total: *redeemed,
            expected_total: *expected,
            revenue: money(line.revenue),
            recognised: money(line.recognised),
            deferred: money(line.deferred),
            end_time: period.end_time,
        });
        Ok(Response::new(GetRevenueScheduleResponse { lines: lines.collect() }))
    }

    async fn count_tiers(
        &self,
        _request: Request<CountTiersRequest>,
    ) -> Result<Response<CountTiersResponse>, Status> {
        let counts = self.app.tier_counts().await?;
        let count =
            |(tier, members): (Tier, i64)| TierCount { tier: i32::from(tier.number()), members };
        Ok(Response::new(CountTiersResponse { tiers: counts.into_iter().map(count).collect() }))
    }
}
