//! Takes activities in: a whole batch with one statement per table, however many activities,
//! users and callers are in it.
//!
//! Users who did something are decided about in the same transaction, each once however many of
//! their activities are in the batch.

use super::deciding::decide;
use super::telling;
use crate::domain::activity::{Activity, Recorded, Refusal};
use crate::domain::evaluation::Evaluator;
use crate::domain::facts::{DayTile, SpendTile};
use crate::domain::user::User;
use crate::store::tiles::{self, DayTiles, SpendTiles};
use crate::store::{activities, users};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::commit::Batch;
use perennial_platform::db::Tx;
use perennial_platform::events;
use perennial_platform::id::{Id, Kind};
use perennial_platform::{Error, Result};
use perennial_proto::identity::v1::{TrackResponse, TrackResult, TrackVerdict};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Names activities: "act_...".
#[derive(Debug)]
pub struct ActivityKind;

impl Kind for ActivityKind {
    const PREFIX: &'static str = "act";
}

/// What became of one activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is new and recorded.
    Recorded,
    /// It had been recorded before, or earlier in the same batch.
    Duplicate,
    /// It is not taken in.
    Refused(Refusal),
}

/// Takes activities in.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// Rules and calendar.
    pub evaluator: Arc<Evaluator>,
    /// How far ahead of our clock an activity may lie.
    pub tolerance: TimeDelta,
}

/// The id that belongs to an activity's natural key.
pub(super) fn activity_id(activity: &Activity) -> Id<ActivityKind> {
    Id::derived(&activity.natural_key())
}

impl Recorder {
    /// Takes activities in, in order, each with the number of the command that told it, and says
    /// what became of each.
    pub async fn record(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        told: &[(usize, &Activity)],
    ) -> Result<Vec<(Id<ActivityKind>, Outcome)>> {
        let ids: Vec<Uuid> =
            told.iter().map(|(_, activity)| activity_id(activity).uuid()).collect();
        let named: Vec<String> =
            told.iter().map(|(_, activity)| activity.user_id.clone()).collect();
        // Users first: whoever else tells about the same users waits here, and sees what this
        // transaction recorded when its turn comes.
        let mut users: BTreeMap<String, User> =
            users::lock(tx, &named).await?.into_iter().map(|u| (u.user_id.clone(), u)).collect();
        let known = activities::find(tx, &ids).await?;

        let mut seen: HashMap<Uuid, &Activity> =
            known.iter().map(|recorded| (recorded.id, &recorded.activity)).collect();
        let mut outcomes = Vec::with_capacity(told.len());
        let (mut fresh, mut causes) = (Vec::new(), Vec::new());
        for (&(command, activity), &id) in told.iter().zip(&ids) {
            let outcome = match self.judge(activity, now, &users, seen.get(&id).copied()) {
                Ok(outcome) => outcome,
                Err(refusal) => Outcome::Refused(refusal),
            };
            if outcome == Outcome::Recorded {
                seen.insert(id, activity);
                fresh.push(Recorded { id, activity: activity.clone(), record_time: now });
                causes.push(command);
            }
            outcomes.push((Id::from(id), outcome));
        }
        if !fresh.is_empty() {
            let created = self.welcome(tx, now, &mut users, &fresh).await?;
            self.keep(tx, now, &mut users, (&fresh, &causes), &created).await?;
        }
        Ok(outcomes)
    }

    fn judge(
        &self,
        activity: &Activity,
        now: DateTime<Utc>,
        users: &BTreeMap<String, User>,
        twin: Option<&Activity>,
    ) -> Result<Outcome, Refusal> {
        activity.admit(now + self.tolerance)?;
        if users.get(&activity.user_id).is_some_and(|user| user.forgets(activity.occur_time)) {
            return Err(Refusal::UserErased);
        }
        match twin {
            None => Ok(Outcome::Recorded),
            Some(twin) if twin == activity => Ok(Outcome::Duplicate),
            Some(_) => Err(Refusal::SourceEventIdReused),
        }
    }

    /// Creates bare profiles for users not known yet; returns the ids of those created.
    async fn welcome(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        users: &mut BTreeMap<String, User>,
        fresh: &[Recorded],
    ) -> Result<HashSet<String>> {
        let mut unknown: BTreeMap<&str, User> = BTreeMap::new();
        for recorded in fresh {
            let user_id = recorded.activity.user_id.as_str();
            if !users.contains_key(user_id) {
                unknown.entry(user_id).or_insert_with(|| User::new(user_id, now));
            }
        }
        if unknown.is_empty() {
            return Ok(HashSet::new());
        }
        let unknown: Vec<User> = unknown.into_values().collect();
        let created: HashSet<String> =
            users::create(tx, self.evaluator.calendar, &unknown).await?.into_iter().collect();
        if created.len() < unknown.len() {
            // A concurrent transaction created some of them and may have erased them as well.
            return Err(Error::aborted("CONFLICT", "a user has just been created, try again"));
        }
        users.extend(unknown.into_iter().map(|user| (user.user_id.clone(), user)));
        Ok(created)
    }

    /// Writes what is new, activities, tiles and users, and decides about the users. What becomes
    /// of a user goes back to the first command that told of them.
    async fn keep(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        users: &mut BTreeMap<String, User>,
        (fresh, causes): (&[Recorded], &[usize]),
        created: &HashSet<String>,
    ) -> Result<()> {
        let calendar = self.evaluator.calendar;
        let (mut days, mut spending) = (DayTiles::new(), SpendTiles::new());
        let mut touched: BTreeMap<&str, usize> = BTreeMap::new();
        for (Recorded { activity, .. }, &cause) in fresh.iter().zip(causes) {
            let user_id = activity.user_id.as_str();
            let Some(user) = users.get_mut(user_id) else { continue };
            user.standing.fold(activity);
            touched.entry(user_id).or_insert(cause);
            let day = calendar.day_of(activity.occur_time);
            days.entry((user_id.to_owned(), day)).or_default().add(&DayTile::of(activity));
            if let Some((currency, tile)) = SpendTile::of(activity) {
                spending.entry((user_id.to_owned(), currency, day)).or_default().add(&tile);
            }
        }
        let (mut touched, first): (Vec<User>, Vec<usize>) = touched
            .into_iter()
            .filter_map(|(user_id, cause)| Some((users.remove(user_id)?, cause)))
            .unzip();
        activities::insert(tx, fresh).await?;
        tiles::add_days(tx, &days).await?;
        tiles::add_spending(tx, &spending).await?;
        let new = touched.iter().zip(&first).filter(|(user, _)| created.contains(&user.user_id));
        let registered =
            |(user, cause): (_, &usize)| tx.on_behalf_of(*cause, || telling::registered(now, user));
        events::append(tx, new.map(registered));
        let recorded =
            |(new, cause): (_, &usize)| tx.on_behalf_of(*cause, || telling::recorded(now, new));
        events::append(tx, fresh.iter().zip(causes).map(recorded));
        decide(tx, &self.evaluator, now, &mut touched, &first).await
    }
}

impl Batch for Recorder {
    type Command = Arc<[Activity]>;
    type Answer = TrackResponse;

    /// A call may carry a thousand activities.
    fn weight(command: &Self::Command) -> usize {
        command.len()
    }

    async fn apply(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        commands: &[Self::Command],
    ) -> Result<Vec<Result<TrackResponse>>> {
        let told: Vec<(usize, &Activity)> = commands
            .iter()
            .enumerate()
            .flat_map(|(n, command)| command.iter().map(move |activity| (n, activity)))
            .collect();
        let mut outcomes = self.record(tx, now, &told).await?.into_iter();
        let answer = |command: &Self::Command| outcomes.by_ref().take(command.len()).collect();
        let answers: Vec<Vec<_>> = commands.iter().map(answer).collect();
        Ok(answers.into_iter().map(|outcomes| Ok(response(&outcomes))).collect())
    }
}

fn response(outcomes: &[(Id<ActivityKind>, Outcome)]) -> TrackResponse {
    let mut response = TrackResponse::default();
    for (id, outcome) in outcomes {
        let (verdict, count, reason) = match outcome {
            Outcome::Recorded => (TrackVerdict::Recorded, &mut response.recorded, ""),
            Outcome::Duplicate => (TrackVerdict::Duplicate, &mut response.duplicates, ""),
            Outcome::Refused(refusal) => {
                (TrackVerdict::Refused, &mut response.refused, refusal.reason())
            }
        };
        *count += 1;
        response.results.push(TrackResult {
            activity_id: id.to_string(),
            verdict: verdict.into(),
            reason: reason.to_owned(),
        });
    }
    response
}
