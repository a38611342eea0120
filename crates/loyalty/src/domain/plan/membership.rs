//! A membership: its line of access, the charge it waits for, and what time brings.
//!
//! Entitlement and billing are two views (Kill Bill; reference, S10). The state is a function of
//! dates: [`Membership::advance`] brings it up to an instant, and reads do that in memory, so it
//! counts whether or not a job ran.

use super::months;
use super::price::terms;
use super::{Charge, ChargeId, ChargeKind, ChargeState, Line, Period, TimeKind};
use crate::domain::{Programme, RuleVersion, Time};
use chrono::TimeDelta;
use perennial_platform::id::{Id, Kind};

/// Names a membership: `mem_...`.
pub type MembershipId = Id<Membership>;

/// How long a first charge waits for its payment (reference, S10: 23 hours, as Stripe).
pub const PENDING: TimeDelta = TimeDelta::hours(23);
/// How much earlier than it must a notice is recorded, so that one that a job records a little late
/// is still in time.
const HEADROOM: TimeDelta = TimeDelta::hours(1);

/// Where a membership stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The first charge is not paid yet.
    PendingPayment,
    /// In the free trial.
    Trialing,
    /// Paid or given.
    Active,
    /// A renewal could not be collected; access goes on.
    Grace,
    /// Nor in the days of grace; access waits for payment.
    OnHold,
    /// Set aside by the member.
    Paused,
    /// Canceled; access until the end of what was paid.
    Canceling,
    /// Over.
    Expired,
    /// Given back in full; over.
    Refunded,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Expired,
    /// At once, because the member said so or was erased. What was left is lost.
    Stopped,
    /// The latest charge was given back.
    Refunded,
}

/// A pause. The line stands as it was at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Time,
    /// When it ends by itself.
    pub until: Time,
}

/// A change of state, dated when it fell due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// From.
    pub from: State,
    /// To.
    pub to: State,
    /// When.
    pub at: Time,
    /// Until when there is access from then on, as known then; `None`: there is none, or (in the
    /// history) it was not kept.
    pub access_until: Option<Time>,
}

/// What has to be written down and told; not a part of the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// Changes of state.
    pub transitions: Vec<Transition>,
    /// Charges that are no longer open.
    pub closed: Vec<Charge>,
    /// Whether a notice was recorded.
    pub announced: bool,
    /// Whether a charge fell due.
    pub asked: bool,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its name.
    pub id: MembershipId,
    /// Whose.
    pub user: String,
    /// Which plan it renews with, or is.
    pub plan: String,
    /// How long a charge is good for; `None`: it was given, and does not renew.
    pub period: Option<Period>,
    /// Since when its prices are protected.
    pub began_at: Time,
    /// The version that protects them.
    pub version: String,
    /// When it came into being.
    pub created_at: Time,
    /// The day of the month that its periods count from.
    pub anchor: u32,
    /// Who has access when.
    pub line: Line,
    /// When it was canceled.
    pub canceled_at: Option<Time>,
    /// The pause it is in.
    pub pause: Option<Pause>,
    /// The plan and period to go on with: after the first payment, or the next one.
    pub next: Option<(String, Period)>,
    /// The charge that is announced or due.
    pub charge: Option<Charge>,
    /// Charges there were, the open one included.
    pub charges: u32,
    /// When and how it ended.
    pub ended: Option<(Time, Ending)>,
    /// Where it stands, as last looked at.
    pub state: State,
    /// Since when.
    pub since: Time,
    /// What is to be written down and told.
    pub news: News,
}

impl Kind for Membership {
    const PREFIX: &'static str = "mem";
}

fn days(n: u32) -> TimeDelta {
    TimeDelta::days(i64::from(n))
}

impl Membership {
    /// One without any time yet.
    pub fn new(id: MembershipId, user: &str, plan: &str, programme: &Programme, now: Time) -> Self {
        Self {
            id,
            user: user.to_owned(),
            plan: plan.to_owned(),
            period: None,
            began_at: now,
            version: programme.in_force(now).version.clone(),
            created_at: now,
            anchor: 0,
            line: Line::default(),
            canceled_at: None,
            pause: None,
            next: None,
            charge: None,
            charges: 0,
            ended: None,
            state: State::PendingPayment,
            since: now,
            news: News::default(),
        }
    }

    /// The end of everything paid or given; the beginning, when there is nothing.
    pub fn end(&self) -> Time {
        self.line.end().unwrap_or(self.created_at)
    }

    /// The terms that hold for it at an instant.
    pub fn terms<'a>(&self, programme: &'a Programme, at: Time) -> &'a RuleVersion {
        match self.period {
            Some(period) => terms(programme, self.began_at, &self.plan, period, at),
            None => programme.in_force(self.began_at),
        }
    }

    /// Whether the first charge is still open.
    pub fn is_pending(&self) -> bool {
        self.charge.as_ref().is_some_and(|charge| charge.kind == ChargeKind::First)
    }

    /// Whether it asks for another period at its end.
    pub fn renews(&self, programme: &Programme) -> bool {
        let open = self.ended.is_none() && self.canceled_at.is_none() && !self.is_pending();
        let by_itself = |version: &RuleVersion| {
            version.plans.plan(&self.plan).is_some_and(|plan| plan.auto_renew)
        };
        open && self.period.is_some() && by_itself(self.terms(programme, self.end()))
    }

    /// Until when access goes on although the open charge is not paid; `None` when no end is set,
    /// because nobody was asked for money yet.
    pub fn patience(&self, programme: &Programme) -> Option<Time> {
        let charge = self.charge.as_ref().filter(|charge| charge.kind != ChargeKind::First)?;
        let asked_at = charge.asked_at?;
        let grace = match charge.kind {
            // What was never paid for is not lent.
            ChargeKind::TrialEnd => PENDING,
            _ => days(self.terms(programme, charge.due_at).plans.grace_days),
        };
        Some((asked_at + grace).max(self.end()))
    }

    /// When the time comes to record the notice of the next renewal.
    pub fn notice_time(&self, programme: &Programme) -> Option<Time> {
        let waits = self.renews(programme) && self.charge.is_none() && self.pause.is_none();
        waits.then(|| self.end() - self.lead(programme) - HEADROOM)
    }

    /// How long before a renewal its notice has to be there.
    pub(super) fn lead(&self, programme: &Programme) -> TimeDelta {
        days(self.terms(programme, self.end()).plans.notice_days)
    }

    /// When time next changes something; `None` when it never does.
    pub fn due_at(&self, programme: &Programme) -> Option<Time> {
        let asks = self.charge.as_ref().filter(|c| c.asked_at.is_none()).map(|c| c.due_at);
        let steps = [self.next_step(programme), self.notice_time(programme), asks];
        steps.into_iter().flatten().min().filter(|_| self.ended.is_none())
    }

    /// Brings it up to an instant: pauses end, charges that were not paid are given up, what is
    /// over ends.
    pub fn advance(&mut self, programme: &Programme, now: Time) {
        while let Some(at) = self.next_step(programme).filter(|at| *at <= now) {
            self.step(programme, at);
            self.note(programme, at);
        }
        self.note(programme, now);
    }

    /// Writes down where it stands, if that changed.
    pub fn note(&mut self, programme: &Programme, at: Time) {
        let to = self.standing(programme, at);
        if to != self.state {
            let from = self.state;
            (self.state, self.since) = (to, at);
            let access_until = self.access(programme, at).map(|(_, until)| until);
            self.news.transitions.push(Transition { from, to, at, access_until });
        }
    }

    /// When time next changes where it stands.
    fn next_step(&self, programme: &Programme) -> Option<Time> {
        if self.ended.is_some() {
            return None;
        }
        if let Some(pause) = self.pause {
            return Some(pause.until);
        }
        if let Some(charge) = self.charge.as_ref().filter(|c| c.kind == ChargeKind::First) {
            return Some(charge.due_at + PENDING);
        }
        if !self.renews(programme) {
            return Some(self.end());
        }
        let until = self.patience(programme)?;
        match self.state {
            State::OnHold => Some(until + self.hold(programme)),
            _ => Some(until),
        }
    }

    fn hold(&self, programme: &Programme) -> TimeDelta {
        days(self.terms(programme, self.end()).plans.hold_days)
    }

    fn step(&mut self, programme: &Programme, at: Time) {
        if self.pause.is_some() {
            self.go_on(at);
        } else if self.is_pending() {
            self.void_charge();
            self.give_up(at);
        } else if !self.renews(programme) || self.state == State::OnHold {
            self.stop(at, Ending::Expired);
        }
        // Otherwise patience has run out, and `note` finds it on hold.
    }

    /// Nobody paid the first charge: what is left is time that was given, if any.
    pub(super) fn give_up(&mut self, at: Time) {
        (self.next, self.period) = (None, None);
        match self.line.stretches().last().filter(|last| last.until > at) {
            Some(last) => self.plan.clone_from(&last.plan),
            None => self.stop(at, Ending::Expired),
        }
    }

    /// Ends a pause because the member wants to use it again.
    pub fn wake(&mut self, now: Time) {
        self.go_on(now);
    }

    /// Ends a pause: everything after its beginning moves by its length.
    pub(super) fn go_on(&mut self, at: Time) {
        if let Some(pause) = self.pause.take() {
            self.line.stand_still(pause.since, at);
        }
    }

    /// Ends it.
    pub(super) fn stop(&mut self, at: Time, how: Ending) {
        self.void_charge();
        self.pause = None;
        self.ended = Some((at, how));
    }

    /// The open charge is no longer to be collected.
    pub(super) fn void_charge(&mut self) {
        if let Some(charge) = self.charge.take() {
            self.news.closed.push(Charge { state: ChargeState::Void, ..charge });
        }
    }

    /// The instant that its line stands at: that of the pause, in one.
    pub(super) fn line_time(&self, now: Time) -> Time {
        self.pause.map_or(now, |pause| pause.since)
    }

    /// The id of its next charge.
    pub(super) fn next_charge_id(&mut self) -> ChargeId {
        self.charges += 1;
        ChargeId::derived(&format!("charge {} {}", self.id, self.charges))
    }

    /// Puts the anchor right for months that begin at `from`, and answers when they end.
    pub(super) fn months_from(&mut self, programme: &Programme, from: Time, n: u32) -> Time {
        self.anchor = months::anchor(self.anchor, from, programme.zone);
        months::after_months(from, n, self.anchor, programme.zone)
    }

    fn standing(&self, programme: &Programme, at: Time) -> State {
        match self.ended {
            Some((_, Ending::Refunded)) => return State::Refunded,
            Some(_) => return State::Expired,
            None if self.pause.is_some() => return State::Paused,
            None => {}
        }
        let running = self.line.at(at).is_some();
        if self.is_pending() {
            return if running { State::Active } else { State::PendingPayment };
        }
        if self.canceled_at.is_some() {
            return State::Canceling;
        }
        let trial = |s: &super::Stretch| s.kind == TimeKind::Trial && at < s.until;
        if self.line.stretches().iter().any(trial) {
            return State::Trialing;
        }
        let Some(charge) = self.charge.as_ref().filter(|charge| charge.is_due(at)) else {
            return State::Active;
        };
        match self.patience(programme) {
            Some(until) if at >= until => State::OnHold,
            _ if charge.failures > 0 => State::Grace,
            _ => State::Active,
        }
    }

    /// The plan that its member has access to at an instant up to which it was advanced, and until
    /// when at least.
    pub fn access(&self, programme: &Programme, now: Time) -> Option<(&str, Time)> {
        if self.ended.is_some() || self.pause.is_some() {
            return None;
        }
        // A renewal that is waited for goes on with the membership's plan.
        let lent = self.renews(programme) && self.state != State::OnHold;
        let lent_until = lent.then(|| match (self.patience(programme), &self.charge) {
            (Some(until), _) => until,
            (None, Some(charge)) => charge.due_at,
            (None, None) => now + self.lead(programme),
        });
        match (self.line.at(now), lent_until) {
            (Some(stretch), _) => {
                Some((&stretch.plan, self.line.unbroken_from(now).unwrap_or(stretch.until)))
            }
            (None, Some(until)) => Some((&self.plan, until.max(now))),
            (None, None) => None,
        }
    }
}

impl State {
    /// As in the contract.
    pub fn number(self) -> i16 {
        match self {
            Self::PendingPayment => 1,
            Self::Trialing => 2,
            Self::Active => 3,
            Self::Grace => 4,
            Self::OnHold => 5,
            Self::Paused => 6,
            Self::Canceling => 7,
            Self::Expired => 8,
            Self::Refunded => 9,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [
            Self::PendingPayment,
            Self::Trialing,
            Self::Active,
            Self::Grace,
            Self::OnHold,
            Self::Paused,
            Self::Canceling,
            Self::Expired,
            Self::Refunded,
        ];
        all.into_iter().find(|state| state.number() == number)
    }
}

impl Ending {
    /// As it is kept.
    pub fn number(self) -> i16 {
        match self {
            Self::Expired => 1,
            Self::Stopped => 2,
            Self::Refunded => 3,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [Self::Expired, Self::Stopped, Self::Refunded];
        all.into_iter().find(|ending| ending.number() == number)
    }
}
