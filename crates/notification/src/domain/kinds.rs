//! Channels, classes and states. The numbers are those of the contract and of the tables.

use serde::{Deserialize, Serialize};

/// How a message reaches a user (product row NT-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// SMTP, or .eml files in a folder.
    Email = 1,
    /// A signed call to a gateway for SMS, push or chat.
    Webhook = 2,
    /// The in-app inbox kept here.
    Inbox = 3,
}

impl Channel {
    /// Number in the contract and in the tables.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The channel with this number.
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            1 => Some(Self::Email),
            2 => Some(Self::Webhook),
            3 => Some(Self::Inbox),
            _ => None,
        }
    }

    /// Name in texts for operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Inbox => "inbox",
        }
    }
}

/// What kind of message it is; [`super::decision::ClassPolicy`] says what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Asked for by what the user just did.
    Transactional = 1,
    /// Everything else.
    Marketing = 2,
}

impl Class {
    /// Number in the contract and in the tables.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The class with this number.
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            1 => Some(Self::Transactional),
            2 => Some(Self::Marketing),
            _ => None,
        }
    }
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for its send time.
    Scheduled = 1,
    /// Was due, held back by a gate.
    Held = 2,
    /// Passed every gate; is being handed over under a lease.
    Claimed = 3,
    /// Handed over.
    Sent = 4,
    /// The lease ran out between hand-over and record: it may have been sent.
    Unknown = 5,
    /// A hand-over failed for now.
    Failed = 6,
    /// A hand-over failed for good.
    Dead = 7,
    /// Decided not to be sent.
    Dropped = 8,
    /// Taken back.
    Cancelled = 9,
}

impl State {
    /// States that wait for their next time and can still be taken back.
    pub const PENDING: [Self; 4] = [Self::Scheduled, Self::Held, Self::Unknown, Self::Failed];

    /// Number in the contract and in the tables.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The state with this number.
    pub const fn from_code(code: i16) -> Option<Self> {
        Some(match code {
            1 => Self::Scheduled,
            2 => Self::Held,
            3 => Self::Claimed,
            4 => Self::Sent,
            5 => Self::Unknown,
            6 => Self::Failed,
            7 => Self::Dead,
            8 => Self::Dropped,
            9 => Self::Cancelled,
            _ => return None,
        })
    }

    /// Waits for its next time.
    pub fn is_pending(self) -> bool {
        Self::PENDING.contains(&self)
    }

    /// Nothing will happen by itself any more, so there is no next time.
    pub fn is_final(self) -> bool {
        !self.is_pending() && self != Self::Claimed
    }
}
