//! A request id makes a retry safe: the same call twice has one effect and one answer.
//!
//! New: executed, and its outcome stored in the same transaction, refusals by rule included. Same
//! id and same request: the stored answer, marked as replayed. Same id, other request:
//! ALREADY_EXISTS / REQUEST_ID_REUSED naming the first field that differs. A request that breaks
//! a bound never comes here, so its id may be used again once corrected (the rules are Stripe's
//! and TigerBeetle's).

mod fingerprint;
mod once;
mod stored;

pub use once::once;
pub(crate) use stored::{Stored, lookup, store};

use crate::error::Error;
use crate::vault::Vault;
pub(crate) use fingerprint::Fingerprint;
use perennial_proto::contract::Contract;
use uuid::Uuid;

/// What a request id stands for: one method, one request.
#[derive(Debug, Clone)]
pub struct Key {
    id: Uuid,
    method: &'static str,
    fingerprint: Fingerprint,
    fields: &'static [(u32, &'static str)],
}

/// An answer, and whether it was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<R> {
    /// The answer.
    pub value: R,
    /// It is the stored answer of an earlier call.
    pub replayed: bool,
}

const NAMESPACE: Uuid = Uuid::from_u128(0x7065_7265_6e6e_6961_6c00_7265_7175_6573);

impl Key {
    /// The key of a request; `None` when the caller sent no request id and so asks for no
    /// protection. The fingerprint is a keyed hash of each field, so no personal data is kept.
    pub fn of<M: Contract>(
        method: &'static str,
        request_id: &str,
        request: &M,
        vault: &Vault,
    ) -> Option<Self> {
        if request_id.is_empty() {
            return None;
        }
        let name = format!("{method}\0{request_id}");
        Some(Self {
            id: Uuid::new_v5(&NAMESPACE, name.as_bytes()),
            method,
            fingerprint: Fingerprint::of(request, vault),
            fields: M::FIELDS,
        })
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The same request as the one a stored fingerprint was taken from; if not, the refusal.
    pub(crate) fn agrees_with(&self, stored: &Fingerprint) -> Result<(), Error> {
        match self.fingerprint.first_difference(stored) {
            None => Ok(()),
            Some(number) => {
                let name = self.fields.iter().find(|(n, _)| *n == number).map_or("?", |(_, n)| n);
                let message =
                    format!("this request_id was used for another request; {name} differs");
                Err(Error::already_exists("REQUEST_ID_REUSED", message).with("field", name))
            }
        }
    }
}
