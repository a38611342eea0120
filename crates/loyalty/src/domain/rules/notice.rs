//! When a version may begin.
//!
//! Invariant (reference, I18): no worse term is applied to a member before its notice has run. It
//! rests on two things: a change is judged against every version that anybody is or will be under,
//! not only against the latest; and what is worse begins for existing members only a notice period
//! after the last of them was told. What they are told is when it begins: the announcement fixes
//! the date, and a version whose notices came too late for it never begins.

use super::compare::{self, TermChange};
use super::record::{Class, Recorded};
use super::timing::Timing;
use super::{Programme, RuleVersion};
use crate::domain::Time;
use chrono::TimeDelta;

/// Within this time of an announcement everybody is told; the notice runs from its end.
pub const TELLING: TimeDelta = TimeDelta::days(1);

/// Why a version may not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// Members are still being told.
    NoticesPending,
    /// Somebody was told less than a notice period before this instant, the date they were told.
    NoticesLate(Time),
    /// It would begin before an older version, which begins at this instant.
    OutOfOrder(Time),
}

/// The terms that differ from rules that somebody is, or will be, under.
pub fn changes(programme: &Programme, rules: &RuleVersion, now: Time) -> Vec<TermChange> {
    compare::compare_all(&programme.live(now), rules)
}

/// From when on a version that is announced now holds for existing members at the earliest: the
/// date it was proposed with, but not before `soonest`, and worse rules not before a notice period
/// has passed. For worse rules this is what members are told.
pub fn promised(version: &Recorded, announced_at: Time, soonest: Time, notice: TimeDelta) -> Time {
    let lawful = match version.class.unwrap_or(Class::Worse) {
        Class::Worse => soonest.max(plus(plus(announced_at, TELLING), notice)),
        Class::Neutral | Class::Better => soonest,
    };
    // Existing members never come before new ones; nothing asked for is before anything.
    let asked = version.asked_existing.max(version.asked_new);
    asked.map_or(lawful, |asked| asked.max(lawful))
}

/// The dates of an announced version if it is activated now: those it was proposed with, but none
/// before `soonest`; worse rules begin for existing members on the date that these were told, or
/// later if it is activated too late for it. Errors: why it may not.
pub fn dates(
    programme: &Programme,
    version: &Recorded,
    announced_at: Time,
    soonest: Time,
) -> Result<Timing, NotYet> {
    let effective_new = version.asked_new.map_or(soonest, |asked| asked.max(soonest));
    let asked = version.asked_existing.unwrap_or(effective_new);
    let mut effective_existing = asked.max(effective_new);
    let last = programme.timings().iter().map(|timing| timing.effective_new).max();
    if let Some(last) = last.filter(|last| effective_new <= *last) {
        return Err(NotYet::OutOfOrder(last));
    }
    if version.class.unwrap_or(Class::Worse) == Class::Worse {
        let told = version.noticed_at.ok_or(NotYet::NoticesPending)?;
        let lawful = plus(told.max(announced_at), programme.notice);
        // What was announced by a release that fixed no date begins when it may.
        let promised = version.effective_existing.unwrap_or(lawful);
        if promised < lawful {
            return Err(NotYet::NoticesLate(promised));
        }
        effective_existing = effective_existing.max(promised);
    }
    Ok(Timing { announced_at, effective_new, effective_existing })
}

fn plus(at: Time, span: TimeDelta) -> Time {
    at.checked_add_signed(span).unwrap_or(Time::MAX_UTC)
}

#[cfg(test)]
mod tests;
