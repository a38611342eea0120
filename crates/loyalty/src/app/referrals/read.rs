//! What there is to see of referrals. Nothing waits for a job: what fell due counts.

use super::{CAUSE, step_of};
use crate::app::App;
use crate::domain::referral::{Referral, ReferralId, State};
use crate::domain::{Reward, Time};
use crate::store::{grants, referrals};
use perennial_platform::{Error, Result};
use std::collections::BTreeMap;
use uuid::Uuid;

/// After which referral to go on: its time in the list, its id.
pub(crate) type Cursor = (Time, Uuid);

/// How far an advocate has come.
pub(crate) struct Progress {
    counts: Vec<(State, i64)>,
    /// By friends.
    pub(crate) steps: Vec<StepView>,
    /// Who brought them; empty for nobody.
    pub(crate) referred_by: String,
    pub(crate) version: String,
}

/// A step, and whether it was given.
pub(crate) struct StepView {
    pub(crate) friends: u32,
    pub(crate) rewards: Vec<Reward>,
    pub(crate) given_at: Option<Time>,
}

impl Progress {
    /// How many referrals stand there now.
    pub(crate) fn count(&self, state: State) -> i64 {
        self.counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, count)| *count)
    }
}

/// No such referral.
pub(super) fn unknown() -> Error {
    Error::not_found("REFERRAL_NOT_FOUND", "no such referral")
}

impl App {
    /// One referral. Errors: NOT_FOUND / REFERRAL_NOT_FOUND.
    pub(crate) async fn referral(&self, id: ReferralId) -> Result<Referral> {
        referrals::find(self.db.read(), id).await?.ok_or_else(unknown)
    }

    /// A page of an advocate's referrals, the latest first. Errors: NOT_FOUND /
    /// MEMBER_NOT_FOUND.
    pub(crate) async fn referrals(
        &self,
        advocate: &str,
        after: Option<Cursor>,
        size: u64,
    ) -> Result<(Vec<Referral>, Option<Cursor>)> {
        self.member(advocate).await?;
        let rows = referrals::of_advocate(self.db.read(), advocate, after, size + 1).await?;
        Ok(cut(rows, size, |referral| Some(referral.made_at)))
    }

    /// A page of what waits for review, the longest waiting first.
    pub(crate) async fn reviews(
        &self,
        after: Option<Cursor>,
        size: u64,
    ) -> Result<(Vec<Referral>, Option<Cursor>)> {
        let rows = referrals::waiting(self.db.read(), after, size + 1).await?;
        Ok(cut(rows, size, |referral| referral.waiting_since))
    }

    /// How far an advocate has come. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn referral_progress(&self, user: &str) -> Result<Progress> {
        let (conn, now) = (self.db.read(), self.now());
        let joined_at = self.member(user).await?;
        let mut counts: BTreeMap<State, i64> =
            referrals::counts(conn, user).await?.into_iter().collect();
        let due = referrals::due_of(conn, user, now).await?;
        *counts.entry(State::Escrowed).or_default() -= due;
        *counts.entry(State::Qualified).or_default() += due;
        let programme = self.rules_now().await?;
        let version = programme.in_force_for(joined_at, now);
        let promised = version.referrals.steps.iter().map(|step| {
            let rewards = step.rewards.clone();
            (step.friends, StepView { friends: step.friends, rewards, given_at: None })
        });
        let mut steps: BTreeMap<u32, StepView> = promised.collect();
        for grant in grants::of_kind(conn, user, CAUSE).await? {
            let Some(friends) = step_of(&grant.cause_id) else { continue };
            let step = steps.entry(friends).or_insert_with(|| StepView {
                friends,
                rewards: Vec::new(),
                given_at: None,
            });
            // What was given is shown as it was given, whatever is promised now.
            if step.given_at.is_none() {
                step.rewards.clear();
            }
            step.rewards.push(grant.reward);
            step.given_at = Some(grant.granted_at);
        }
        Ok(Progress {
            counts: counts.into_iter().collect(),
            steps: steps.into_values().collect(),
            referred_by: referrals::advocate_of(conn, user).await?.unwrap_or_default(),
            version: version.version.clone(),
        })
    }
}

/// A page of a list that was read one row too far.
fn cut(
    mut rows: Vec<Referral>,
    size: u64,
    at: impl Fn(&Referral) -> Option<Time>,
) -> (Vec<Referral>, Option<Cursor>) {
    let more = rows.len() as u64 > size;
    rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let last = rows.last().filter(|_| more);
    let next = last.and_then(|referral| Some((at(referral)?, referral.id.uuid())));
    (rows, next)
}
