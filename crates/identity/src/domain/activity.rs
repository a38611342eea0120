//! What a user did, and which of it is taken in.

use crate::domain::money::Money;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The kinds of activities; the numbers are those of the contract and of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the contract describes each kind")]
#[repr(i16)]
pub enum Kind {
    Login = 1,
    Session = 2,
    FeatureUse = 3,
    Purchase = 4,
    Refund = 5,
    CheckIn = 6,
    Comment = 7,
    Share = 8,
    Feedback = 9,
    ReviewPositive = 10,
    ReviewNegative = 11,
    SupportContact = 12,
    Referral = 13,
    Touch = 14,
    TaskCompleted = 15,
    Search = 16,
}

impl Kind {
    /// Every kind, by number.
    pub const ALL: [Self; 16] = [
        Self::Login,
        Self::Session,
        Self::FeatureUse,
        Self::Purchase,
        Self::Refund,
        Self::CheckIn,
        Self::Comment,
        Self::Share,
        Self::Feedback,
        Self::ReviewPositive,
        Self::ReviewNegative,
        Self::SupportContact,
        Self::Referral,
        Self::Touch,
        Self::TaskCompleted,
        Self::Search,
    ];

    /// The kind with this number.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| i32::from(kind.code()) == code)
    }

    /// The kind's number.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// The user was there themselves. A refund is done to them, a referral is somebody else's
    /// registration, a touch is an advertisement seen.
    pub fn is_own(self) -> bool {
        !matches!(self, Self::Refund | Self::Referral | Self::Touch)
    }

    /// The user used the product.
    pub fn is_use(self) -> bool {
        matches!(self, Self::Login | Self::Session | Self::CheckIn) || self.is_lesser_use()
    }

    /// A use of which one sitting may hold many.
    pub fn is_lesser_use(self) -> bool {
        matches!(self, Self::FeatureUse | Self::TaskCompleted | Self::Search)
    }

    /// Comment, share, feedback (product row ID-4); reviews are feedback given in public.
    pub fn is_interaction(self) -> bool {
        matches!(self, Self::Comment | Self::Share) || self.is_feedback()
    }

    /// The user told us what they think.
    pub fn is_feedback(self) -> bool {
        matches!(self, Self::Feedback | Self::ReviewPositive | Self::ReviewNegative)
    }

    /// Money went over the counter, in one direction or the other.
    pub fn is_payment(self) -> bool {
        matches!(self, Self::Purchase | Self::Refund)
    }
}

/// One activity, as told by the caller. Two with the same `source` and `source_event_id` are the
/// same activity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract describes each field")]
pub struct Activity {
    pub user_id: String,
    pub kind: Kind,
    pub occur_time: DateTime<Utc>,
    pub source: String,
    pub source_event_id: String,
    pub amount: Option<Money>,
    pub object: String,
    /// Whole milliseconds.
    pub duration: Option<TimeDelta>,
}

/// An activity as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Derived from the natural key.
    pub id: Uuid,
    /// What was told.
    pub activity: Activity,
    /// When it was recorded.
    pub record_time: DateTime<Utc>,
}

/// Why an activity is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract describes each reason")]
pub enum Refusal {
    OccurTimeInFuture,
    AmountRequired,
    AmountNotAllowed,
    DurationRequired,
    SourceEventIdReused,
    UserErased,
}

impl Refusal {
    /// As the contract spells it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::OccurTimeInFuture => "OCCUR_TIME_IN_FUTURE",
            Self::AmountRequired => "AMOUNT_REQUIRED",
            Self::AmountNotAllowed => "AMOUNT_NOT_ALLOWED",
            Self::DurationRequired => "DURATION_REQUIRED",
            Self::SourceEventIdReused => "SOURCE_EVENT_ID_REUSED",
            Self::UserErased => "USER_ERASED",
        }
    }
}

impl Activity {
    /// The key that makes it unique. No key the contract allows holds a line break.
    pub fn natural_key(&self) -> String {
        format!("{}\n{}", self.source, self.source_event_id)
    }

    /// The least amount in minor units: an order may be free, a refund of nothing is none.
    fn least(&self) -> i64 {
        i64::from(self.kind == Kind::Refund)
    }

    /// Checks what can be seen from the activity alone. `latest` is the last moment at which it
    /// may have happened.
    pub fn admit(&self, latest: DateTime<Utc>) -> Result<(), Refusal> {
        if self.occur_time > latest {
            return Err(Refusal::OccurTimeInFuture);
        }
        match &self.amount {
            Some(_) if !self.kind.is_payment() => return Err(Refusal::AmountNotAllowed),
            Some(money) if money.minor_units < self.least() => return Err(Refusal::AmountRequired),
            None if self.kind.is_payment() => return Err(Refusal::AmountRequired),
            _ => {}
        }
        if self.kind == Kind::Session && self.duration.is_none() {
            return Err(Refusal::DurationRequired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(kind: Kind) -> Activity {
        Activity {
            user_id: "u".into(),
            kind,
            occur_time: DateTime::UNIX_EPOCH,
            source: "shop".into(),
            source_event_id: "1".into(),
            amount: None,
            object: String::new(),
            duration: None,
        }
    }

    #[test]
    fn payments_have_an_amount_and_nothing_else_has() {
        let latest = DateTime::UNIX_EPOCH;
        let usd = |minor_units| Some(Money { currency: "USD".parse().unwrap(), minor_units });
        for kind in Kind::ALL {
            let bare = activity(kind).admit(latest);
            let paid =
                Activity { amount: usd(1), duration: Some(TimeDelta::zero()), ..activity(kind) };
            let free = Activity { amount: usd(0), ..activity(kind) };
            let negative = Activity { amount: usd(-1), ..activity(kind) };
            if kind.is_payment() {
                assert_eq!(bare, Err(Refusal::AmountRequired));
                assert_eq!(paid.admit(latest), Ok(()));
                assert_eq!(free.admit(latest).is_ok(), kind == Kind::Purchase);
                assert_eq!(negative.admit(latest), Err(Refusal::AmountRequired));
            } else {
                assert_eq!(bare.is_ok(), kind != Kind::Session);
                assert_eq!(paid.admit(latest), Err(Refusal::AmountNotAllowed));
            }
            assert_eq!(Kind::from_code(i32::from(kind.code())), Some(kind));
        }
    }

    #[test]
    fn the_future_is_refused_beyond_the_tolerance() {
        let login = activity(Kind::Login);
        assert_eq!(login.admit(login.occur_time), Ok(()));
        let before = login.occur_time - TimeDelta::microseconds(1);
        assert_eq!(login.admit(before), Err(Refusal::OccurTimeInFuture));
    }
}
