//! The line of access: stretches of time that were tried, paid or given.
//!
//! Invariant: stretches are in order and do not overlap, and whatever is put before a stretch or
//! taken from before it moves it without making it shorter: what was paid is never cut.

use crate::domain::Time;
use chrono::TimeDelta;

/// Where the time came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// The free trial.
    Trial,
    /// A charge.
    Paid,
    /// A grant.
    Given,
    /// A notice that came late.
    Courtesy,
}

/// A stretch of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Where it came from.
    pub kind: TimeKind,
    /// The plan that it gives access to.
    pub plan: String,
    /// The charge or the grant; empty otherwise.
    pub source: String,
    /// The first instant.
    pub from: Time,
    /// The first instant after it.
    pub until: Time,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(Vec<Stretch>);

impl TimeKind {
    /// As in the contract.
    pub fn number(self) -> i16 {
        match self {
            Self::Trial => 1,
            Self::Paid => 2,
            Self::Given => 3,
            Self::Courtesy => 4,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        let all = [Self::Trial, Self::Paid, Self::Given, Self::Courtesy];
        all.into_iter().find(|kind| kind.number() == number)
    }
}

impl Stretch {
    /// How long it is.
    pub fn length(&self) -> TimeDelta {
        self.until - self.from
    }
}

impl Line {
    /// The line of these stretches, which are in order.
    pub fn new(stretches: Vec<Stretch>) -> Self {
        Self(stretches)
    }

    /// The stretches, in order.
    pub fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// The end of the last one.
    pub fn end(&self) -> Option<Time> {
        self.0.last().map(|stretch| stretch.until)
    }

    /// The one at an instant.
    pub fn at(&self, at: Time) -> Option<&Stretch> {
        self.0.iter().find(|stretch| stretch.from <= at && at < stretch.until)
    }

    /// Until when access to the plan of that instant goes on without a gap.
    pub fn unbroken_from(&self, at: Time) -> Option<Time> {
        let first = self.at(at)?;
        let later = self.0.iter().filter(|stretch| stretch.from >= first.until);
        Some(later.fold(first.until, |end, next| {
            if next.from == end && next.plan == first.plan { next.until } else { end }
        }))
    }

    /// Adds a stretch after all others. It must not begin before the last one ends.
    pub fn append(&mut self, stretch: Stretch) {
        debug_assert!(self.end().is_none_or(|end| end <= stretch.from), "an overlap");
        if stretch.from < stretch.until {
            self.0.push(stretch);
        }
    }

    /// Puts a stretch in at its beginning; what would have run from then on runs after it.
    pub fn insert(&mut self, stretch: Stretch) {
        self.stand_still(stretch.from, stretch.until);
        let place = self.0.iter().position(|later| later.from >= stretch.until);
        self.0.insert(place.unwrap_or(self.0.len()), stretch);
    }

    /// Moves everything from `since` on to `until`.
    pub fn stand_still(&mut self, since: Time, until: Time) {
        let by = until - since;
        let mut moved = Vec::with_capacity(self.0.len() + 1);
        for stretch in self.0.drain(..) {
            if stretch.until <= since {
                moved.push(stretch);
            } else if stretch.from >= since {
                moved.push(Stretch {
                    from: stretch.from + by,
                    until: stretch.until + by,
                    ..stretch
                });
            } else {
                moved.push(Stretch { until: since, ..stretch.clone() });
                moved.push(Stretch { from: until, until: stretch.until + by, ..stretch });
            }
        }
        self.0 = moved;
    }

    /// Takes out what lies after `now` of the stretches that `which` names; those after them move
    /// up. Answers what was taken.
    pub fn take(&mut self, now: Time, which: impl Fn(&Stretch) -> bool) -> Vec<Stretch> {
        let (mut kept, mut taken) = (Vec::with_capacity(self.0.len()), Vec::new());
        let mut by = TimeDelta::zero();
        for stretch in self.0.drain(..) {
            if stretch.until > now && which(&stretch) {
                let rest = Stretch { from: stretch.from.max(now), ..stretch.clone() };
                if stretch.from < now {
                    kept.push(Stretch { until: now, ..stretch });
                }
                by += rest.length();
                taken.push(rest);
            } else {
                kept.push(Stretch {
                    from: stretch.from - by,
                    until: stretch.until - by,
                    ..stretch
                });
            }
        }
        self.0 = kept;
        taken
    }

    /// How much time a source has given, used or not.
    pub fn length_of(&self, source: &str) -> TimeDelta {
        self.0.iter().filter(|stretch| stretch.source == source).map(Stretch::length).sum()
    }
}
