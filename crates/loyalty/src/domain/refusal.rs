//! Why a command is refused by rule.

use super::{EntryKind, HoldState};

/// A refusal: nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("no such member")]
    MemberNotFound,
    #[error("the receiver is no member")]
    ReceiverNotFound,
    #[error("the receiver was erased")]
    ReceiverClosed,
    #[error("the member was erased; nothing can be earned or spent any more")]
    MemberClosed,
    #[error("{spendable} points can be spent")]
    Insufficient { spendable: i64 },
    #[error("the member's points would pass the limit of {limit}")]
    BalanceLimit { limit: i64 },
    #[error("the date of the points has passed")]
    ExpiryPassed,
    #[error("no such hold")]
    HoldNotFound,
    #[error("the hold is for {held} points")]
    ExceedsHold { held: i64 },
    #[error("the hold was resolved before")]
    HoldResolved { state: HoldState },
    #[error("nothing of the entry is pending")]
    NotPending,
    #[error("{pending} points of the entry are pending")]
    ExceedsPending { pending: i64 },
    #[error("no such entry")]
    EntryNotFound,
    #[error("an entry of this kind cannot be reversed")]
    NotReversible { kind: EntryKind },
    #[error("{reversible} points of the entry are left to reverse")]
    ExceedsOriginal { reversible: i64 },
    #[error("nothing is left that could be reversed")]
    NothingToReverse,
    #[error("the business event was applied before with another {field}")]
    SourceEventReused { field: &'static str },
}
