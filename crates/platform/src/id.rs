//! Typed identifiers: a UUID that knows what it names, shown with a prefix (`tkt_0198...`).

use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use uuid::{NoContext, Timestamp, Uuid};

/// What an identifier names.
pub trait Kind {
    /// Shown before the underscore; lower case.
    const PREFIX: &'static str;
}

/// An identifier of a `K`.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K: Kind> Id<K> {
    /// A new one (UUID version 7): sorts by the time given, to the millisecond.
    pub fn new(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let time = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
        Self::from(Uuid::new_v7(time))
    }

    /// The one that belongs to a key (UUID version 5): the same key gives the same identifier.
    pub fn derived(key: &str) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, K::PREFIX.as_bytes());
        Self::from(Uuid::new_v5(&namespace, key.as_bytes()))
    }

    /// As it is stored.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K> From<Uuid> for Id<K> {
    fn from(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.0.simple())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an identifier of this kind (expected {0}_ and 32 hexadecimal digits)")]
pub struct BadId(&'static str);

impl<K: Kind> FromStr for Id<K> {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|hex| hex.len() == 32)
            .and_then(|hex| Uuid::try_parse(hex).ok())
            .map(Self::from)
            .ok_or(BadId(K::PREFIX))
    }
}

/// Reads the identifier in a request's field. Errors: INVALID_ARGUMENT naming the field.
pub fn parse<K: Kind>(field: &str, text: &str) -> Result<Id<K>> {
    text.parse().map_err(|bad: BadId| Error::invalid(field, bad.to_string()))
}

// Written by hand: derives would ask the same of `K`.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ticket;
    impl Kind for Ticket {
        const PREFIX: &'static str = "tkt";
    }
    struct Note;
    impl Kind for Note {
        const PREFIX: &'static str = "note";
    }

    #[test]
    fn reads_what_it_shows_and_refuses_the_rest() {
        let id = Id::<Ticket>::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let text = id.to_string();
        assert_eq!(text.parse::<Id<Ticket>>(), Ok(id));
        assert!(text.parse::<Id<Note>>().is_err());
        assert!("tkt_12".parse::<Id<Ticket>>().is_err());
    }

    #[test]
    fn derived_is_stable_and_differs_by_kind() {
        let a = Id::<Ticket>::derived("order-1");
        assert_eq!(a, Id::<Ticket>::derived("order-1"));
        assert_ne!(a, Id::<Ticket>::derived("order-2"));
        assert_ne!(a.uuid(), Id::<Note>::derived("order-1").uuid());
    }

    #[test]
    fn later_sorts_after() {
        let at = |s| Id::<Ticket>::new(DateTime::from_timestamp(s, 0).unwrap());
        assert!(at(1_000) < at(1_001));
    }
}
