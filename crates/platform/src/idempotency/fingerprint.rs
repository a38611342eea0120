//! What is kept of a request to recognise it: a short keyed hash of every field.

use crate::vault::Vault;
use perennial_proto::contract::Contract;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};
use std::collections::BTreeMap;

/// A hash for each field that is set, by field number; without request_id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeMap<u32, [u8; HASH]>);

const HASH: usize = 8;
const ENTRY: usize = 4 + HASH;

impl Fingerprint {
    pub(super) fn of<M: Contract>(request: &M, vault: &Vault) -> Self {
        let own_id = M::FIELDS.iter().find(|(_, name)| *name == "request_id").map(|(n, _)| *n);
        let mut fields: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for (number, bytes) in split(&request.encode_to_vec()) {
            if Some(number) != own_id {
                fields.entry(number).or_default().extend(bytes);
            }
        }
        let hashed = fields.into_iter().map(|(number, bytes)| {
            let mut short = [0; HASH];
            short.copy_from_slice(&vault.keyed_hash("fingerprint", &bytes)[..HASH]);
            (number, short)
        });
        Self(hashed.collect())
    }

    /// Number of the first field that is not the same in both.
    pub(super) fn first_difference(&self, other: &Self) -> Option<u32> {
        self.0
            .keys()
            .chain(other.0.keys())
            .copied()
            .filter(|n| self.0.get(n) != other.0.get(n))
            .min()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(n, hash)| n.to_be_bytes().into_iter().chain(*hash)).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let entry = |chunk: &[u8]| {
            let (number, hash) = chunk.split_at(4);
            Some((u32::from_be_bytes(number.try_into().ok()?), hash.try_into().ok()?))
        };
        Self(bytes.chunks_exact(ENTRY).filter_map(entry).collect())
    }
}

/// The top-level fields of an encoded message: number and bytes of each occurrence.
fn split(encoded: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut rest = encoded;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let before = rest;
        let Ok((number, wire)) = decode_key(&mut rest) else { break };
        if wire == WireType::EndGroup
            || skip_field(wire, number, &mut rest, DecodeContext::default()).is_err()
        {
            break;
        }
        fields.push((number, before[..before.len() - rest.len()].to_vec()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use perennial_proto::events::v1::ReadRequest;

    #[test]
    fn names_the_first_field_that_differs() {
        let vault = Vault::for_tests();
        let request = ReadRequest { after: 5, follow: true, ..ReadRequest::default() };
        let same = Fingerprint::of(&request, &vault);
        assert_eq!(same, Fingerprint::from_bytes(&same.to_bytes()));
        assert_eq!(same.first_difference(&Fingerprint::of(&request, &vault)), None);
        let other = ReadRequest { types: vec!["a".to_owned()], ..request.clone() };
        assert_eq!(same.first_difference(&Fingerprint::of(&other, &vault)), Some(2));
        let other = ReadRequest { after: 6, ..other };
        assert_eq!(same.first_difference(&Fingerprint::of(&other, &vault)), Some(1));
    }
}
