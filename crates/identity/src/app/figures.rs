//! Figures of the whole house: the first metrics.

use super::Identity;
use crate::domain::calendar::Day;
use crate::domain::lifecycle::Segment;
use crate::domain::money::Money;
use crate::domain::risk::Grade;
use crate::domain::stage::Stage;
use crate::store::{figures, memberships};
use chrono::{DateTime, Utc};
use perennial_platform::Result;

/// Days after registration at which retention is looked at (ID-16).
const RETENTION_DAYS: [i32; 3] = [1, 7, 30];

/// Retention of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionFigure {
    /// Days after the day of registration.
    pub day: i32,
    /// Users whose day that is over.
    pub cohort: i64,
    /// Of these, who were there on that day.
    pub retained: i64,
}

/// Figures of the whole house.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the contract describes each figure")]
pub struct Metrics {
    pub time: DateTime<Utc>,
    pub users: i64,
    pub active_today: i64,
    pub active_in_week: i64,
    pub active_in_month: i64,
    pub retention: Vec<RetentionFigure>,
    pub buyers: i64,
    pub repeat_buyers: i64,
    pub revenue: Vec<Money>,
    pub at_risk: i64,
    pub grades: Vec<(Grade, i64)>,
    pub stages: Vec<(Stage, i64)>,
}

impl Identity {
    /// The figures; `cohort` bounds the days of registration that retention looks at.
    pub async fn metrics(
        &self,
        cohort: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    ) -> Result<Metrics> {
        let (conn, time) = (self.db.read(), self.clock.now());
        let calendar = self.evaluator.calendar;
        let today = calendar.day_of(time);
        let from = cohort.0.map_or(Day::MIN, |start| calendar.day_of(start));
        let to = cohort.1.map_or(Day::MAX, |end| calendar.day_of(end));
        let mut retention = Vec::new();
        for day in RETENTION_DAYS {
            // Only those whose n-th day is over: registered before today - n.
            let (cohort, retained) =
                figures::retained(conn, from, to.min(today - day), day).await?;
            retention.push(RetentionFigure { day, cohort, retained });
        }
        let revenue = figures::revenue(conn, today - 29).await?;
        let money = |(currency, minor_units)| Money { currency, minor_units };
        let (grades, stages) = figures::grades_and_stages(conn).await?;
        let at_risk = memberships::counts(conn).await?;
        Ok(Metrics {
            time,
            users: figures::users(conn).await?,
            active_today: figures::active(conn, today).await?,
            active_in_week: figures::active(conn, today - 6).await?,
            active_in_month: figures::active(conn, today - 29).await?,
            retention,
            buyers: figures::buyers_ever(conn, 1).await?,
            repeat_buyers: figures::buyers_ever(conn, 2).await?,
            revenue: revenue.into_iter().map(money).collect(),
            at_risk: at_risk.get(Segment::ChurnRisk.key()).copied().unwrap_or(0),
            grades: Grade::ALL.map(|grade| (grade, number(&grades, grade as i16))).to_vec(),
            stages: Stage::ALL.map(|stage| (stage, number(&stages, stage as i16))).to_vec(),
        })
    }
}

fn number(counts: &[(i16, i64)], code: i16) -> i64 {
    counts.iter().find(|(found, _)| *found == code).map_or(0, |(_, count)| *count)
}
