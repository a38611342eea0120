//! When a version holds, and for whom.
//!
//! A version has two dates: one for members who joined after it was announced, and one for those
//! who were members already (reference, S9; Kill Bill's `effectiveDateForExistingSubscriptions`).
//! Of the versions that have begun for somebody, the newest judges; an older one that begins later
//! never takes over again.

use crate::domain::Time;
use serde::Serialize;

/// When a version holds, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// Whoever joined before this instant is an existing member.
    pub announced_at: Time,
    /// From when on it holds for those who joined later, and for what concerns no member.
    pub effective_new: Time,
    /// From when on it holds for existing members.
    pub effective_existing: Time,
}

impl Timing {
    /// For everybody from one instant on.
    pub fn plain(from: Time) -> Self {
        Self { announced_at: from, effective_new: from, effective_existing: from }
    }

    /// From when on it holds for somebody who has been here since `since`: when a member joined,
    /// or a membership began.
    pub fn starts_for(&self, since: Time) -> Time {
        if since < self.announced_at { self.effective_existing } else { self.effective_new }
    }

    /// Whether it begins at the same time for everybody.
    pub fn is_uniform(&self) -> bool {
        self.effective_new == self.effective_existing
    }
}

/// The place of the version that is in force at an instant for somebody who has been here since
/// `since`: the newest that has begun for them. The versions are given oldest first; `None` when
/// none has begun.
pub fn in_force_for(versions: &[Timing], since: Time, at: Time) -> Option<usize> {
    versions.iter().rposition(|version| version.starts_for(since) <= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Time {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    fn timing(announced: &str, new: &str, existing: &str) -> Timing {
        Timing {
            announced_at: day(announced),
            effective_new: day(new),
            effective_existing: day(existing),
        }
    }

    /// What a member pays month by month who began on the first of January.
    fn paid(versions: &[Timing], prices: &[i64], since: &str, months: &[&str]) -> Vec<i64> {
        let price = |month: &&str| {
            let at = in_force_for(versions, day(since), day(month)).unwrap();
            prices[at]
        };
        months.iter().map(price).collect()
    }

    /// Kill Bill's catalog test: 49.95, and 59.95 from April for new subscriptions and from May for
    /// existing ones.
    #[test]
    fn existing_members_pay_the_old_price_until_their_own_date() {
        let versions =
            [Timing::plain(day("2018-01-01")), timing("2018-03-01", "2018-04-01", "2018-05-01")];
        let months = ["2018-01-01", "2018-02-01", "2018-03-01", "2018-04-01", "2018-05-01"];
        assert_eq!(
            paid(&versions, &[4995, 5995], "2018-01-01", &months),
            [4995, 4995, 4995, 4995, 5995]
        );
        // Who joined after the announcement knew.
        assert_eq!(paid(&versions, &[4995, 5995], "2018-03-15", &months[3..]), [5995, 5995]);
    }

    /// Two changes within one cycle: the newest that is effective applies (Kill Bill #2291 took
    /// the oldest).
    #[test]
    fn of_two_changes_in_one_cycle_the_newest_wins() {
        let versions = [
            Timing::plain(day("2018-01-01")),
            timing("2018-03-01", "2018-04-10", "2018-04-10"),
            timing("2018-03-02", "2018-04-20", "2018-04-20"),
        ];
        let months = ["2018-04-01", "2018-05-01"];
        assert_eq!(paid(&versions, &[4995, 5995, 5495], "2018-01-01", &months), [4995, 5495]);
    }

    #[test]
    fn an_older_version_that_begins_later_never_takes_over_again() {
        let versions = [
            Timing::plain(day("2018-01-01")),
            timing("2018-03-01", "2018-04-01", "2018-09-01"),
            timing("2018-03-02", "2018-05-01", "2018-05-01"),
        ];
        let months = ["2018-04-01", "2018-05-01", "2018-10-01"];
        assert_eq!(paid(&versions, &[1, 2, 3], "2018-01-01", &months), [1, 3, 3]);
    }

    #[test]
    fn the_day_itself_counts() {
        let versions =
            [Timing::plain(day("2018-01-01")), timing("2018-03-01", "2018-04-01", "2018-05-01")];
        let since = day("2018-01-01");
        let eve = day("2018-05-01") - chrono::TimeDelta::microseconds(1);
        assert_eq!(in_force_for(&versions, since, eve), Some(0));
        assert_eq!(in_force_for(&versions, since, day("2018-05-01")), Some(1));
        assert_eq!(in_force_for(&versions, since, day("2017-12-31")), None);
    }
}
