//! Claims in batches.

use super::{benefit_not_found, claim};
use crate::app::benefits::{Member, message};
use crate::app::rulebook::Rulebook;
use crate::domain::{Programme, Time};
use chrono::TimeDelta;
use perennial_platform::Result;
use perennial_platform::commit::Batch;
use perennial_platform::db::Tx;
use perennial_proto::loyalty::v1 as proto;
use std::sync::Arc;

/// Claims are accepted many at once: scarce places are wanted by many at the same moment.
pub(crate) struct Claiming {
    pub(crate) rules: Arc<Rulebook>,
}

/// Somebody wants a place of a benefit.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(super) user: String,
    pub(super) benefit: String,
    pub(super) timeout: Option<TimeDelta>,
}

impl Batch for Claiming {
    type Command = Wish;
    type Answer = proto::Claim;

    async fn apply(
        &self,
        tx: &Tx,
        now: Time,
        wishes: &[Wish],
    ) -> Result<Vec<Result<proto::Claim>>> {
        let programme = self.rules.locked(tx).await?;
        let mut answers = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let answer = grant_wish(tx, &programme, now, wish).await;
            match answer {
                Err(error) if !error.is_refusal() => return Err(error),
                answer => answers.push(answer),
            }
        }
        Ok(answers)
    }
}

async fn grant_wish(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    wish: &Wish,
) -> Result<proto::Claim> {
    let member = Member::find(tx, programme, now, &wish.user).await?;
    let rule = member.version.benefits.place(&wish.benefit);
    let rule = rule.ok_or_else(|| benefit_not_found(&wish.benefit))?;
    let until = now + wish.timeout.unwrap_or(programme.hold_timeout);
    let claim = claim(tx, programme, now, rule, &member, until).await?;
    Ok(message::claim(&claim, now))
}
