//! Joining challenges and leaving them.

use super::count::{begin, offer, tier};
use super::read::Item;
use super::{Member, pinned_member};
use crate::app::App;
use crate::domain::progress::{Sort, Standing};
use crate::domain::{Programme, Refusal};
use crate::store::progress::tallies;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;

/// The member who writes. Errors: NOT_FOUND / MEMBER_NOT_FOUND; FAILED_PRECONDITION /
/// MEMBER_CLOSED.
pub(super) async fn writer<'a>(
    tx: &Tx,
    programme: &'a Programme,
    user: &str,
) -> Result<Member<'a>> {
    let account = crate::store::accounts::find(tx, user).await?.ok_or(Refusal::MemberNotFound)?;
    if account.closed_at.is_some() {
        return Err(Refusal::MemberClosed.into());
    }
    let member = pinned_member(tx, programme, user).await?;
    member.ok_or_else(|| Refusal::MemberNotFound.into())
}

impl App {
    /// Enters a member for a challenge. Errors: see ProgressService.JoinChallenge.
    pub(crate) async fn join_challenge(
        &self,
        key: Option<Key>,
        user: &str,
        challenge: &str,
    ) -> Result<Reply<proto::JoinChallengeResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let member = writer(tx, &programme, user).await?;
            let version = member.in_force(now);
            let goal = version.progress.goal(Sort::Challenge, challenge).ok_or_else(|| {
                Error::not_found("CHALLENGE_NOT_FOUND", "no challenge of this name is on offer")
            })?;
            let today = member.calendar.day(now);
            if !goal.is_on(today) {
                let text = "the challenge is not on offer today";
                return Err(Error::precondition("CHALLENGE_NOT_OPEN", text));
            }
            if tier(tx, user).await? < goal.min_tier {
                let text = "the challenge is for members of a higher tier";
                return Err(Error::precondition("TIER_TOO_LOW", text));
            }
            let known = tallies::all(tx, user).await?;
            let mine = |t: &&_| is_challenge(t, challenge);
            let latest = known.iter().rfind(mine);
            match latest.map(|tally| tally.standing(today)) {
                Some(Standing::Running) => {
                    let text = "the member takes part already";
                    return Err(Error::already_exists("ALREADY_JOINED", text));
                }
                Some(Standing::Completed) if !goal.repeats => {
                    let text = "the member has done it, and it is for once";
                    return Err(Error::precondition("CHALLENGE_DONE", text));
                }
                _ => {}
            }
            let round = latest.map_or(1, |tally| tally.round + 1);
            let tally = begin(version, Sort::Challenge, goal, round, now, today);
            tallies::save(tx, user, &tally).await?;
            let item = Item::of(&tally, Some(goal), today);
            Ok(proto::JoinChallengeResponse { item: Some(item.message()), replayed: false })
        })
        .await
    }

    /// Gives a running challenge up. Errors: see ProgressService.LeaveChallenge.
    pub(crate) async fn leave_challenge(
        &self,
        key: Option<Key>,
        user: &str,
        challenge: &str,
    ) -> Result<Reply<proto::LeaveChallengeResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let member = writer(tx, &programme, user).await?;
            let today = member.calendar.day(now);
            let known = tallies::all(tx, user).await?;
            let mine = known.into_iter().rfind(|tally| is_challenge(tally, challenge));
            let mine = mine.filter(|tally| tally.standing(today) == Standing::Running);
            let mut tally = mine.ok_or_else(|| {
                Error::not_found("NOT_JOINED", "the member takes no part in such a challenge")
            })?;
            tally.left_at = Some(now);
            tallies::save(tx, user, &tally).await?;
            let item = Item::of(&tally, offer(&member.programme, &tally), today);
            Ok(proto::LeaveChallengeResponse { item: Some(item.message()), replayed: false })
        })
        .await
    }
}

fn is_challenge(tally: &crate::domain::progress::Tally, key: &str) -> bool {
    tally.sort == Sort::Challenge && tally.key == key
}
