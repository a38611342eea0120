//! The rules of loyalty, without I/O: values in, values or a [`Refusal`] out; `now` is an argument.
//!
//! Reading order: [`calendar`] and [`rules`] say what is promised; [`entry`], [`lot`], [`account`]
//! and [`hold`] are the nouns of the ledger; [`book`] applies [`command`]s to them; [`refund`] splits
//! what goes back; [`tier`] judges members. [`reward`] is what everything beside points gives:
//! [`progress`], [`referral`], [`plan`], [`benefit`] (with [`coupon`], [`quota`], [`catalogue`],
//! [`charity`], [`feature`]), [`incident`].

pub mod account;
pub mod audit;
pub mod benefit;
pub mod book;
pub mod calendar;
pub mod catalogue;
pub mod chain;
pub mod charity;
pub mod command;
pub mod coupon;
pub mod entry;
pub mod feature;
pub mod hold;
pub mod incident;
pub mod judgement;
pub mod liability;
pub mod lot;
pub mod notice;
pub mod plan;
pub mod progress;
pub mod quota;
pub mod referral;
pub mod refund;
pub mod refusal;
pub mod reward;
pub mod rounding;
pub mod rules;
pub mod tier;

pub use account::Account;
pub use book::Book;
pub use catalogue::{Redemption, RedemptionId};
pub use charity::{SetAside, SetAsideId};
pub use command::Command;
pub use coupon::{Coupon, CouponId};
pub use entry::{Allocation, Entry, EntryKind, Legs, Origin};
pub use feature::Unlock;
pub use hold::{Hold, HoldState};
pub use incident::{Incident, IncidentId};
pub use lot::Lot;
pub use notice::{Notice, NoticePolicy};
pub use quota::{Claim, ClaimId};
pub use refusal::Refusal;
pub use reward::{Cause, Grant, Reward};
pub use rules::{Programme, RuleVersion};
pub use tier::Tier;

/// An instant.
pub type Time = chrono::DateTime<chrono::Utc>;
/// Names an entry of the ledger: `ent_...`.
pub type EntryId = perennial_platform::id::Id<Entry>;
/// Names a lot: `lot_...`. A lot made by an earning has the UUID of that entry.
pub type LotId = perennial_platform::id::Id<Lot>;
/// Names a hold: `hold_...`. A hold has the UUID of the entry that placed it.
pub type HoldId = perennial_platform::id::Id<Hold>;
/// Names a transfer: `trf_...`. A transfer has the UUID of the giver's entry.
pub type TransferId = perennial_platform::id::Id<command::Transfer>;
/// Names a reward that was given: `grant_...`.
pub type GrantId = perennial_platform::id::Id<Grant>;
