//! The seven gates.

use super::{Circumstances, Gate, GateResult, OnStop, Outcome, Policy, Verdict};
use crate::domain::caps::CapUse;
use crate::domain::kinds::Channel;
use crate::domain::notification::Notification;
use crate::domain::preference::deciding;
use crate::domain::spread;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// The gates on their way.
struct Asked<'a> {
    message: &'a Notification,
    user: &'a Circumstances,
    policy: &'a Policy,
    now: DateTime<Utc>,
    gates: Vec<GateResult>,
}

/// Asks the gates in order until one stops the message.
pub(super) fn run(
    message: &Notification,
    user: &Circumstances,
    policy: &Policy,
    now: DateTime<Utc>,
) -> (Outcome, Vec<GateResult>) {
    let mut asked = Asked { message, user, policy, now, gates: Vec::with_capacity(7) };
    let outcome = asked.run();
    (outcome, asked.gates)
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
