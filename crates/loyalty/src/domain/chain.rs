//! The hash chain over the ledger (reference, S2 and 5.4).
//!
//! Each entry carries SHA-256 over the hash of the entry before it and everything that stands in
//! itself, so no column of any entry can be changed, and no entry left out or put in, without every
//! later hash being wrong. `docs/integrity.md` describes the bytes; `scripts/verify-ledger.py` is a
//! second program that computes them.

use super::{Allocation, Entry, Legs, Origin, Time};
use ring::digest::{SHA256, digest};

/// SHA-256.
pub type Digest = [u8; 32];

/// What the first entry of a chain is chained to: it depends on the entry's place, so that a chain
/// cannot be made to begin later without being computed anew.
pub fn genesis(from_seq: i64) -> Digest {
    let mut bytes = b"perennial.loyalty.v1 ledger".to_vec();
    bytes.extend(from_seq.to_be_bytes());
    sha256(&bytes)
}

/// The hash of an entry that follows the one with hash `previous`.
pub fn next(previous: &Digest, entry: &Entry) -> Digest {
    // Taken apart by name: a field that is added to an entry does not compile until it stands here.
    let Entry {
        seq,
        id,
        user,
        kind,
        points,
        legs: Legs { issuer, available, escrow, debt, redeemed, expired, reversed, transfer },
        held,
        allocations,
        available_after,
        reverses,
        hold,
        origin: Origin { source, event, reason, rule, rule_version, facts },
        occurred_at,
        recorded_at,
        expires_at,
        activates_at,
        transfer: transfer_id,
        hash: _,
    } = entry;
    let mut bytes = Bytes(Vec::with_capacity(512));
    bytes.0.extend(previous);
    bytes.number(*seq);
    bytes.0.extend(id.uuid().as_bytes());
    bytes.text(user);
    bytes.number(i64::from(kind.number()));
    bytes.number(*points);
    for leg in [issuer, available, escrow, debt, redeemed, expired, reversed, transfer] {
        bytes.number(*leg);
    }
    bytes.number(*held);
    bytes.number(*available_after);
    bytes.optional(reverses.map(|id| id.uuid().into_bytes()));
    bytes.optional(hold.map(|id| id.uuid().into_bytes()));
    for text in [source, event, reason, rule, rule_version] {
        bytes.text(text);
    }
    bytes.count(facts.len());
    for (name, value) in facts {
        bytes.text(name);
        bytes.text(value);
    }
    bytes.number(micros(*occurred_at));
    bytes.number(micros(*recorded_at));
    bytes.optional(expires_at.map(|at| micros(at).to_be_bytes()));
    bytes.optional(activates_at.map(|at| micros(at).to_be_bytes()));
    bytes.optional(transfer_id.map(|id| id.uuid().into_bytes()));
    bytes.count(allocations.len());
    for Allocation { lot, points } in allocations {
        bytes.0.extend(lot.uuid().as_bytes());
        bytes.number(*points);
    }
    sha256(&bytes.0)
}

fn micros(at: Time) -> i64 {
    at.timestamp_micros()
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut hash = Digest::default();
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Every part says how long it is, so no two entries have the same bytes.
struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, number: i64) {
        self.0.extend(number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.extend((count as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    /// 0 for nothing; 1 and the bytes.
    fn optional<const N: usize>(&mut self, bytes: Option<[u8; N]>) {
        self.0.push(u8::from(bytes.is_some()));
        self.0.extend(bytes.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryId, EntryKind, HoldId, LotId, TransferId};
    use uuid::Uuid;

    /// A setting of one field.
    type Change = fn(&mut Entry);

    fn entry() -> Entry {
        let id = |n| Uuid::from_u128(n);
        Entry {
            seq: 7,
            id: EntryId::from(id(1)),
            user: "ann".to_owned(),
            kind: EntryKind::Spend,
            points: 5,
            legs: Legs::spend(5),
            held: 0,
            allocations: vec![Allocation { lot: LotId::from(id(2)), points: 5 }],
            available_after: 95,
            reverses: None,
            hold: None,
            origin: Origin {
                source: "shop".to_owned(),
                event: "o1".to_owned(),
                facts: [("order".to_owned(), "7".to_owned())].into(),
                ..Origin::default()
            },
            occurred_at: Time::UNIX_EPOCH,
            recorded_at: Time::UNIX_EPOCH + chrono::TimeDelta::microseconds(1),
            expires_at: None,
            activates_at: None,
            transfer: None,
            hash: None,
        }
    }

    /// The bytes are a promise to programs outside: this value never changes.
    #[test]
    fn the_hash_of_a_known_entry() {
        let hash = next(&genesis(1), &entry());
        assert_eq!(
            hex::encode(hash),
            "cd2d3b967f93b468dc20d5b5f77ba4a90a13714ebd1b471d94740048d4db6d42"
        );
    }

    #[test]
    fn every_field_counts() {
        let changes: [Change; 25] = [
            |e| e.seq = 8,
            |e| e.id = EntryId::from(Uuid::from_u128(9)),
            |e| e.user = "bob".to_owned(),
            |e| e.kind = EntryKind::SetOff,
            |e| e.points = 6,
            |e| e.legs = Legs::spend(6),
            |e| e.legs = Legs::expire(5),
            |e| e.held = 1,
            |e| e.available_after = 94,
            |e| e.reverses = Some(e.id),
            |e| e.hold = Some(HoldId::from(e.id.uuid())),
            |e| e.origin.source = "shopo".to_owned(),
            |e| (e.origin.source, e.origin.event) = ("shopo".to_owned(), "1".to_owned()),
            |e| e.origin.reason = "gift".to_owned(),
            |e| e.origin.rule = "gift".to_owned(),
            |e| e.origin.rule_version = "gift".to_owned(),
            |e| e.origin.facts.clear(),
            |e| e.occurred_at += chrono::TimeDelta::microseconds(1),
            |e| e.recorded_at += chrono::TimeDelta::microseconds(1),
            |e| e.expires_at = Some(Time::UNIX_EPOCH),
            |e| e.activates_at = Some(Time::UNIX_EPOCH),
            |e| e.transfer = Some(TransferId::from(e.id.uuid())),
            |e| e.legs = Legs::transfer(5),
            |e| e.allocations.clear(),
            |e| e.allocations[0].points = 4,
        ];
        let mut seen = std::collections::HashSet::from([next(&genesis(1), &entry())]);
        assert!(seen.insert(next(&genesis(2), &entry())), "the entry before counts");
        for (n, change) in changes.iter().enumerate() {
            let mut entry = entry();
            change(&mut entry);
            assert!(seen.insert(next(&genesis(1), &entry)), "change {n} goes unnoticed");
        }
    }
}
