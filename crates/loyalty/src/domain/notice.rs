//! No silent expiry: points expire only when their holder was warned in time (reference, 5.6).
//!
//! Invariant: a lot expires only with a [`Notice`] that holds. One without is extended on its date,
//! and its holder is warned of the new one.

use super::calendar;
use super::{Lot, Time};
use chrono::TimeDelta;
use chrono_tz::Tz;

/// For how long after its first date a lot is extended at most, when its holder can never be told.
pub const LONGEST_EXTENSION: TimeDelta = TimeDelta::days(365);

/// How holders are warned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoticePolicy {
    /// Points may not expire without.
    pub required: bool,
    /// Whole days between the hand-over of the warning and the date.
    pub days: u32,
    /// For how many more days points are good whose holder was not warned.
    pub extension_days: u32,
}

/// What is known of the warning for a lot's date. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i16)]
pub enum Notice {
    /// The holder was not told yet.
    #[default]
    NotTold = 0,
    /// Handed over to a channel, early enough.
    HandedOver = 1,
    /// Whoever gave the points asked for a date so near that the answer itself was the notice.
    ShortDated = 2,
    /// The holder does not want to be told.
    OptedOut = 3,
    /// Extended for [`LONGEST_EXTENSION`]; nobody was ever reached.
    GivenUp = 4,
    /// The programme does not promise a warning.
    NotRequired = 5,
    /// Told to the event log; nothing was heard since.
    Pending = 6,
    /// The hand-over failed for good.
    Failed = 7,
    /// There is no address to hand it over to.
    NoAddress = 8,
    /// Dropped for another reason: it came too late, too often, was cancelled.
    Dropped = 9,
    /// Handed over, too late for the date.
    Late = 10,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotTold,
        Self::HandedOver,
        Self::ShortDated,
        Self::OptedOut,
        Self::GivenUp,
        Self::NotRequired,
        Self::Pending,
        Self::Failed,
        Self::NoAddress,
        Self::Dropped,
        Self::Late,
    ];

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.number() == number)
    }

    /// The date holds: on it the points expire.
    pub fn holds(self) -> bool {
        matches!(
            self,
            Self::HandedOver
                | Self::ShortDated
                | Self::OptedOut
                | Self::GivenUp
                | Self::NotRequired
        )
    }

    /// The reason that stands in the entry when points expire or are extended.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotTold => "NOT_TOLD",
            Self::HandedOver => "HANDED_OVER",
            Self::ShortDated => "SHORT_DATED",
            Self::OptedOut => "OPTED_OUT",
            Self::GivenUp => "GIVEN_UP",
            Self::NotRequired => "NOT_REQUIRED",
            Self::Pending => "PENDING",
            Self::Failed => "FAILED",
            Self::NoAddress => "NO_ADDRESS",
            Self::Dropped => "DROPPED",
            Self::Late => "LATE",
        }
    }
}

impl NoticePolicy {
    /// For a lot with a new date.
    pub fn at_first(&self) -> Notice {
        if self.required { Notice::NotTold } else { Notice::NotRequired }
    }

    /// The same for a date that the caller asked for: there is no time for a warning when fewer
    /// than a day more than its notice lie ahead.
    pub fn asked_for(&self, now: Time, expires_at: Option<Time>) -> Notice {
        let shortest = TimeDelta::days(i64::from(self.days) + 1);
        let short = expires_at.is_some_and(|at| at - now < shortest);
        if self.required && short { Notice::ShortDated } else { self.at_first() }
    }

    /// Whether a warning that was handed over at an instant is early enough for a date.
    pub fn in_time(&self, handed_over: Time, expires_at: Time, zone: Tz) -> bool {
        handed_over <= calendar::days_before(expires_at, self.days, zone)
    }

    /// The date for a holder who was warned at an instant: whole days after the day of the warning.
    pub fn after_warning(&self, handed_over: Time, zone: Tz) -> Option<Time> {
        calendar::expiry_after_days(handed_over, self.days, zone)
    }

    /// What becomes of a lot whose date passed without a notice that holds: its next date, or
    /// `None` when it was extended long enough.
    pub fn extension(&self, lot: &Lot, now: Time, zone: Tz) -> Option<Time> {
        let first = lot.extended_from.or(lot.expires_at).unwrap_or(now);
        if lot.extended_from.is_some() && now - first >= LONGEST_EXTENSION {
            return None;
        }
        calendar::expiry_after_days(now, self.extension_days, zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: NoticePolicy = NoticePolicy { required: true, days: 7, extension_days: 30 };

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn in_time_is_seven_local_days_before_to_the_instant() {
        let zone = chrono_tz::Asia::Shanghai;
        let date = at("2026-03-10T16:00:00Z");
        assert!(POLICY.in_time(at("2026-03-03T16:00:00Z"), date, zone));
        assert!(!POLICY.in_time(at("2026-03-03T16:00:00.000001Z"), date, zone));
        // The clocks went forward on 8 March: seven days are an hour shorter.
        let zone = chrono_tz::America::New_York;
        assert!(POLICY.in_time(at("2026-03-04T05:00:00Z"), at("2026-03-11T04:00:00Z"), zone));
    }

    #[test]
    fn numbers_are_told_apart() {
        for notice in Notice::ALL {
            assert_eq!(Notice::from_number(notice.number()), Some(notice));
        }
        assert_eq!(Notice::from_number(99), None);
    }

    proptest! {
        /// Whenever somebody was warned too late, the date that they get instead is early enough.
        #[test]
        fn the_date_after_a_late_warning_holds(seconds in 0i64..4_000_000_000, days in 0u32..60) {
            let policy = NoticePolicy { days, ..POLICY };
            let handed_over = Time::UNIX_EPOCH + TimeDelta::seconds(seconds);
            for zone in [chrono_tz::Asia::Shanghai, chrono_tz::America::Sao_Paulo] {
                let date = policy.after_warning(handed_over, zone).unwrap();
                prop_assert!(policy.in_time(handed_over, date, zone));
            }
        }
    }
}
