//! What the programme owes, from its ledger: by date, by holder, by source; what past points teach
//! of those to come; and when money set aside for points becomes revenue (reference, 5.5).

mod revenue;

pub use revenue::{Line, recognised, schedule};

use super::audit::{Auditor, Rebuilt};
use super::calendar::local_day;
use super::{Entry, EntryKind, LotId, Tier, Time};
use chrono::{Datelike, TimeDelta};
use chrono_tz::Tz;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A calendar month: year and number.
pub type Month = (i32, u32);

/// Reads the ledger from its first entry and knows every lot as it stood then.
pub struct Replay {
    auditor: Auditor,
    zone: Tz,
    entries: i64,
    sources: Vec<Source>,
    known: HashMap<Source, usize>,
    lots: HashMap<LotId, About>,
}

/// What points were earned for: the rule, and the system that told of it.
pub type Source = (String, String);

/// The source of points that another member gave.
const TRANSFER: &str = "transfer";

/// What is kept of a lot beside what the auditor knows.
struct About {
    source: usize,
    reversed: i64,
    transferred: bool,
}

/// What members had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    /// All of it.
    pub outstanding: i128,
    /// By the month of the last good day; `None`, which comes last, for points without one.
    pub months: Vec<(Option<Month>, i128)>,
    /// Points, and members who have any.
    pub tiers: BTreeMap<Tier, (i128, i64)>,
    /// The most points first.
    pub sources: Vec<(Source, i128)>,
    /// The part of `outstanding` whose date lies ahead.
    pub dated: i128,
}

/// Lots of one month of earning whose date has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cohort {
    /// Points that ever were in them.
    pub points: i128,
    /// Of those: spent, given to somebody else, set off against a debt.
    pub used: i128,
    /// Of those: expired.
    pub expired: i128,
    /// Of those: taken back.
    pub reversed: i128,
}

/// How many points expired of those whose date has passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakage {
    /// By the month in which they were earned.
    pub cohorts: BTreeMap<Month, Cohort>,
}

impl Breakage {
    /// Expired of expired and used, in basis points, rounded down; `None` when neither ever was.
    pub fn basis_points(&self) -> Option<i128> {
        let sum = |of: fn(&Cohort) -> i128| self.cohorts.values().map(of).sum::<i128>();
        let (expired, used) = (sum(|c| c.expired), sum(|c| c.used));
        (expired + used > 0).then(|| expired * 10_000 / (expired + used))
    }
}

impl Replay {
    /// Before the first entry of a ledger whose chain begins at a place.
    pub fn new(zone: Tz, chained_from: i64) -> Self {
        Self {
            auditor: Auditor::new(chained_from),
            zone,
            entries: 0,
            sources: Vec::new(),
            known: HashMap::new(),
            lots: HashMap::new(),
        }
    }

    /// Reads the next entry.
    pub fn entry(&mut self, entry: &Entry) {
        self.auditor.entry(entry);
        self.entries += 1;
        let received = entry.kind == EntryKind::TransferIn;
        if entry.legs.issuer < 0 || received {
            let origin = &entry.origin;
            let source = if received {
                (TRANSFER.to_owned(), String::new())
            } else {
                (origin.rule.clone(), origin.source.clone())
            };
            let source = self.number(source);
            let own = LotId::from(entry.id.uuid());
            let made: Vec<LotId> = if received {
                entry.allocations.iter().map(|part| part.lot).collect()
            } else {
                vec![own]
            };
            let about = made
                .into_iter()
                .map(|lot| (lot, About { source, reversed: 0, transferred: received }));
            self.lots.extend(about);
        }
        if entry.legs.reversed > 0 {
            for part in &entry.allocations {
                if let Some(lot) = self.lots.get_mut(&part.lot) {
                    lot.reversed += part.points;
                }
            }
        }
    }

    /// Entries read.
    pub fn entries(&self) -> i64 {
        self.entries
    }

    fn number(&mut self, source: Source) -> usize {
        if let Some(number) = self.known.get(&source) {
            return *number;
        }
        let number = self.sources.len();
        self.sources.push(source.clone());
        self.known.insert(source, number);
        number
    }

    /// What members had, each in the tier that `tier` says.
    pub fn owed(&self, as_of: Time, tier: impl Fn(&str) -> Tier) -> Owed {
        let mut owed = Owed::default();
        let mut months: BTreeMap<(bool, Option<Month>), i128> = BTreeMap::new();
        let mut sources = vec![0i128; self.sources.len()];
        let mut holders: HashSet<&str> = HashSet::new();
        for (id, lot) in self.auditor.lots().filter(|(_, lot)| lot.remaining > 0) {
            let points = i128::from(lot.remaining);
            owed.outstanding += points;
            owed.dated += if lot.expires_at.is_some_and(|at| at > as_of) { points } else { 0 };
            let month = lot.expires_at.map(|at| self.month(at - TimeDelta::microseconds(1)));
            *months.entry((month.is_none(), month)).or_default() += points;
            if let Some(about) = self.lots.get(&id) {
                sources[about.source] += points;
            }
            let held = owed.tiers.entry(tier(&lot.user)).or_default();
            held.0 += points;
            held.1 += i64::from(holders.insert(&lot.user));
        }
        owed.months = months.into_iter().map(|((_, month), points)| (month, points)).collect();
        let sources = self.sources.iter().cloned().zip(sources);
        owed.sources = sources.filter(|(_, points)| *points > 0).collect();
        owed.sources.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        owed
    }

    /// What became of lots whose date has passed by then.
    pub fn breakage(&self, as_of: Time) -> Breakage {
        let mut cohorts: BTreeMap<Month, Cohort> = BTreeMap::new();
        let over = |lot: &Rebuilt| {
            lot.remaining == 0 && lot.pending == 0 && lot.expires_at.is_some_and(|at| at <= as_of)
        };
        for (id, lot) in self.auditor.lots().filter(|(_, lot)| over(lot)) {
            let Some(about) = self.lots.get(&id) else { continue };
            let cohort = cohorts.entry(self.month(lot.earned_at)).or_default();
            cohort.points += i128::from(lot.amount);
            cohort.used += i128::from(used(lot, about));
            cohort.expired += i128::from(lot.expired);
            cohort.reversed += i128::from(about.reversed);
        }
        Breakage { cohorts }
    }

    /// Points earned from an instant on and before another: how many were used by now, and how many
    /// are expected ever to be.
    pub fn redeemed(&self, as_of: Time, from: Option<Time>, before: Option<Time>) -> (i64, i64) {
        let rate = self.breakage(as_of).basis_points().unwrap_or(0);
        let (mut redeemed, mut open, mut dated) = (0i128, 0i128, 0i128);
        let within = |at: Time| from.is_none_or(|from| at >= from) && before.is_none_or(|b| at < b);
        for (id, lot) in self.auditor.lots().filter(|(_, lot)| within(lot.earned_at)) {
            // What somebody gave away counts as used where it was earned.
            let Some(about) = self.lots.get(&id).filter(|about| !about.transferred) else {
                continue;
            };
            redeemed += i128::from(used(lot, about));
            let left = i128::from(lot.remaining + lot.pending);
            open += left;
            dated += if lot.expires_at.is_some() { left } else { 0 };
        }
        let whole = |points: i128| i64::try_from(points).unwrap_or(i64::MAX);
        (whole(redeemed), whole(redeemed + open - dated * rate / 10_000))
    }

    fn month(&self, at: Time) -> Month {
        let day = local_day(at, self.zone);
        (day.year(), day.month())
    }
}

fn used(lot: &Rebuilt, about: &About) -> i64 {
    lot.amount - lot.pending - lot.remaining - lot.expired - about.reversed
}
