//! Wall-clock times of a zone as instants, with stated rules for the two days a year when the
//! wall clock jumps.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Where the zone of a decision came from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneSource {
    /// The user's own choice.
    Preference = 1,
    /// The profile kept by identity.
    Profile = 2,
    /// The configured default.
    Default = 3,
}

/// Picks the zone of a user: the user's own choice, then the profile's, then the default. A name
/// that the zone database does not know counts as absent.
pub fn pick(preference: Option<&str>, profile: Option<&str>, default: Tz) -> (Tz, ZoneSource) {
    let known = |name: Option<&str>| name.and_then(|n| n.parse::<Tz>().ok());
    if let Some(zone) = known(preference) {
        return (zone, ZoneSource::Preference);
    }
    known(profile).map_or((default, ZoneSource::Default), |zone| (zone, ZoneSource::Profile))
}

/// The one instant at which the wall clock of `zone` shows `local`.
///
/// A time that is skipped (spring) is read with the offset in force before the gap, so 02:30
/// becomes 03:30 daylight time (RFC 5545 section 3.3.5). A time that comes twice (autumn) means
/// its first occurrence. So every wall-clock time happens exactly once.
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        LocalResult::None => {
            // Read as UTC, 26 hours earlier lies before the jump for every offset (-12 h to
            // +14 h) and every length of gap (Apia skipped a whole day in 2011).
            let before = zone.offset_from_utc_datetime(&(local - TimeDelta::hours(26)));
            let offset = TimeDelta::seconds(before.fix().local_minus_utc().into());
            DateTime::from_naive_utc_and_offset(local - offset, Utc)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str, local: &str) -> String {
        let zone: Tz = zone.parse().unwrap();
        let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").unwrap();
        instant(zone, local).with_timezone(&zone).to_rfc3339()
    }

    #[test]
    fn skipped_times_move_forward_by_the_gap() {
        assert_eq!(shown("America/New_York", "2026-03-08 02:30"), "2026-03-08T03:30:00-04:00");
        assert_eq!(shown("Europe/Berlin", "2026-03-29 02:00"), "2026-03-29T03:00:00+02:00");
        assert_eq!(shown("Australia/Lord_Howe", "2026-10-04 02:10"), "2026-10-04T02:40:00+11:00");
        assert_eq!(shown("Pacific/Apia", "2011-12-30 08:00"), "2011-12-31T08:00:00+14:00");
    }

    #[test]
    fn doubled_times_mean_the_first() {
        assert_eq!(shown("America/New_York", "2026-11-01 01:30"), "2026-11-01T01:30:00-04:00");
        assert_eq!(shown("Europe/Berlin", "2026-10-25 02:30"), "2026-10-25T02:30:00+02:00");
        assert_eq!(shown("Australia/Lord_Howe", "2026-04-05 01:45"), "2026-04-05T01:45:00+11:00");
    }

    #[test]
    fn the_users_choice_wins_and_unknown_names_are_skipped() {
        let utc = Tz::UTC;
        assert_eq!(pick(Some("Asia/Tokyo"), Some("Asia/Seoul"), utc).1, ZoneSource::Preference);
        assert_eq!(
            pick(Some("Mars/Base"), Some("Asia/Seoul"), utc),
            (Tz::Asia__Seoul, ZoneSource::Profile)
        );
        assert_eq!(pick(None, Some(""), utc), (utc, ZoneSource::Default));
    }
}
