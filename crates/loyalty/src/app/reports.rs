//! Figures over the whole programme.

use super::App;
use crate::domain::liability::{Breakage, Owed, Replay};
use crate::domain::{Entry, Tier, Time};
use crate::store::totals::{self, Sums};
use crate::store::{entries, head};
use perennial_platform::{Error, Result};
use std::collections::VecDeque;

/// Entries read at once.
const PAGE: u64 = 2_000;

/// What the programme owes.
pub(crate) struct Liability {
    pub(crate) sums: Sums,
    /// Points whose date has passed, but whose expiry is not written down yet.
    pub(crate) overdue: i64,
    pub(crate) members: u64,
    pub(crate) entries: i64,
    pub(crate) now: Time,
}

/// The same in parts.
pub(crate) struct Breakdown {
    pub(crate) as_of: Time,
    pub(crate) owed: Owed,
    pub(crate) breakage: Breakage,
    pub(crate) entries: i64,
}

/// A place in the ledger, and all that stands before it.
struct Reading {
    replay: Replay,
    seq: i64,
    /// Where the ledger ended when the reading began.
    last: i64,
    page: VecDeque<Entry>,
}

/// An instant that has passed. Errors: INVALID_ARGUMENT for the future.
pub(crate) fn past(field: &str, at: Time, now: Time) -> Result<Time> {
    if at <= now { Ok(at) } else { Err(Error::invalid(field, "lies in the future")) }
}

impl App {
    /// What the programme owed its members at an instant, or owes them now. Errors:
    /// INVALID_ARGUMENT for the future.
    pub(crate) async fn liability(&self, as_of: Option<Time>) -> Result<Liability> {
        let (conn, now) = (self.db.read(), self.now());
        if let Some(as_of) = as_of {
            let now = past("as_of", as_of, now)?;
            let (sums, entries, members) = totals::recorded_by(conn, now).await?;
            let members = members.unsigned_abs();
            return Ok(Liability { sums, overdue: 0, members, entries, now });
        }
        Ok(Liability {
            sums: totals::of_programme(conn).await?,
            overdue: totals::overdue(conn, now).await?,
            members: totals::members(conn).await?,
            entries: head::read(conn).await?.seq,
            now,
        })
    }

    /// The same in parts, and what past points teach. Errors: INVALID_ARGUMENT for the future.
    pub(crate) async fn breakdown(&self, as_of: Option<Time>) -> Result<Breakdown> {
        let (conn, now) = (self.db.read(), self.now());
        let as_of = past("as_of", as_of.unwrap_or(now), now)?;
        let mut reading = self.reading().await?;
        self.read_until(&mut reading, as_of).await?;
        let tiers = totals::tiers_at(conn, as_of).await?;
        let tier = |user: &str| tiers.get(user).copied().unwrap_or(Tier::Ordinary);
        Ok(Breakdown {
            as_of,
            owed: reading.replay.owed(as_of, tier),
            breakage: reading.replay.breakage(as_of),
            entries: reading.replay.entries(),
        })
    }

    /// What was redeemed of the points earned within a window, and what is expected ever to be, at
    /// each of some instants, which follow each other.
    pub(crate) async fn redeemed_by(
        &self,
        ends: &[Time],
        from: Option<Time>,
        before: Option<Time>,
    ) -> Result<Vec<(i64, i64)>> {
        let mut reading = self.reading().await?;
        let mut found = Vec::with_capacity(ends.len());
        for end in ends {
            self.read_until(&mut reading, *end).await?;
            found.push(reading.replay.redeemed(*end, from, before));
        }
        Ok(found)
    }

    async fn reading(&self) -> Result<Reading> {
        let head = head::read(self.db.read()).await?;
        let replay = Replay::new(self.programme().zone, head.hash_from_seq);
        Ok(Reading { replay, seq: 0, last: head.seq, page: VecDeque::new() })
    }

    /// Reads entries up to an instant; what was posted after the reading began is left out.
    async fn read_until(&self, reading: &mut Reading, until: Time) -> Result<()> {
        while reading.seq < reading.last {
            if reading.page.is_empty() {
                let page = entries::first_after(self.db.read(), reading.seq, PAGE).await?;
                reading.page.extend(page);
            }
            let Some(entry) = reading.page.pop_front_if(|entry| entry.recorded_at <= until) else {
                return Ok(());
            };
            reading.seq = entry.seq;
            reading.replay.entry(&entry);
        }
        Ok(())
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
