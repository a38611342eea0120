//! What can be asked of the ledger. Each command posts one entry (a transfer two), or is refused.

use super::rules::ReversalPolicy;
use super::{EntryId, HoldId, Origin, Time};
use chrono::TimeDelta;
use perennial_platform::id::Kind;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is explained at its type")]
pub enum Command {
    Earn(Earn),
    Spend(Spend),
    Hold(PlaceHold),
    Capture(Capture),
    Void(Void),
    Reverse(Reverse),
    EarnPending(EarnPending),
    Activate(Activate),
    CancelPending(CancelPending),
    Transfer(Transfer),
    Correct(Correct),
}

/// Gives points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earn {
    /// Of the entry to come.
    pub id: EntryId,
    /// Who earns; comes into being when unknown.
    pub user: String,
    /// Positive.
    pub points: i64,
    /// When it happened.
    pub occurred_at: Time,
    /// Until when they can be spent; `None`: for ever.
    pub expires_at: Option<Time>,
    /// Refuse points whose date has passed, because somebody asked for that date.
    pub must_lie_ahead: bool,
    /// Why.
    pub origin: Origin,
}

/// Spends points in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// Of the entry to come.
    pub id: EntryId,
    /// Who spends.
    pub user: String,
    /// Positive.
    pub points: i64,
    /// Why.
    pub origin: Origin,
}

/// Sets points aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceHold {
    /// Of the entry to come; the hold has the same UUID.
    pub id: EntryId,
    /// Whose points.
    pub user: String,
    /// Positive.
    pub points: i64,
    /// From the moment the ledger records it.
    pub timeout: TimeDelta,
    /// Why.
    pub origin: Origin,
}

/// Turns a hold into a spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Which.
    pub hold: HoldId,
    /// How many of its points; `None`: all.
    pub points: Option<i64>,
}

/// Gives a hold up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Void {
    /// Which.
    pub hold: HoldId,
    /// Why.
    pub reason: String,
}

/// Takes an entry back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// Of the entry to come: [`Reverse::id_for`].
    pub id: EntryId,
    /// Which entry.
    pub entry: EntryId,
    /// How many points; `None`: all that are left.
    pub points: Option<i64>,
    /// When fewer points are left than asked for: take those instead of refusing.
    pub up_to: bool,
    /// What to do when points of an earning are no longer there.
    pub policy: ReversalPolicy,
    /// Until when points can be spent that come back because a reversal is reversed.
    pub expires_at: Option<Time>,
    /// Why: `reason` is the cause.
    pub origin: Origin,
}

impl Reverse {
    /// The id of the reversal of `entry` for this cause, or `fresh` without one: each cause is
    /// applied once to an entry.
    pub fn id_for(entry: EntryId, cause: &str, fresh: EntryId) -> EntryId {
        if cause.is_empty() { fresh } else { EntryId::derived(&format!("reverse {entry} {cause}")) }
    }
}

/// Gives points that are not active yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarnPending {
    /// What is given, to whom and why.
    pub earn: Earn,
    /// When the points become active by themselves; `None`: when somebody activates them.
    pub activates_at: Option<Time>,
}

/// Makes all that is pending of an earning active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activate {
    /// Which.
    pub entry: EntryId,
}

impl Activate {
    /// The id of the one activation of an earning, so that the primary key of the ledger keeps a
    /// second one out.
    pub fn id_for(entry: EntryId) -> EntryId {
        EntryId::derived(&format!("activation {entry}"))
    }
}

/// Calls pending points off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelPending {
    /// Of the entry to come: [`CancelPending::id_for`].
    pub id: EntryId,
    /// Which earning.
    pub entry: EntryId,
    /// How many points; `None`: all that are pending.
    pub points: Option<i64>,
    /// Why.
    pub origin: Origin,
}

impl CancelPending {
    /// The id of the cancellation of `entry` for this cause, or `fresh` without one.
    pub fn id_for(entry: EntryId, cause: &str, fresh: EntryId) -> EntryId {
        if cause.is_empty() { fresh } else { EntryId::derived(&format!("cancel {entry} {cause}")) }
    }
}

/// Gives points of one member to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Of the giver's entry to come; the transfer has the same UUID.
    pub id: EntryId,
    /// Who gives.
    pub from: String,
    /// Who receives; another.
    pub to: String,
    /// Positive.
    pub points: i64,
    /// Why.
    pub origin: Origin,
}

impl Kind for Transfer {
    const PREFIX: &'static str = "trf";
}

impl Transfer {
    /// The id of the receiver's entry.
    pub fn received_id(sent: EntryId) -> EntryId {
        EntryId::derived(&format!("received {sent}"))
    }
}

/// Puts a member's points right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correct {
    /// Of the entry to come.
    pub id: EntryId,
    /// Whose points.
    pub user: String,
    /// Positive: given. Negative: taken. Never 0.
    pub points: i64,
    /// What to do when points to be taken are no longer there.
    pub policy: ReversalPolicy,
    /// Until when points that are given can be spent.
    pub expires_at: Option<Time>,
    /// Refuse points whose date has passed, because somebody asked for that date.
    pub must_lie_ahead: bool,
    /// Why; who corrects and who approved it stand in its facts.
    pub origin: Origin,
}
