//! RFM: one user among the buyers of a year.

use super::Identity;
use crate::domain::calendar::Day;
use crate::domain::money::Currency;
use crate::domain::rfm::{Buyer, Table};
use crate::store::figures;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::cache::Cache;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long one look at the buyers serves.
const KEPT: Duration = Duration::from_mins(1);

/// How the buyers in a currency are scored, and when they were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "said above")]
pub struct Population {
    pub table: Table,
    pub time: DateTime<Utc>,
}

/// Looks at all buyers, which takes time in proportion to their number, and keeps what it saw for
/// a minute: a few cut points and counts, nothing about anybody.
#[derive(Debug, Clone)]
pub struct Census {
    cache: Cache,
    looking: Arc<Mutex<()>>,
}

impl Census {
    /// One that has not looked yet.
    pub fn new(cache: Cache) -> Self {
        Self { cache, looking: Arc::default() }
    }

    /// The buyers from a day on, as they were at most [`KEPT`] ago.
    async fn population(
        &self,
        conn: &impl ConnectionTrait,
        currency: Currency,
        first: Day,
        now: DateTime<Utc>,
    ) -> Result<Population> {
        // By the day: at midnight the window moves, and with it who is a buyer.
        let key = format!("identity.rfm.{currency}.{first}");
        if let Some(kept) = self.cache.get(&key).await {
            return Ok(kept);
        }
        // Of many calls that find nothing one looks; the others wait, and find what it saw.
        let _looking = self.looking.lock().await;
        if let Some(kept) = self.cache.get(&key).await {
            return Ok(kept);
        }
        let buyers = figures::buyers(conn, currency, first, None).await?;
        let population = Population { table: Table::of(&buyers), time: now };
        // Nobody is quickly looked at, and the first buyer should not be among nobody.
        if !buyers.is_empty() {
            self.cache.put(&key, &population, KEPT).await;
        }
        Ok(population)
    }
}

impl Identity {
    /// How the buyers in a currency are scored.
    pub async fn population(&self, currency: Currency) -> Result<Population> {
        let now = self.clock.now();
        self.census.population(self.db.read(), currency, self.first_day(now), now).await
    }

    /// One user as they are now, and the buyers to score them among; `None` for the user when
    /// they are no buyer. Errors: NOT_FOUND / USER_NOT_FOUND or USER_ERASED.
    pub async fn rfm(
        &self,
        user_id: &str,
        currency: Currency,
    ) -> Result<(Option<Buyer>, Population)> {
        self.user(user_id).await?;
        let (conn, now) = (self.db.read(), self.clock.now());
        let first = self.first_day(now);
        let population = self.census.population(conn, currency, first, now).await?;
        let buyer = figures::buyers(conn, currency, first, Some(user_id)).await?;
        Ok((buyer.first().copied(), population))
    }

    fn first_day(&self, now: DateTime<Utc>) -> Day {
        self.evaluator.first_days(now).1
    }
}
