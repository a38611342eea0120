//! Figures over the whole programme.

use super::App;
use crate::domain::{Tier, Time};
use crate::store::head;
use crate::store::totals::{self, Sums};
use perennial_platform::Result;

/// What the programme owes.
pub(crate) struct Liability {
    pub(crate) sums: Sums,
    /// Points whose date has passed, but whose expiry is not written down yet.
    pub(crate) overdue: i64,
    pub(crate) members: u64,
    pub(crate) entries: i64,
    pub(crate) now: Time,
}

impl App {
    /// What the programme owes its members now.
    pub(crate) async fn liability(&self) -> Result<Liability> {
        let (conn, now) = (self.db.read(), self.now());
        Ok(Liability {
            sums: totals::of_programme(conn).await?,
            overdue: totals::overdue(conn, now).await?,
            members: totals::members(conn).await?,
            entries: head::read(conn).await?.seq,
            now,
        })
    }

    /// How many members each tier has, the lowest first. Whoever never bought anything is in the
    /// lowest.
    pub(crate) async fn tier_counts(&self) -> Result<Vec<(Tier, i64)>> {
        let conn = self.db.read();
        let above = totals::tiers(conn).await?;
        let members = i64::try_from(totals::members(conn).await?).unwrap_or(i64::MAX);
        let rest = members - above.iter().map(|(_, count)| count).sum::<i64>();
        let count = |tier: Tier| match tier {
            Tier::Ordinary => rest.max(0),
            _ => above.iter().find(|(t, _)| *t == tier).map_or(0, |(_, count)| *count),
        };
        Ok(Tier::ALL.into_iter().map(|tier| (tier, count(tier))).collect())
    }
}
