//! The run: callers, identity, clock, faults, and the comparison after every step.

mod calls;
mod compare;
mod feed;
mod jobs;
mod perform;
mod places;
mod together;

use super::call::{Call, Reply};
use super::oracle::{Ask, Oracle, Places, Told};
use super::random::Random;
use super::report::Report;
use super::site::Site;
use super::{Config, Options};
use crate::domain::{EntryId, Time};
use chrono::TimeDelta;
use perennial_platform::Result;
use perennial_platform::clock::Clock;
use perennial_platform::db::Db;
use std::path::PathBuf;

/// Steps after which the members in play are others.
const GENERATION: u64 = 300;
/// Members in play at once, beside the hot one.
const COMPANY: u64 = 5;
/// Steps from one call about places to the next.
const EVERY: u64 = 4;

/// Something is wrong: what.
pub(super) type Check<T = ()> = std::result::Result<T, String>;

/// A simulation under way.
pub(super) struct World {
    random: Random,
    /// For what happens to places.
    chances: Random,
    clock: Clock,
    began: Time,
    /// Up to where time has come; the clock may be stepped back from there.
    latest: Time,
    config: Config,
    folder: PathBuf,
    site: Site,
    other: Site,
    oracle: Oracle,
    places: Places,
    /// Answered calls, for repetition.
    sent: Vec<(Call, Reply)>,
    /// The same of calls about places.
    asked: Vec<Ask>,
    /// Entries and holds that calls can name.
    entries: Vec<EntryId>,
    holds: Vec<(String, EntryId)>,
    pending: Vec<EntryId>,
    feed: Vec<Told>,
    step: u64,
    whale: u64,
    report: Report,
    operations: u64,
    fresh: u128,
}

impl World {
    pub(super) async fn new(options: &Options, config: Config) -> Result<Self> {
        // A Thursday in Shanghai, ten hours before midnight.
        let began = Time::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(6);
        let clock = Clock::manual(began);
        let site = Site::open(&config, &options.folder, &clock).await?;
        let other = Site::open(&config, &options.folder, &clock).await?;
        Ok(Self {
            random: Random::new(options.seed),
            chances: Random::new(!options.seed),
            clock,
            began,
            latest: began,
            config,
            folder: options.folder.clone(),
            site,
            other,
            oracle: Oracle::default(),
            places: Places::default(),
            sent: Vec::new(),
            asked: Vec::new(),
            entries: Vec::new(),
            holds: Vec::new(),
            pending: Vec::new(),
            feed: Vec::new(),
            step: 0,
            whale: 0,
            report: Report { seed: options.seed, ..Report::default() },
            operations: options.operations,
            fresh: 0,
        })
    }

    /// Runs to the end or to the first violation. Errors: what is wrong with the database.
    pub(super) async fn run(&mut self, db: &Db) -> Result<Check> {
        let every = (self.operations / 5).max(500);
        while self.step < self.operations {
            self.step += 1;
            self.report.operations = self.step;
            if let Err(violation) = self.one_step().await? {
                return Ok(Err(format!("operation {}: {violation}", self.step)));
            }
            if self.step.is_multiple_of(EVERY)
                && let Err(violation) = self.place_step().await?
            {
                return Ok(Err(format!("operation {}: {violation}", self.step)));
            }
            if self.step.is_multiple_of(every) || self.step == self.operations {
                let found = crate::check(db, &self.config).await?;
                if let Some(first) = found.first() {
                    let count = found.len();
                    return Ok(Err(format!("operation {}: {count} of: {first}", self.step)));
                }
            }
        }
        Ok(self.compare_all().await)
    }

    /// Ends the run.
    pub(super) async fn end(mut self, found: Check) -> Report {
        self.site.end().await;
        self.other.end().await;
        self.report.violations.extend(found.err());
        self.report.simulated = self.latest - self.began;
        self.report
    }

    async fn one_step(&mut self) -> Result<Check> {
        self.tick();
        let chosen = self.random.weighed(&[62, 8, 12, 5, 3, 3, 3, 3, 1, 2]);
        Ok(match chosen {
            0 => self.single().await?,
            1 => self.batch().await?,
            2 => self.tell().await?,
            3 => self.again().await,
            4 => self.reuse().await,
            5 => self.same_event().await?,
            6 => self.job().await?,
            7 => self.at_once().await?,
            8 => self.restart().await?,
            _ => self.whale_spouts().await?,
        })
    }

    /// Time goes on: mostly by moments, now and then by months; sometimes it seems to go back.
    fn tick(&mut self) {
        let by = match self.random.weighed(&[85, 12, 5, 2, 1]) {
            0 => TimeDelta::milliseconds(self.random.between(1, 5_000)),
            1 => TimeDelta::minutes(self.random.between(1, 40)),
            2 => TimeDelta::hours(self.random.between(1, 20)),
            3 => TimeDelta::days(self.random.between(1, 20)),
            _ => TimeDelta::days(self.random.between(20, 200)),
        };
        if by > TimeDelta::minutes(15) {
            self.report.fault("delay past a hold's timeout");
        }
        self.latest += by;
        self.clock.set(self.latest);
        if self.random.one_in(50) {
            self.report.fault("clock stepped back");
            self.clock.set(self.latest - TimeDelta::minutes(self.random.between(1, 90)));
        }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    /// A member in play: the hot one two times in five.
    fn user(&mut self) -> String {
        let generation = self.step / GENERATION;
        if self.random.below(5) < 2 {
            return format!("hot-{generation}");
        }
        format!("member-{generation}-{}", self.random.bits() % COMPANY)
    }

    /// A name for an entry that there may be.
    fn fresh(&mut self) -> EntryId {
        self.fresh += 1;
        EntryId::from(uuid::Uuid::from_u128(self.fresh))
    }

    /// The process ends and another begins on the same database.
    async fn restart(&mut self) -> Result<Check> {
        let fresh = Site::open(&self.config, &self.folder, &self.clock).await?;
        std::mem::replace(&mut self.site, fresh).end().await;
        self.report.saw("restarted");
        Ok(Ok(()))
    }
}
