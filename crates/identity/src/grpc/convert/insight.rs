//! Observations, scores and figures.

use super::from_money;
use crate::app::Metrics;
use crate::domain::money::{Currency, Money};
use crate::domain::observation::{Comparison, Observation, Quantity};
use crate::domain::rfm::{Buyer, Scores, Table};
use crate::domain::risk::SignalFinding;
use chrono::{DateTime, Utc};
use perennial_platform::{Error, Result, time};
use perennial_proto::identity::v1::{self as proto, quantity};

pub(crate) fn to_currency(told: &str, home: Currency) -> Result<Currency> {
    if told.is_empty() {
        return Ok(home);
    }
    told.parse().map_err(|bad| Error::invalid("currency", format!("{bad}")))
}

pub(crate) fn from_observations(observations: Vec<Observation>) -> Vec<proto::Observation> {
    observations.into_iter().map(from_observation).collect()
}

fn from_observation(observation: Observation) -> proto::Observation {
    let comparison = match observation.comparison {
        Comparison::AtLeast => proto::Comparison::AtLeast,
        Comparison::AtMost => proto::Comparison::AtMost,
    };
    proto::Observation {
        measure: observation.measure.to_owned(),
        observed: observation.observed.map(from_quantity),
        comparison: comparison.into(),
        threshold: observation.threshold.map(from_quantity),
        met: observation.met,
        basis: observation.basis,
    }
}

fn from_quantity(quantity: Quantity) -> proto::Quantity {
    let kind = match quantity {
        Quantity::Count(count) => quantity::Kind::Count(count),
        Quantity::Duration(duration) => quantity::Kind::Duration(time::duration_to_proto(duration)),
        Quantity::Money(money) => quantity::Kind::Money(from_money(money)),
        Quantity::Flag(flag) => quantity::Kind::Flag(flag),
        Quantity::PerMille(share) => quantity::Kind::PerMille(share),
    };
    proto::Quantity { kind: Some(kind) }
}

pub(crate) fn from_signal(finding: SignalFinding) -> proto::SignalFinding {
    proto::SignalFinding {
        signal: finding.signal as i32,
        present: finding.present,
        points: finding.points,
        observations: from_observations(finding.observations),
    }
}

pub(crate) fn from_scores(scores: Scores) -> proto::RfmScores {
    proto::RfmScores {
        recency: scores.recency.into(),
        frequency: scores.frequency.into(),
        monetary: scores.monetary.into(),
    }
}

/// What a buyer did; the rest of the response is left to the caller.
pub(crate) fn from_buyer(buyer: &Buyer, currency: Currency) -> proto::GetRfmResponse {
    proto::GetRfmResponse {
        last_purchase_time: DateTime::from_timestamp_micros(buyer.last_purchase)
            .map(time::to_proto),
        purchases: buyer.purchases,
        spent: Some(from_money(Money { currency, minor_units: buyer.spent })),
        ..proto::GetRfmResponse::default()
    }
}

pub(crate) fn from_table(
    table: &Table,
    currency: Currency,
    now: DateTime<Utc>,
) -> proto::ListRfmResponse {
    let cells = table.cells.iter().map(|(scores, buyers)| proto::RfmCell {
        scores: Some(from_scores(*scores)),
        buyers: *buyers,
    });
    proto::ListRfmResponse {
        cells: cells.collect(),
        buyers_by_recency: table.buyers_by(|scores| scores.recency).to_vec(),
        buyers_by_frequency: table.buyers_by(|scores| scores.frequency).to_vec(),
        buyers_by_monetary: table.buyers_by(|scores| scores.monetary).to_vec(),
        buyers: table.buyers,
        currency: currency.to_string(),
        evaluate_time: Some(time::to_proto(now)),
    }
}

pub(crate) fn from_metrics(metrics: Metrics) -> proto::GetMetricsResponse {
    let active = metrics.active_in_month;
    let retention = metrics.retention.iter().map(|figure| proto::Retention {
        day: figure.day,
        cohort: figure.cohort,
        retained: figure.retained,
        per_mille: per_mille(figure.retained, figure.cohort),
    });
    let arpu = metrics.revenue.iter().map(|revenue| proto::Arpu {
        revenue: Some(from_money(*revenue)),
        active_users: active,
        per_user: Some(from_money(Money {
            minor_units: rounded(revenue.minor_units, active),
            ..*revenue
        })),
    });
    let grade = |(grade, users)| proto::GradeCount { grade: grade as i32, users };
    let stage = |(stage, users)| proto::StageCount { stage: stage as i32, users };
    proto::GetMetricsResponse {
        users: metrics.users,
        active_today: metrics.active_today,
        active_in_week: metrics.active_in_week,
        active_in_month: active,
        retention: retention.collect(),
        buyers: metrics.buyers,
        repeat_buyers: metrics.repeat_buyers,
        repurchase_per_mille: per_mille(metrics.repeat_buyers, metrics.buyers),
        arpu: arpu.collect(),
        churn_risk_per_mille: per_mille(metrics.at_risk, metrics.users),
        grades: metrics.grades.into_iter().map(grade).collect(),
        stages: metrics.stages.into_iter().map(stage).collect(),
        evaluate_time: Some(time::to_proto(metrics.time)),
    }
}

fn per_mille(part: i64, whole: i64) -> i64 {
    rounded(part * 1_000, whole)
}

/// part / whole to the nearest integer, halves away from zero; 0 without a whole.
fn rounded(part: i64, whole: i64) -> i64 {
    if whole == 0 {
        return 0;
    }
    (part + part.signum() * (whole / 2)) / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!([rounded(5, 2), rounded(-5, 2), rounded(4, 3), rounded(7, 0)], [3, -3, 1, 0]);
        assert_eq!(rounded(1, 3), 0);
        assert_eq!(per_mille(1, 3), 333);
    }
}
