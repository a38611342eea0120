//! Between the contract's messages and the domain's values.

pub(super) mod activity;
pub(super) mod insight;
pub(super) mod profile;

use crate::domain::money::Money;
use perennial_proto::types::v1 as proto;

fn from_money(money: Money) -> proto::Money {
    proto::Money { currency: money.currency.to_string(), minor_units: money.minor_units }
}
