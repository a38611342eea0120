//! The one function that decides about every message, on every path: sent, held or dropped.
//!
//! The gates stand in a fixed order; the first that holds or drops decides and the rest are not
//! asked. What every gate looked at is part of the answer, so a decision explains itself and can
//! be repeated: same inputs, same answer.

mod gates;

use super::caps::{CapRule, CapUse, Slot};
use super::kinds::{Channel, Class};
use super::notification::Notification;
use super::preference::Choice;
use super::quiet::QuietHours;
use super::zone::ZoneSource;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The questions a message passes, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum Gate {
    Eligible = 1,
    Deduped = 2,
    Expired = 3,
    OptedOut = 4,
    Address = 5,
    Cap = 6,
    QuietHours = 7,
}

impl Gate {
    /// Stable name of the gate as the reason of a hold or a drop.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Eligible => "USER_ERASED",
            Self::Deduped => "DUPLICATE",
            Self::Expired => "EXPIRED",
            Self::OptedOut => "OPTED_OUT",
            Self::Address => "NO_ADDRESS",
            Self::Cap => "CAP",
            Self::QuietHours => "QUIET_HOURS",
        }
    }
}

/// What a gate said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Let it through.
    Pass = 1,
    /// Would have stopped it; its class is exempt.
    Bypass = 2,
    /// Not now.
    Hold = 3,
    /// Not at all.
    Drop = 4,
}

/// What becomes of a message that a gate of time stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStop {
    /// Kept until the gate opens, unless it expires before.
    Hold,
    /// Given up.
    Drop,
}

/// How the gates treat one class of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassPolicy {
    /// Caps hold it back.
    pub obeys_caps: bool,
    /// It takes a slot, so it counts for the messages after it.
    pub counts_towards_caps: bool,
    /// Quiet hours hold it back.
    pub obeys_quiet_hours: bool,
    /// At a full cap.
    pub on_cap: OnStop,
    /// In quiet hours.
    pub on_quiet_hours: OnStop,
}

/// Everything that is the same for all users.
#[derive(Debug, Clone)]
pub struct Policy {
    /// For messages a user asked for by what they did.
    pub transactional: ClassPolicy,
    /// For all others.
    pub marketing: ClassPolicy,
    /// Frequency caps; all that fit must have room.
    pub caps: Vec<CapRule>,
    /// Messages held for the night go out over this time after its end, not all at once.
    pub release_spread: TimeDelta,
}

impl Policy {
    /// The policy of a class.
    pub fn class(&self, class: Class) -> &ClassPolicy {
        match class {
            Class::Transactional => &self.transactional,
            Class::Marketing => &self.marketing,
        }
    }
}

/// What is known about the user at the moment of the decision.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The user was erased.
    pub erased: bool,
    /// Their choices.
    pub choices: Vec<Choice>,
    /// Where they can be reached.
    pub reachable: Reachable,
    /// A complaint of theirs is open.
    pub complaint_open: bool,
    /// Messages that count, of the user, without the one to decide about.
    pub slots: Vec<Slot>,
    /// Their zone, and where it came from.
    pub zone: (Tz, ZoneSource),
    /// Their quiet hours.
    pub quiet: Option<QuietHours>,
}

/// Channels on which the user has an address. The inbox needs none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reachable {
    /// An e-mail address is known.
    pub email: bool,
    /// A gateway is configured: it knows its own addresses by user id.
    pub webhook: bool,
}

impl Reachable {
    const fn on(self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email,
            Channel::Webhook => self.webhook,
            Channel::Inbox => true,
        }
    }
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Hand it over now.
    Send,
    /// Look again at the given time.
    Hold(Gate, DateTime<Utc>),
    /// Never.
    Drop(Gate),
}

/// A decision and everything it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub outcome: Outcome,
    /// Why: every gate that was asked.
    pub gates: Vec<GateResult>,
    /// The zone used.
    pub zone: String,
    /// Where it came from.
    pub zone_source: ZoneSource,
    /// The user's wall clock, RFC 3339.
    pub local_time: String,
    /// Release of the zone database.
    pub tzdb: String,
}

/// One gate and what it looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// Which.
    pub gate: Gate,
    /// What it said.
    pub verdict: Verdict,
    /// What it looked at, in words without personal data.
    pub detail: String,
    /// Caps: every rule that fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<CapUse>,
}

/// Decides about one message. Pure: `now` and everything known are arguments.
pub fn decide(
    message: &Notification,
    user: &Circumstances,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision {
    let (outcome, gates) = gates::run(message, user, policy, now);
    let (zone, zone_source) = user.zone;
    Decision {
        at: now,
        outcome,
        gates,
        zone: zone.name().to_owned(),
        zone_source,
        local_time: now.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false),
        tzdb: chrono_tz::IANA_TZDB_VERSION.to_owned(),
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
