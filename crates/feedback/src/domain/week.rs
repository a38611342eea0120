//! ISO weeks of a zone: behaviour data is reported by the week (product row FB-1).

use super::calendar::{Side, local_instant};
use chrono::{DateTime, Datelike, Days, IsoWeek, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

/// One ISO week in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    monday: NaiveDate,
    zone: Tz,
}

impl Week {
    /// The week in which the instant lies.
    pub fn of(instant: DateTime<Utc>, zone: Tz) -> Self {
        let day = instant.with_timezone(&zone).date_naive();
        let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
        Self { monday, zone }
    }

    /// The week of this name ("2026-W47", written just so), if there is one.
    pub fn named(name: &str, zone: Tz) -> Option<Self> {
        let (year, week) = name.split_once("-W")?;
        let (year, week) = (year.parse().ok()?, week.parse().ok()?);
        let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon)?;
        Some(Self { monday, zone }).filter(|week| week.name() == name)
    }

    /// The week after.
    #[must_use]
    pub fn next(self) -> Self {
        Self { monday: self.monday + Days::new(7), zone: self.zone }
    }

    /// "2026-W47": sorts by time.
    pub fn name(self) -> String {
        let week: IsoWeek = self.monday.iso_week();
        format!("{:04}-W{:02}", week.year(), week.week())
    }

    /// Monday 00:00.
    pub fn start(self) -> DateTime<Utc> {
        self.at(0)
    }

    /// Monday 00:00 of the next week.
    pub fn end(self) -> DateTime<Utc> {
        self.next().start()
    }

    /// When the report on this week is due: the Monday after, `minute` minutes after midnight.
    pub fn report_due(self, minute: u32) -> DateTime<Utc> {
        self.next().at(minute)
    }

    fn at(self, minute: u32) -> DateTime<Utc> {
        local_instant(self.zone, self.monday, minute, Side::Earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_week_starts_on_monday_in_its_zone_and_is_due_the_monday_after() {
        let zone = chrono_tz::Asia::Shanghai;
        // Sunday 20:00 in London is Monday 04:00 in Shanghai.
        let instant = Utc.with_ymd_and_hms(2026, 11, 22, 20, 0, 0).unwrap();
        let week = Week::of(instant, zone);
        assert_eq!(week.name(), "2026-W48");
        assert_eq!(week.start(), Utc.with_ymd_and_hms(2026, 11, 22, 16, 0, 0).unwrap());
        assert_eq!(week.report_due(540), Utc.with_ymd_and_hms(2026, 11, 30, 1, 0, 0).unwrap());
        assert_eq!(Week::named("2026-W48", zone), Some(week));
        for name in ["2026-W54", "2026-W00", "2026-W5", "2026-w05", "+2026-W05", "2026"] {
            assert_eq!(Week::named(name, zone), None, "{name}");
        }
        assert_eq!(
            Week::of(Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap(), zone).name(),
            "2026-W53"
        );
    }
}
