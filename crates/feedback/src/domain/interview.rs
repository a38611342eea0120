//! When an interview can be booked: three days ahead, one hour (product rows FB-1, FB-17).

use chrono::{DateTime, TimeDelta, Utc};

/// What is asked of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booking {
    /// Time between the request and the start at least.
    pub lead: TimeDelta,
    /// Length of every interview.
    pub slot: TimeDelta,
}

/// Why a booking is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It starts before this instant.
    TooSoon(DateTime<Utc>),
    /// It is not of this length.
    Slot(TimeDelta),
}

impl Booking {
    /// Checks a proposed start and length. Exactly the lead is enough; no length means the slot.
    pub fn check(
        &self,
        start: DateTime<Utc>,
        length: Option<TimeDelta>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if start < now + self.lead {
            return Err(Refusal::TooSoon(now + self.lead));
        }
        match length {
            Some(length) if length != self.slot => Err(Refusal::Slot(self.slot)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_days_ahead_and_one_hour() {
        let booking = Booking { lead: TimeDelta::hours(72), slot: TimeDelta::minutes(60) };
        let now = DateTime::UNIX_EPOCH;
        let at = now + TimeDelta::hours(72);
        assert_eq!(booking.check(at, None, now), Ok(()));
        assert_eq!(booking.check(at, Some(TimeDelta::minutes(60)), now), Ok(()));
        let early = at - TimeDelta::seconds(1);
        assert_eq!(booking.check(early, None, now), Err(Refusal::TooSoon(at)));
        let long = Some(TimeDelta::minutes(61));
        assert_eq!(booking.check(at, long, now), Err(Refusal::Slot(booking.slot)));
    }
}
