//! What falls due for points: holds that time out, pending points that become active, lots that
//! expire, holders to be told.

use super::{App, ledger};
use crate::domain::Lot;
use crate::store::{head, holds, lots, waiting, warnings};
use perennial_platform::backlog::Backlog;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Result, time};
use perennial_proto::loyalty::v1::PointsExpiring;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Holds and lots looked at in one transaction.
const BATCH: u64 = 200;
/// Lots of the members who are settled in one transaction, unless a single one has more.
const LOTS: i64 = 2_000;
/// Lots brought in line with the setting in one transaction.
const CONVERTED: u64 = 1_000;

impl App {
    /// What [`Self::settle_due`] would find.
    pub(crate) async fn unsettled(&self) -> Result<Backlog> {
        let (conn, now) = (self.db.read(), self.now());
        let holds = Backlog::of(&waiting::holds(conn, now).await?);
        let ripe = Backlog::of(&waiting::ripe(conn, now).await?);
        Ok(holds.and(ripe).and(Backlog::of(&waiting::dead(conn, now).await?)))
    }

    /// Warnings that were told to the event log and not handed over to their holders so far.
    pub(crate) async fn pending_notices(&self) -> Result<Backlog> {
        Ok(Backlog::of(&waiting::notices(self.db.read(), self.now()).await?))
    }

    /// Lets timed-out holds go, makes pending points active and writes down what expired, for some
    /// members; answers for how many, 0 when nothing is due.
    pub(crate) async fn settle_due(&self) -> Result<u64> {
        let (conn, now) = (self.db.read(), self.now());
        let mut users = holds::users_with_due(conn, now, BATCH).await?;
        users.extend(lots::users_with_ripe(conn, now, BATCH).await?);
        users.extend(lots::users_with_dead(conn, now, BATCH).await?);
        if users.is_empty() {
            return Ok(0);
        }
        let mut known = HashSet::new();
        users.retain(|user| known.insert(user.clone()));
        let loads = lots::count_of(conn, &users).await?;
        let users = first_few(users, &loads);
        let tx = self.db.begin().await?;
        ledger::settle(&tx, &self.programme(), now, &users).await?;
        tx.commit().await?;
        Ok(users.len() as u64)
    }

    /// Tells holders of some lots that they will expire, once for each lot; answers of how many,
    /// 0 when all were told.
    pub(crate) async fn warn_expiring(&self) -> Result<u64> {
        let now = self.now();
        let until = now + self.programme().warning;
        if lots::unwarned(self.db.read(), now, until, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        head::lock(&tx).await?;
        let lots = lots::unwarned(&tx, now, until, BATCH).await?;
        lots::mark_warned(&tx, &lots, now).await?;
        let told = lots.iter().map(|lot| NewEvent::of(now, &lot.user, &warning(lot)));
        let told: Vec<NewEvent> = told.collect();
        // Notification will say which event it answered when it has handed the message over.
        warnings::add(&tx, now, told.iter().map(NewEvent::id).zip(&lots)).await?;
        events::append(&tx, told);
        tx.commit().await?;
        Ok(lots.len() as u64)
    }

    /// Brings lots in line with the setting when the programme began, or ceased, to promise a
    /// warning. What is posted from the first moment on follows, by whatever replica; what was
    /// there before, batch by batch, so that postings go on meanwhile. A start that was cut off is
    /// taken up by the next one.
    pub(crate) async fn apply_notice_setting(&self) -> Result<()> {
        let required = self.programme().expiry_notice.required;
        let head = head::read(self.db.read()).await?;
        if head.notice_required == required && !head.notice_pending {
            return Ok(());
        }
        let tx = self.db.begin().await?;
        head::lock(&tx).await?;
        head::save_notice(&tx, required, true).await?;
        tx.commit().await?;
        let mut after = Uuid::nil();
        loop {
            let tx = self.db.begin().await?;
            if head::lock(&tx).await?.notice_required != required {
                // Another replica has begun to say the opposite.
                return Ok(());
            }
            let last = lots::require_notice(&tx, required, self.now(), after, CONVERTED).await?;
            if last.is_none() {
                head::save_notice(&tx, required, false).await?;
            }
            tx.commit().await?;
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}

/// As many of the first as have few enough lots together; one at least.
fn first_few(users: Vec<String>, lots: &HashMap<String, i64>) -> Vec<String> {
    let mut left = LOTS;
    let fits = |(place, user): &(usize, String)| {
        left = left.saturating_sub(lots.get(user).copied().unwrap_or(0));
        *place == 0 || left >= 0
    };
    users.into_iter().enumerate().take_while(fits).map(|(_, user)| user).collect()
}

fn warning(lot: &Lot) -> PointsExpiring {
    PointsExpiring {
        user_id: lot.user.clone(),
        points: lot.remaining,
        expire_time: lot.expires_at.map(time::to_proto),
        lot_id: lot.id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_settled_together_while_they_have_few_lots() {
        let few = |lots: &[i64]| {
            let name = |n: usize| n.to_string();
            let users = (0..lots.len()).map(name).collect();
            let lots = lots.iter().enumerate().map(|(n, lots)| (name(n), *lots)).collect();
            first_few(users, &lots).len()
        };
        assert_eq!(few(&[]), 0);
        assert_eq!(few(&[1; 600]), 600);
        assert_eq!(few(&[LOTS, 0, 1]), 2);
        assert_eq!(few(&[LOTS - 1, 1, 1]), 2);
        // A member is settled whole.
        assert_eq!(few(&[LOTS + 1, 1]), 1);
        assert_eq!(few(&[1, LOTS, 1]), 1);
    }
}
