//! The one function that decides about every message, on every path: sent, held or dropped.
//!
//! The gates stand in a fixed order; the first that holds or drops decides and the rest are not
//! asked. What every gate looked at is part of the answer, so a decision explains itself and can
//! be repeated: same inputs, same answer.

use super::caps::{CapRule, CapUse, Slot};
use super::kinds::{Channel, Class};
use super::notification::Notification;
use super::preference::{Choice, deciding};
use super::quiet::QuietHours;
use super::spread;
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
    let mut asked = Asked { message, user, policy, now, gates: Vec::with_capacity(7) };
    let outcome = asked.run();
    let (zone, zone_source) = user.zone;
    Decision {
        at: now,
        outcome,
        gates: asked.gates,
        zone: zone.name().to_owned(),
        zone_source,
        local_time: now.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false),
        tzdb: chrono_tz::IANA_TZDB_VERSION.to_owned(),
    }
}

/// The gates on their way.
struct Asked<'a> {
    message: &'a Notification,
    user: &'a Circumstances,
    policy: &'a Policy,
    now: DateTime<Utc>,
    gates: Vec<GateResult>,
}

impl Asked<'_> {
    fn run(&mut self) -> Outcome {
        let gates = [Self::eligible, Self::deduped, Self::expired, Self::opted_out, Self::address];
        for gate in gates {
            if let Some(stop) = gate(self) {
                return stop;
            }
        }
        self.cap().or_else(|| self.quiet_hours()).unwrap_or(Outcome::Send)
    }

    fn note(&mut self, gate: Gate, verdict: Verdict, detail: impl Into<String>) {
        self.gates.push(GateResult { gate, verdict, detail: detail.into(), caps: Vec::new() });
    }

    /// A gate without a middle way: pass or drop.
    fn ask(&mut self, gate: Gate, pass: bool, detail: impl Into<String>) -> Option<Outcome> {
        self.note(gate, if pass { Verdict::Pass } else { Verdict::Drop }, detail);
        (!pass).then_some(Outcome::Drop(gate))
    }

    fn eligible(&mut self) -> Option<Outcome> {
        let erased = self.user.erased;
        self.ask(Gate::Eligible, !erased, if erased { "user was erased" } else { "user is here" })
    }

    /// Always passes: a duplicate has no row of its own. The key is shown.
    fn deduped(&mut self) -> Option<Outcome> {
        let detail = format!("first with key {}", self.message.dedupe_key);
        self.ask(Gate::Deduped, true, detail)
    }

    fn expired(&mut self) -> Option<Outcome> {
        let expiry = self.message.expire_at;
        let detail = expiry.map_or("never expires".to_owned(), |at| {
            format!("of use until {}", at.to_rfc3339_opts(SecondsFormat::Secs, true))
        });
        self.ask(Gate::Expired, expiry.is_none_or(|at| self.now < at), detail)
    }

    fn opted_out(&mut self) -> Option<Outcome> {
        let Notification { topic, channel, .. } = self.message;
        let choice = deciding(&self.user.choices, topic, *channel);
        let or_every = |s: &str| if s.is_empty() { "every topic".to_owned() } else { s.to_owned() };
        let detail = choice.map_or("no choice made".to_owned(), |c| {
            format!(
                "opted {} for {} on {}",
                if c.opted_in { "in" } else { "out" },
                or_every(&c.topic),
                c.channel.map_or("every channel", Channel::name)
            )
        });
        self.ask(Gate::OptedOut, choice.is_none_or(|c| c.opted_in), detail)
    }

    fn address(&mut self) -> Option<Outcome> {
        let channel = self.message.channel;
        let known = self.user.reachable.on(channel);
        let detail = format!("{} for {}", if known { "known" } else { "none" }, channel.name());
        self.ask(Gate::Address, known, detail)
    }

    fn cap(&mut self) -> Option<Outcome> {
        let Notification { topic, channel, class, .. } = self.message;
        let (user, zone) = (self.user, self.user.zone.0);
        let caps: Vec<CapUse> = self
            .policy
            .caps
            .iter()
            .filter(|rule| rule.fits(*channel, topic))
            .map(|rule| rule.usage(&user.slots, topic, user.complaint_open, zone, self.now))
            .collect();
        let room = caps.iter().filter_map(|c| c.next).max();
        let full = caps.iter().filter(|c| c.next.is_some()).count();
        let mut detail = format!("{full} of {} rules full", caps.len());
        if user.complaint_open {
            detail.push_str(", a complaint is open");
        }
        let class = self.policy.class(*class);
        let (verdict, stop) = match room {
            None => (Verdict::Pass, None),
            Some(_) if !class.obeys_caps => (Verdict::Bypass, None),
            Some(next) => self.stop(Gate::Cap, class.on_cap, self.awake(next)),
        };
        self.gates.push(GateResult { gate: Gate::Cap, verdict, detail, caps });
        stop
    }

    fn quiet_hours(&mut self) -> Option<Outcome> {
        let Some(hours) = self.user.quiet else {
            self.note(Gate::QuietHours, Verdict::Pass, "no quiet hours");
            return None;
        };
        let class = self.policy.class(self.message.class);
        let quiet = hours.release(self.user.zone.0, self.now).is_some();
        let (verdict, stop) = if !quiet {
            (Verdict::Pass, None)
        } else if class.obeys_quiet_hours {
            self.stop(Gate::QuietHours, class.on_quiet_hours, self.awake(self.now))
        } else {
            (Verdict::Bypass, None)
        };
        let local = self.now.with_timezone(&self.user.zone.0).format("%H:%M");
        self.note(Gate::QuietHours, verdict, format!("quiet {hours}, local time {local}"));
        stop
    }

    /// Holds until `next`, or drops when the policy says so or the message is of no use by then.
    fn stop(&self, gate: Gate, on: OnStop, next: DateTime<Utc>) -> (Verdict, Option<Outcome>) {
        let too_late = self.message.expire_at.is_some_and(|expiry| next >= expiry);
        if on == OnStop::Drop || too_late {
            return (Verdict::Drop, Some(Outcome::Drop(gate)));
        }
        (Verdict::Hold, Some(Outcome::Hold(gate, next)))
    }

    /// The first moment from `at` on that is not quiet, plus the message's own share of the
    /// release spread, but not into the next quiet time.
    fn awake(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let zone = self.user.zone.0;
        let obeys = self.policy.class(self.message.class).obeys_quiet_hours;
        let Some(hours) = self.user.quiet.filter(|_| obeys) else { return at };
        let Some(end) = hours.release(zone, at) else { return at };
        let width = u64::try_from(self.policy.release_spread.num_seconds()).unwrap_or(0);
        let share = spread::below(self.message.id, 0, width);
        let spread = end + TimeDelta::seconds(i64::try_from(share).unwrap_or(0));
        if hours.release(zone, spread).is_none() { spread } else { end }
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
