//! What coupons are worth, and for what.

use super::CouponRefusal;
use serde::{Deserialize, Serialize};

/// An amount of money in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// ISO 4217 code.
    pub currency: String,
    /// Minor units.
    pub minor_units: i64,
}

/// What a coupon takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Off {
    /// Money, up to the whole order.
    Amount(Price),
    /// A part of the order.
    Part {
        /// Hundredths of a percent: 1 to 10,000.
        basis_points: u32,
        /// At most so many minor units; 0: no limit.
        #[serde(default)]
        max_minor_units: i64,
    },
}

/// What a coupon is worth, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// What it takes off.
    pub off: Off,
    /// The least an order must cost; `None`: any order.
    #[serde(default)]
    pub min_order: Option<Price>,
    /// What the object of the order must begin with, such as "course:" or "plan:premium".
    #[serde(default)]
    pub object_prefix: String,
}

/// A kind of coupon that the rules offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponKind {
    /// Its key.
    pub key: String,
    /// Whole local days for which it can be used, beside the day it is issued.
    pub valid_days: u32,
    /// Its terms.
    #[serde(flatten)]
    pub terms: Terms,
}

/// An order that wants a coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The caller's id of it.
    pub id: String,
    /// What it costs; positive.
    pub amount: Price,
    /// What is bought.
    pub object: String,
}

impl Terms {
    /// What the coupon takes off an order: at most all of it, a part rounded down.
    pub fn discount(&self, order: &Order) -> Result<Price, CouponRefusal> {
        if !order.object.starts_with(&self.object_prefix) {
            return Err(CouponRefusal::NotApplicable);
        }
        let paid = &order.amount;
        let same = |price: &Price| {
            let other = price.currency != paid.currency;
            if other { Err(CouponRefusal::WrongCurrency(price.currency.clone())) } else { Ok(()) }
        };
        if let Some(least) = &self.min_order {
            same(least)?;
            if paid.minor_units < least.minor_units {
                return Err(CouponRefusal::BelowMinimum(least.minor_units));
            }
        }
        let off = match &self.off {
            Off::Amount(price) => {
                same(price)?;
                price.minor_units
            }
            Off::Part { basis_points, max_minor_units } => {
                let exact = i128::from(paid.minor_units) * i128::from(*basis_points) / 10_000;
                let part = i64::try_from(exact).unwrap_or(i64::MAX);
                if *max_minor_units > 0 { part.min(*max_minor_units) } else { part }
            }
        };
        let minor_units = off.min(paid.minor_units);
        Ok(Price { currency: paid.currency.clone(), minor_units })
    }

    fn fault(&self) -> Option<&'static str> {
        let amount = |price: &Price| (1..=1_000_000_000_000).contains(&price.minor_units);
        let least = self.min_order.as_ref();
        match &self.off {
            Off::Amount(price) if !amount(price) => Some("takes off no money, or too much"),
            Off::Amount(price) if least.is_some_and(|min| min.currency != price.currency) => {
                Some("has a minimum in another currency")
            }
            Off::Part { basis_points, .. } if !(1..=10_000).contains(basis_points) => {
                Some("takes off nothing, or more than all")
            }
            Off::Part { max_minor_units, .. } if *max_minor_units < 0 => {
                Some("takes off at most less than nothing")
            }
            _ if least.is_some_and(|min| !amount(min)) => Some("has a minimum that is none"),
            _ => None,
        }
    }
}

impl CouponKind {
    /// Why it cannot be offered.
    pub fn fault(&self) -> Option<&'static str> {
        match () {
            () if self.key.is_empty() || self.key.len() > 128 => Some("has no key, or a long one"),
            () if self.valid_days > 3_660 => Some("is good for more than ten years"),
            () => self.terms.fault(),
        }
    }
}
