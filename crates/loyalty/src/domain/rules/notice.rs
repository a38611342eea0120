//! When a version may begin.
//!
//! Invariant (reference, I18): no worse term is applied to a member before its notice has run. It
//! rests on two things: a change is judged against every version that anybody is or will be under,
//! not only against the latest; and what is worse begins for existing members only a notice period
//! after the last of them was told.

use super::compare::{self, TermChange};
use super::record::{Class, Recorded};
use super::timing::Timing;
use super::{Programme, RuleVersion};
use crate::domain::Time;
use chrono::TimeDelta;

/// Why a version may not begin yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// Members are still being told.
    NoticesPending,
    /// Their notice runs: it may begin for them at this instant at the earliest.
    NoticeRunning(Time),
    /// It would begin before an older version, which begins at this instant.
    OutOfOrder(Time),
}

/// The terms that differ from rules that somebody is, or will be, under.
pub fn changes(programme: &Programme, rules: &RuleVersion, now: Time) -> Vec<TermChange> {
    compare::compare_all(&programme.live(now), rules)
}

/// From when on the version holds for existing members according to what they are told: the date
/// it was proposed with, but for worse rules not before a notice period has passed.
pub fn promised(asked: Option<Time>, announced_at: Time, class: Class, notice: TimeDelta) -> Time {
    let lawful = match class {
        Class::Worse => plus(announced_at, notice),
        Class::Neutral | Class::Better => announced_at,
    };
    asked.map_or(lawful, |asked| asked.max(lawful))
}

/// The dates of an announced version if it is activated now: those it was proposed with, but none
/// before `soonest`. Errors: why it may not.
pub fn dates(
    programme: &Programme,
    version: &Recorded,
    announced_at: Time,
    soonest: Time,
) -> Result<Timing, NotYet> {
    let effective_new = version.asked_new.map_or(soonest, |asked| asked.max(soonest));
    let asked = version.asked_existing.unwrap_or(effective_new);
    let effective_existing = asked.max(effective_new);
    let last = programme.timings().iter().map(|timing| timing.effective_new).max();
    if let Some(last) = last.filter(|last| effective_new <= *last) {
        return Err(NotYet::OutOfOrder(last));
    }
    if version.class.unwrap_or(Class::Worse) == Class::Worse {
        let told = version.noticed_at.ok_or(NotYet::NoticesPending)?;
        let earliest = plus(told.max(announced_at), programme.notice);
        if effective_existing < earliest {
            return Err(NotYet::NoticeRunning(earliest));
        }
    }
    Ok(Timing { announced_at, effective_new, effective_existing })
}

fn plus(at: Time, span: TimeDelta) -> Time {
    at.checked_add_signed(span).unwrap_or(Time::MAX_UTC)
}

#[cfg(test)]
mod tests;
