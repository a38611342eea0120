//! The latest sessions of a user: enough to see whether the last three are shorter than the best
//! three in a row.
//!
//! Invariant: holds the latest [`KEPT`] sessions by (start, length), ordered; so it depends on
//! the set of sessions alone, not on the order in which they arrived.

use chrono::{DateTime, Utc};

/// Sessions looked back over.
pub const KEPT: usize = 50;
/// Sessions that are averaged (product row ID-4: "the last 3 sessions").
const IN_A_ROW: usize = 3;

/// When a session was and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// Microseconds since 1970.
    pub at: i64,
    /// Milliseconds.
    pub length: i64,
}

/// The latest sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sessions(Vec<Session>);

impl Sessions {
    /// Takes one in; one older than all that are kept falls off at once.
    pub fn insert(&mut self, at: DateTime<Utc>, millis: i64) {
        let session = Session { at: at.timestamp_micros(), length: millis };
        let place = self.0.partition_point(|kept| *kept <= session);
        self.0.insert(place, session);
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// By how many thousandths the mean length of the last three sessions lies below the best
    /// mean of three in a row, rounded down. `None` with fewer than three sessions or when all
    /// lengths are zero.
    pub fn drop_per_mille(&self) -> Option<i64> {
        let sums: Vec<i64> =
            self.0.windows(IN_A_ROW).map(|row| row.iter().map(|s| s.length).sum()).collect();
        let last = *sums.last()?;
        let peak = *sums.iter().max()?;
        (peak > 0).then(|| (peak - last) * 1000 / peak)
    }

    /// As it is stored: 16 bytes a session, little endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.0.iter().flat_map(|s| [s.at, s.length]);
        numbers.flat_map(i64::to_le_bytes).collect()
    }

    /// From what is stored.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (numbers, _) = bytes.as_chunks::<8>();
        let (pairs, _) = numbers.as_chunks::<2>();
        let session = |[at, length]: &[[u8; 8]; 2]| Session {
            at: i64::from_le_bytes(*at),
            length: i64::from_le_bytes(*length),
        };
        Self(pairs.iter().map(session).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn sessions(minutes: &[i64]) -> Sessions {
        let mut sessions = Sessions::default();
        for (day, minutes) in (0..).zip(minutes) {
            sessions.insert(DateTime::UNIX_EPOCH + TimeDelta::days(day), minutes * 60_000);
        }
        sessions
    }

    #[test]
    fn means_of_three_are_compared_with_means_of_three() {
        assert_eq!(sessions(&[60, 60]).drop_per_mille(), None);
        assert_eq!(sessions(&[60, 60, 60]).drop_per_mille(), Some(0));
        // One very long session alone does not make a peak that nobody can keep.
        assert_eq!(sessions(&[20, 20, 20, 90, 20, 20, 20]).drop_per_mille(), Some(538));
        assert_eq!(sessions(&[60, 60, 60, 30, 30, 30]).drop_per_mille(), Some(500));
        assert_eq!(sessions(&[30, 30, 30, 60, 60, 60]).drop_per_mille(), Some(0));
        assert_eq!(sessions(&[0, 0, 0, 0]).drop_per_mille(), None);
    }

    proptest! {
        #[test]
        fn order_does_not_matter(
            original in prop::collection::vec((0_i64..100_000, 0_i64..1_000), 0..120),
            seed in any::<u64>(),
        ) {
            let mut shuffled = original.clone();
            shuffled.sort_by_key(|(at, length)| (at ^ length).wrapping_mul(seed.cast_signed() | 1));
            let build = |list: &[(i64, i64)]| {
                let mut sessions = Sessions::default();
                for (at, length) in list {
                    sessions.insert(DateTime::UNIX_EPOCH + TimeDelta::seconds(*at), *length);
                }
                sessions
            };
            let sessions = build(&original);
            prop_assert_eq!(&sessions, &build(&shuffled));
            prop_assert_eq!(&sessions, &Sessions::from_bytes(&sessions.to_bytes()));
        }
    }
}
