//! The days of one member.
//!
//! A member's days are calendar days in the time zone that is pinned for them. A change of the zone
//! holds from the member's next day on (reference, S13). Two things follow that no single zone has:
//! a day can last longer, when the new zone is behind; and a date can be left out, when it is ahead.
//! Days never go back: [`OwnCalendar::day`] does not fall while time passes, whatever zones come one
//! after another and whatever daylight saving does.

use crate::domain::Time;
use crate::domain::calendar::{local_day, start_of_day};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// The zones of a member, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCalendar {
    /// Never empty; the first began before everything.
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    from: Time,
    zone: Tz,
    /// The day that the stretch before had reached.
    floor: NaiveDate,
}

impl Stretch {
    fn day(&self, at: Time) -> NaiveDate {
        day_in(at, self.zone).max(self.floor)
    }

    /// The first instant of the stretch at which the day has come; the stretch may be over before.
    fn reaches(&self, day: NaiveDate) -> Time {
        if day <= self.floor { self.from } else { start_of_day(day, self.zone).max(self.from) }
    }
}

/// The day of an instant in one zone. Clocks that go back from just after midnight do not bring the
/// day before back.
pub fn day_in(at: Time, zone: Tz) -> NaiveDate {
    let zone = if flawed!(DaysOfTheServer) { Tz::UTC } else { zone };
    let day = local_day(at, zone);
    day.succ_opt().filter(|next| start_of_day(*next, zone) <= at).unwrap_or(day)
}

impl OwnCalendar {
    /// The calendar of a member for whom `first` held at first, and each of the others from its
    /// instant on. The changes are in ascending order.
    pub fn new(first: Tz, changes: impl IntoIterator<Item = (Time, Tz)>) -> Self {
        let begin = Stretch { from: Time::MIN_UTC, zone: first, floor: NaiveDate::MIN };
        let mut calendar = Self { stretches: vec![begin] };
        for (from, zone) in changes {
            let floor = calendar.day(from - TimeDelta::microseconds(1));
            calendar.stretches.push(Stretch { from, zone, floor });
        }
        calendar
    }

    /// Which stretch an instant lies in: equal numbers mean that no zone changed in between.
    pub fn stretch(&self, at: Time) -> usize {
        self.stretches.iter().rposition(|stretch| stretch.from <= at).unwrap_or(0)
    }

    /// The zone that holds at an instant.
    pub fn zone(&self, at: Time) -> Tz {
        self.stretches[self.stretch(at)].zone
    }

    /// The member's day at an instant.
    pub fn day(&self, at: Time) -> NaiveDate {
        self.stretches[self.stretch(at)].day(at)
    }

    /// The first instant at which the member's day is this one or a later one.
    pub fn start(&self, day: NaiveDate) -> Time {
        let last = self.stretches.len() - 1;
        let mut stretches = self.stretches.iter().enumerate();
        let found = stretches.find_map(|(n, stretch)| {
            let at = stretch.reaches(day);
            (n == last || at < self.stretches[n + 1].from).then_some(at)
        });
        found.unwrap_or(Time::MAX_UTC)
    }

    /// The first instant after the member's day at `at`: from here on a change of the zone holds.
    pub fn next_day(&self, at: Time) -> Time {
        self.day(at).succ_opt().map_or(Time::MAX_UTC, |next| self.start(next))
    }

    /// Whether there ever was such a day for the member.
    pub fn has(&self, day: NaiveDate) -> bool {
        day.succ_opt().is_none_or(|next| self.start(day) < self.start(next))
    }

    /// The days of the member that lie strictly between two, `limit` of them at most.
    pub fn between(&self, after: NaiveDate, before: NaiveDate, limit: usize) -> Vec<NaiveDate> {
        let days = after.iter_days().skip(1).take_while(|day| *day < before);
        days.filter(|day| self.has(*day)).take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::{Havana, St_Johns};
    use chrono_tz::Asia::Shanghai;
    use chrono_tz::Pacific::{Apia, Kiritimati};

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_change_holds_from_the_next_day() {
        let before = OwnCalendar::new(Shanghai, []);
        let change = before.next_day(at("2024-03-01T04:00:00Z"));
        assert_eq!(change, at("2024-03-01T16:00:00Z"));
        // Havana is thirteen hours behind: the first of March goes on.
        let after = OwnCalendar::new(Shanghai, [(change, Havana)]);
        assert_eq!(after.day(at("2024-03-01T15:59:59Z")), day("2024-03-01"));
        assert_eq!(after.day(at("2024-03-02T04:59:59Z")), day("2024-03-01"));
        assert_eq!(after.day(at("2024-03-02T05:00:00Z")), day("2024-03-02"));
        assert!(after.between(day("2024-03-01"), day("2024-03-02"), 9).is_empty());
    }

    #[test]
    fn a_date_can_be_left_out() {
        // From the far west to the far east.
        let west = chrono_tz::Etc::GMTPlus12;
        let change = OwnCalendar::new(west, []).next_day(at("2024-03-01T20:00:00Z"));
        let calendar = OwnCalendar::new(west, [(change, Kiritimati)]);
        assert_eq!(calendar.day(at("2024-03-02T11:59:59Z")), day("2024-03-01"));
        assert_eq!(calendar.day(at("2024-03-02T12:00:00Z")), day("2024-03-03"));
        assert!(!calendar.has(day("2024-03-02")));
        assert!(calendar.between(day("2024-03-01"), day("2024-03-03"), 9).is_empty());
        // Samoa went without a thirtieth of December.
        let samoa = OwnCalendar::new(Apia, []);
        assert!(!samoa.has(day("2011-12-30")));
        assert!(samoa.has(day("2011-12-31")));
    }

    #[test]
    fn clocks_that_go_back_over_midnight_do_not_bring_a_day_back() {
        // At 00:01 the clocks went back to 23:01.
        let calendar = OwnCalendar::new(St_Johns, []);
        assert_eq!(calendar.day(at("2006-10-29T02:29:59Z")), day("2006-10-28"));
        assert_eq!(calendar.day(at("2006-10-29T02:30:30Z")), day("2006-10-29"));
        assert_eq!(calendar.day(at("2006-10-29T02:45:00Z")), day("2006-10-29"));
    }
}
