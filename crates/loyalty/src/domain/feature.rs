//! Features that rewards open for a time.
//!
//! Law: stretches of one feature follow each other without overlap, so nothing given is lost; taking
//! one back takes what is left of it, and those after it move up.

use super::calendar::{local_day, start_of_day};
use super::reward::Span;
use super::{GrantId, Time};
use chrono::{Days, Months, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A stretch of time in which a feature is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlock {
    /// The grant that gave it.
    pub grant: GrantId,
    /// To whom.
    pub user: String,
    /// Which feature.
    pub feature: String,
    /// How much time; nothing: for good.
    pub span: Span,
    /// When it was given.
    pub granted_at: Time,
    /// From when on.
    pub from: Time,
    /// Until when; `None`: for good.
    pub until: Option<Time>,
    /// When the rest was taken back.
    pub revoked_at: Option<Time>,
}

impl Unlock {
    /// Lays the stretch behind those that the member has of the feature.
    #[must_use]
    pub fn lay(mut self, others: &[Self], zone: Tz) -> Self {
        // A stretch that was taken back before it began keeps no place.
        let kept = others.iter().filter(|other| other.until.is_none_or(|until| other.from < until));
        let end = kept.filter_map(|other| other.until).max();
        self.from = end.map_or(self.granted_at, |end| end.max(self.granted_at));
        self.until = end_of(self.from, self.span, zone);
        self
    }

    /// How much of what was given is not used yet, taken back or not, and how much it was. What was
    /// given for good is used as soon as it begins: `None`.
    pub fn unused(&self, now: Time, zone: Tz) -> Option<(TimeDelta, TimeDelta)> {
        let used =
            (self.until.map_or(now, |until| until.min(now)) - self.from).max(TimeDelta::zero());
        match end_of(self.from, self.span, zone) {
            Some(end) => Some((end - self.from - used, end - self.from)),
            None if used.is_zero() => Some((TimeDelta::seconds(1), TimeDelta::seconds(1))),
            None => None,
        }
    }

    /// Whether the feature is open by it.
    pub fn is_open(&self, now: Time) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// When a stretch ends; `None` for good, or when the calendar ends first.
fn end_of(from: Time, span: Span, zone: Tz) -> Option<Time> {
    if span.is_empty() {
        return None;
    }
    let local = from.with_timezone(&zone).naive_local();
    let local = local.checked_add_months(Months::new(span.months))?;
    let local = local.checked_add_days(Days::new(u64::from(span.days)))?;
    if let Some(end) = zone.from_local_datetime(&local).earliest() {
        return Some(end.with_timezone(&Utc));
    }
    // The clock skips this time of day: open until the day's end, in the member's favour.
    let day = local_day(Utc.from_utc_datetime(&local), chrono_tz::UTC).succ_opt()?;
    Some(start_of_day(day, zone))
}

/// Until when a feature is open: `None` when it is closed, `Some(None)` when open for good.
pub fn open_until(unlocks: &[Unlock], now: Time) -> Option<Option<Time>> {
    let open: Vec<&Unlock> = unlocks.iter().filter(|unlock| unlock.is_open(now)).collect();
    if open.is_empty() {
        return None;
    }
    if open.iter().any(|unlock| unlock.until.is_none()) {
        return Some(None);
    }
    Some(unlocks.iter().filter_map(|unlock| unlock.until).max())
}

/// Takes back what is left of one grant of a feature; those after it move up. Answers which
/// changed.
pub fn take_back(unlocks: &mut [Unlock], grant: GrantId, now: Time, zone: Tz) -> Vec<GrantId> {
    unlocks.sort_by_key(|unlock| (unlock.from, unlock.granted_at, unlock.grant));
    let Some(place) = unlocks.iter().position(|unlock| unlock.grant == grant) else {
        return Vec::new();
    };
    if unlocks[place].revoked_at.is_some() {
        return Vec::new();
    }
    unlocks[place].revoked_at = Some(now);
    let mut changed = vec![grant];
    if unlocks[place].until.is_some_and(|until| until <= now) {
        return changed;
    }
    let end = unlocks[place].from.max(now);
    let for_good = unlocks[place].until.is_none();
    unlocks[place].until = Some(end);
    if for_good {
        // Nothing waited for its end.
        return changed;
    }
    for later in place + 1..unlocks.len() {
        let (before, rest) = unlocks.split_at_mut(later);
        let one = &mut rest[0];
        if one.until.is_none() || one.revoked_at.is_some() {
            continue;
        }
        let moved = one.clone().lay(before, zone);
        if moved != *one {
            changed.push(one.grant);
            *one = moved;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ZONE: Tz = chrono_tz::Asia::Shanghai;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn unlock(n: usize, granted_at: Time, span: Span) -> Unlock {
        Unlock {
            grant: GrantId::derived(&n.to_string()),
            user: "ann".to_owned(),
            feature: "export".to_owned(),
            span,
            granted_at,
            from: granted_at,
            until: None,
            revoked_at: None,
        }
    }

    fn laid(given: &[(Time, Span)]) -> Vec<Unlock> {
        let mut all = Vec::new();
        for (n, (granted_at, span)) in given.iter().enumerate() {
            let one = unlock(n, *granted_at, *span).lay(&all, ZONE);
            all.push(one);
        }
        all
    }

    #[test]
    fn time_is_added_at_the_end_and_clamped() {
        let three = Span { months: 3, days: 0 };
        let all = laid(&[(at("2025-11-30T04:00:00Z"), three), (at("2025-12-01T00:00:00Z"), three)]);
        assert_eq!(all[0].until, Some(at("2026-02-28T04:00:00Z")));
        assert_eq!(all[1].from, at("2026-02-28T04:00:00Z"));
        assert_eq!(open_until(&all, at("2026-01-01T00:00:00Z")), Some(all[1].until));
        assert_eq!(open_until(&all, all[1].until.unwrap()), None);
    }

    #[test]
    fn taking_back_takes_the_rest_and_moves_up_what_follows() {
        let day = |n: i64| at("2026-01-01T00:00:00Z") + TimeDelta::days(n);
        let ten = Span { months: 0, days: 10 };
        let mut all = laid(&[(day(0), ten), (day(1), ten), (day(2), ten)]);
        let changed = take_back(&mut all, GrantId::derived("1"), day(5), ZONE);
        assert_eq!(changed.len(), 2);
        assert_eq!((all[1].from, all[1].until), (day(10), Some(day(10))));
        assert_eq!(open_until(&all, day(5)), Some(Some(day(20))));
        // What was had stays had.
        let changed = take_back(&mut all, GrantId::derived("0"), day(12), ZONE);
        assert_eq!(changed.len(), 1);
        assert_eq!(open_until(&all, day(12)), Some(Some(day(20))));
        assert!(take_back(&mut all, GrantId::derived("0"), day(13), ZONE).is_empty());
    }

    #[test]
    fn for_good_is_for_good_until_taken_back() {
        let now = at("2026-01-01T00:00:00Z");
        let mut all = laid(&[(now, Span::default())]);
        assert_eq!(open_until(&all, now + TimeDelta::days(36_500)), Some(None));
        take_back(&mut all, GrantId::derived("0"), now + TimeDelta::days(1), ZONE);
        assert_eq!(open_until(&all, now + TimeDelta::days(1)), None);
    }

    proptest! {
        /// Nothing given is lost: the open time is the sum of what was given.
        #[test]
        fn stretches_never_overlap(given in prop::collection::vec((0i64..50, 1u32..40), 1..12)) {
            let start = at("2026-01-01T00:00:00Z");
            let mut now = start;
            let mut spans = Vec::new();
            for (wait, days) in given {
                now += TimeDelta::days(wait);
                spans.push((now, Span { months: 0, days }));
            }
            let all = laid(&spans);
            for (before, after) in all.iter().zip(&all[1..]) {
                prop_assert!(before.until.unwrap() <= after.from);
            }
            for (one, (_, span)) in all.iter().zip(&spans) {
                let length = one.until.unwrap() - one.from;
                prop_assert_eq!(length, TimeDelta::days(i64::from(span.days)));
            }
        }
    }
}
