//! The use cases. Transactions begin and end here and in `jobs`; rules are `domain`'s, tables
//! `store`'s.

pub(crate) mod activities;
pub(crate) mod audit;
pub(crate) mod benefits;
pub(crate) mod catalogue;
pub(crate) mod charity;
pub(crate) mod check;
pub(crate) mod compensation;
pub(crate) mod coupons;
mod due;
pub(crate) mod features;
pub(crate) mod judgements;
pub(crate) mod ledger;
pub(crate) mod message;
pub(crate) mod plans;
pub(crate) mod points;
pub(crate) mod progress;
pub(crate) mod quotas;
pub(crate) mod referrals;
mod refusals;
pub(crate) mod reports;
pub(crate) mod rewards;
pub(crate) mod rulebook;
pub(crate) mod rules;
pub(crate) mod snapshots;
pub(crate) mod tiers;
pub(crate) mod warnings;

use crate::domain::{EntryId, Programme, Time};
use ledger::Posting;
use perennial_platform::Result;
use perennial_platform::clock::Clock;
use perennial_platform::commit::Committer;
use perennial_platform::db::Db;
use perennial_platform::gather::Gather;
use perennial_platform::page::Pages;
use perennial_platform::vault::Vault;
use quotas::Claiming;
use rulebook::Rulebook;
use snapshots::Snapshots;
use std::sync::Arc;

/// What every use case needs.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) pages: Pages,
    pub(crate) vault: Vault,
    pub(crate) rules: Arc<Rulebook>,
    pub(crate) ledger: Committer<Posting>,
    pub(crate) claims: Committer<Claiming>,
    pub(crate) snapshots: Gather<Snapshots>,
}

impl App {
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// What is promised to members. What was changed within the last sweep may be missing, none of
    /// which has begun; writers who must not miss it ask [`Rulebook::locked`].
    pub(crate) fn programme(&self) -> Arc<Programme> {
        self.rules.current()
    }

    /// What is promised to members, with everything that was changed by now.
    pub(crate) async fn rules_now(&self) -> Result<Arc<Programme>> {
        self.rules.read(self.db.read()).await
    }

    /// A new id for an entry that no business event names.
    pub(crate) fn fresh_entry(&self) -> EntryId {
        EntryId::new(self.now())
    }
}

/// Cuts a list that was read one row further down to its page; answers after which row the next
/// page goes on, if there is one.
fn cut<T, C>(rows: &mut Vec<T>, size: u64, place: impl Fn(&T) -> C) -> Option<C> {
    let more = rows.len() as u64 > size;
    rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    rows.last().filter(|_| more).map(place)
}
