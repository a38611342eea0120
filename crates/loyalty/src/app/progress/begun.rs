//! What a member began, with the version it goes on under.

use super::member;
use crate::app::App;
use crate::app::rules::Promise;
use crate::domain::progress::Standing;
use crate::domain::progress::streak::Judge;
use crate::domain::{Refusal, Time};
use crate::store::progress::{self as store, tallies};
use perennial_platform::Result;

impl App {
    /// Rounds and streaks of a member that are running. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn begun(&self, user: &str, now: Time) -> Result<Vec<Promise>> {
        let (conn, programme) = (self.db.read(), self.rules_now().await?);
        let member = member(conn, &programme, user).await?.ok_or(Refusal::MemberNotFound)?;
        let today = member.calendar.day(now);
        let mut begun = Vec::new();
        for tally in tallies::all(conn, user).await? {
            if tally.standing(today) == Standing::Running {
                let after = tally.last_day.and_then(|last| last.succ_opt());
                let until = after.map(|day| member.calendar.start(day));
                let promise = Promise::of(tally.sort.cause(), tally.version, tally.began_at);
                begun.push(Promise { subject: tally.key, until, ..promise });
            }
        }
        for kept in store::streaks(conn, user).await? {
            let judge =
                Judge { programme: &member.programme, calendar: &member.calendar, key: &kept.key };
            let view = kept.streak.at(now, judge);
            let versions = member.programme.versions().iter();
            let own = versions.into_iter().find(|version| version.version == view.version);
            if let Some(own) = own.filter(|_| view.days > 0) {
                let since = own.effective_from.max(member.account.joined_at);
                let promise = Promise::of("streak", own.version.clone(), since);
                begun.push(Promise { subject: kept.key, ..promise });
            }
        }
        Ok(begun)
    }
}
