//! The rules in force, the same for every replica.
//!
//! They stand in the database; each replica keeps a copy. The ledger's head counts how often they
//! changed, so whoever locks the head, as every writer does, sees whether the copy is still good
//! and reads it again in its own transaction if not. A job does the same for replicas that only
//! read. A version never begins before every replica had time for that ([`Rulebook::lead`]).

use crate::config::Config;
use crate::domain::rules::{Recorded, RuleState, Timing};
use crate::domain::{Programme, RuleVersion, Time};
use crate::store::{head, rules, totals};
use chrono::TimeDelta;
use perennial_platform::db::{Db, Tx};
use perennial_platform::{Error, Result};
use sea_orm::ConnectionTrait;
use std::sync::{Arc, PoisonError, RwLock};

/// The rules in force, and the copy of them that this process keeps.
pub(crate) struct Rulebook {
    /// The settings that are no promises, with the rules the process began with.
    settings: Programme,
    lead: TimeDelta,
    known: RwLock<Known>,
}

struct Known {
    revision: i64,
    programme: Arc<Programme>,
}

impl Rulebook {
    /// Opens the rulebook of a database. The rules of the settings are recorded when there are
    /// none yet, or no member to whom anything was promised. Errors: FAILED_PRECONDITION /
    /// RULES_CHANGED when the settings say other rules than those recorded: rules are changed by
    /// proposing them; INVALID_ARGUMENT for settings that are not sound.
    pub(crate) async fn open(db: &Db, now: Time, config: &Config) -> Result<Self> {
        let settings = config.programme()?;
        // A start is no reason to wait for those who post: the head is locked only for a change.
        let mut revision = head::read(db.read()).await?.rules;
        let recorded = rules::all(db.read()).await?;
        if recorded.is_empty() || changed(config, &recorded).is_some() {
            revision = record(db, now, config, &settings).await?;
        }
        let programme = Arc::new(recorded_programme(db.read(), &settings).await?);
        let lead = TimeDelta::seconds(2 * i64::from(config.sweep_seconds.max(1)));
        Ok(Self { settings, lead, known: RwLock::new(Known { revision, programme }) })
    }

    /// The rules as this process knows them: at most one sweep old.
    pub(crate) fn current(&self) -> Arc<Programme> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).programme)
    }

    /// How long after its activation a version begins at the earliest: two sweeps, by when every
    /// replica has read it.
    pub(crate) fn lead(&self) -> TimeDelta {
        self.lead
    }

    /// The rules as of a revision of which the caller has read, in its own transaction.
    pub(crate) async fn at(
        &self,
        conn: &impl ConnectionTrait,
        revision: i64,
    ) -> Result<Arc<Programme>> {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.revision >= revision {
                return Ok(Arc::clone(&known.programme));
            }
        }
        let programme = Arc::new(recorded_programme(conn, &self.settings).await?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.revision < revision {
            *known = Known { revision, programme: Arc::clone(&programme) };
        }
        Ok(programme)
    }

    /// The rules for a writer, who locks the ledger's head by this.
    pub(crate) async fn locked(&self, tx: &Tx) -> Result<Arc<Programme>> {
        let head = head::lock(tx).await?;
        self.at(tx, head.rules).await
    }

    /// The rules as they are now, for a reader.
    pub(crate) async fn read(&self, conn: &impl ConnectionTrait) -> Result<Arc<Programme>> {
        let head = head::read(conn).await?;
        self.at(conn, head.rules).await
    }
}

/// Records the rules of the settings, where there are none yet and where nobody is a member yet.
/// Returns the revision that is recorded then. Errors: as [`refused`] where there are members.
async fn record(db: &Db, now: Time, config: &Config, settings: &Programme) -> Result<i64> {
    let tx = db.begin().await?;
    let head = head::lock(&tx).await?;
    let recorded = rules::all(&tx).await?;
    let changed = changed(config, &recorded);
    if recorded.is_empty() || (changed.is_some() && totals::members(&tx).await? == 0) {
        rules::clear(&tx).await?;
        rules::save(&tx, initial(settings, now)).await?;
        head::bump_rules(&tx, head).await?;
        tx.commit().await?;
        return Ok(head.rules + 1);
    }
    changed.map_or(Ok(head.rules), |version| Err(refused(&version)))
}

/// The programme with the rules that are recorded.
pub(crate) async fn recorded_programme(
    conn: &impl ConnectionTrait,
    settings: &Programme,
) -> Result<Programme> {
    let recorded = rules::all(conn).await?;
    if recorded.is_empty() {
        return Ok(settings.clone());
    }
    programme_of(settings, &recorded)
}

/// The programme with those of these versions that were activated.
pub(crate) fn programme_of(settings: &Programme, recorded: &[Recorded]) -> Result<Programme> {
    let active = recorded.iter().filter(|version| version.state == RuleState::Active);
    let dated: Vec<(Timing, RuleVersion)> =
        active.filter_map(|v| Some((v.timing()?, v.rules.clone()))).collect();
    settings.with_rules(dated).map_err(Error::internal)
}

/// The rules of the settings as the first versions on record.
fn initial(settings: &Programme, now: Time) -> Vec<Recorded> {
    let mut before = String::new();
    let versions = settings.versions().iter().zip(1..);
    let record = |(rules, number): (&RuleVersion, i64)| {
        let supersedes = std::mem::replace(&mut before, rules.version.clone());
        Recorded::initial(rules.clone(), number, supersedes, now)
    };
    versions.map(record).collect()
}

/// A version of the settings that is not in force as the settings say it. Settings that say
/// nothing of rules mean those on record.
fn changed(config: &Config, recorded: &[Recorded]) -> Option<String> {
    if config.rules == Config::default().rules {
        return None;
    }
    let stands = |rules: &&RuleVersion| {
        recorded.iter().any(|on_record| {
            on_record.state == RuleState::Active
                && on_record.asked_new == Some(rules.effective_from)
                && on_record.rules == **rules
        })
    };
    config.rules.iter().find(|rules| !stands(rules)).map(|rules| rules.version.clone())
}

fn refused(version: &str) -> Error {
    let message = format!(
        "the settings change rule version {version:?}, which members were promised or which was \
         never announced to them: take it out of [[loyalty.rules]] and propose it with \
         RuleService/ProposeRules"
    );
    Error::precondition("RULES_CHANGED", message).with("version", version)
}
