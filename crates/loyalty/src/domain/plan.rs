//! Membership plans (product row LY-8; reference, S9 and S10).
//!
//! Reading order: the rules here, [`price`] (whose price holds for whom), [`line`] (who has access
//! when), [`charge`] (which money is due), [`membership`] (both together, and what time brings),
//! [`billing`], [`course`] and [`gift`] (what members, callers and rewards do to it).

pub mod billing;
pub mod charge;
pub mod course;
pub mod gift;
pub mod line;
pub mod membership;
pub mod months;
pub mod price;
pub mod refusal;
#[cfg(test)]
mod tests;

pub use charge::{Charge, ChargeId, ChargeKind, ChargeState, Payout, PayoutCause, PayoutId};
pub use line::{Line, Stretch, TimeKind};
pub use membership::{Ending, Membership, MembershipId, Pause, State, Transition};
pub use price::Price;
pub use refusal::PlanRefusal;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Minor units that a period may cost at most.
const MAX_PRICE: i64 = 1_000_000_000_000;
/// Days that any of the terms may count at most.
const MAX_DAYS: u32 = 3_660;
/// Periods that an offer may give at most.
const MAX_PERIODS: u32 = 100;

/// The plans on offer, and the terms of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanRules {
    /// The plans.
    pub plans: Vec<Plan>,
    /// ISO 4217 code of the currency of all prices.
    pub currency: String,
    /// Of the first period's price, for somebody who never paid before: 0 to 99.
    pub first_order_percent_off: u32,
    /// Days of a free trial.
    pub trial_days: u32,
    /// Days of a free trial of a plan that is a tool.
    pub tool_trial_days: u32,
    /// Days before a renewal by which its notice is recorded.
    pub notice_days: u32,
    /// Days for which access goes on after a renewal could not be collected.
    pub grace_days: u32,
    /// Days after those in which a payment still brings the membership back.
    pub hold_days: u32,
    /// Days (of 24 hours) after a payment within which it is given back on request.
    pub refund_days: u32,
    /// Days for which a pause may last.
    pub pause_days: u32,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What callers call it.
    pub key: String,
    /// A plan of a higher rank is worth more, and includes the lower ones.
    pub rank: u32,
    /// Minor units for a month; absent: not sold by the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<i64>,
    /// Minor units for a year; absent: not sold by the year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<i64>,
    /// Whether there is a free trial.
    #[serde(default)]
    pub trial: bool,
    /// A tool needs longer to be tried.
    #[serde(default)]
    pub tool: bool,
    /// Whether it renews by itself.
    #[serde(default = "yes")]
    pub auto_renew: bool,
    /// More periods than are paid for.
    #[serde(default)]
    pub offers: Vec<Offer>,
}

/// Pay for some periods, get more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What callers call it.
    pub key: String,
    /// The periods it counts.
    pub period: Period,
    /// Periods that are paid for.
    pub pay: u32,
    /// Periods that they give.
    pub get: u32,
}

/// How long one charge is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A calendar month.
    Monthly,
    /// Twelve calendar months.
    Yearly,
}

fn yes() -> bool {
    true
}

impl Period {
    /// Calendar months.
    pub fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::Yearly => 12,
        }
    }

    /// As in the contract.
    pub fn number(self) -> i16 {
        match self {
            Self::Monthly => 1,
            Self::Yearly => 2,
        }
    }

    /// The other way.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Monthly, Self::Yearly].into_iter().find(|period| period.number() == number)
    }
}

impl Default for PlanRules {
    /// Basic, advanced and premium for 20, 50 and 128 yuan a month; three days free (a tool:
    /// seven), a fifth off the first order, and the third year free to who pays two.
    fn default() -> Self {
        let plan = |key: &str, rank, monthly, yearly| Plan {
            key: key.to_owned(),
            rank,
            monthly: Some(monthly),
            yearly: Some(yearly),
            trial: true,
            tool: false,
            auto_renew: true,
            offers: vec![Offer {
                key: "third-year-free".to_owned(),
                period: Period::Yearly,
                pay: 2,
                get: 3,
            }],
        };
        Self {
            plans: vec![
                plan("basic", 1, 2_000, 19_800),
                plan("advanced", 2, 5_000, 49_800),
                plan("premium", 3, 12_800, 128_000),
            ],
            currency: "CNY".to_owned(),
            first_order_percent_off: 20,
            trial_days: 3,
            tool_trial_days: 7,
            notice_days: 7,
            grace_days: 7,
            hold_days: 30,
            refund_days: 7,
            pause_days: 90,
        }
    }
}

impl PlanRules {
    /// The plan with this key.
    pub fn plan(&self, key: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.key == key)
    }

    /// What a period of a plan costs; `None` where it is not sold.
    pub fn price(&self, key: &str, period: Period) -> Option<i64> {
        self.plan(key)?.price(period)
    }

    /// How long a plan can be tried; `None` for one without a trial.
    pub fn trial(&self, plan: &Plan) -> Option<TimeDelta> {
        let days = if plan.tool { self.tool_trial_days } else { self.trial_days };
        (plan.trial && days > 0).then(|| TimeDelta::days(i64::from(days)))
    }

    /// What the first order costs: rounded down, in the member's favour.
    pub fn first_price(&self, price: i64) -> i64 {
        let left = 100 - i128::from(self.first_order_percent_off.min(99));
        i64::try_from(i128::from(price) * left / 100).unwrap_or(price)
    }

    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        let days = [
            self.trial_days,
            self.tool_trial_days,
            self.notice_days,
            self.grace_days,
            self.hold_days,
            self.refund_days,
            self.pause_days,
        ];
        let currency = self.currency.len() == 3
            && self.currency.bytes().all(|letter| letter.is_ascii_uppercase());
        match () {
            () if self.plans.len() > 100 => Some("has more than a hundred plans".to_owned()),
            () if !currency => Some("has plans in a currency that is none".to_owned()),
            () if self.first_order_percent_off > 99 => {
                Some("takes more than 99 percent off a first order".to_owned())
            }
            () if days.iter().any(|days| *days > MAX_DAYS) => {
                Some("has plans with a term of more than 3,660 days".to_owned())
            }
            () if self.pause_days == 0 => Some("has plans with a pause of no days".to_owned()),
            () => self.plans.iter().enumerate().find_map(|(i, plan)| {
                let twice = self.plans[..i].iter().any(|p| p.key == plan.key);
                let fault = if twice { Some("stands twice") } else { plan.fault() };
                fault.map(|fault| format!("has a plan {:?} that {fault}", plan.key))
            }),
        }
    }
}

impl Plan {
    /// What a period costs; `None` where it is not sold.
    pub fn price(&self, period: Period) -> Option<i64> {
        match period {
            Period::Monthly => self.monthly,
            Period::Yearly => self.yearly,
        }
    }

    /// The offer with this key.
    pub fn offer(&self, key: &str, period: Period) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.key == key && offer.period == period)
    }

    /// What twelve months are worth: how times of different plans compare.
    pub fn value(&self) -> i64 {
        self.monthly.map_or(self.yearly.unwrap_or(1), |monthly| monthly * 12)
    }

    fn fault(&self) -> Option<&'static str> {
        let prices: Vec<i64> = [self.monthly, self.yearly].into_iter().flatten().collect();
        let key = is_key(&self.key);
        let sound = |offer: &Offer| {
            is_key(&offer.key)
                && offer.pay > 0
                && offer.get >= offer.pay
                && offer.get <= MAX_PERIODS
                && self.price(offer.period).is_some()
        };
        match () {
            () if !key => Some("has no key that callers could send"),
            () if prices.is_empty() => Some("has no price"),
            () if prices.iter().any(|price| !(1..=MAX_PRICE).contains(price)) => {
                Some("costs nothing, or more than 1,000,000,000,000")
            }
            () if !self.offers.iter().all(sound) => Some("has an offer that is not sound"),
            () => None,
        }
    }
}

/// Whether the contract lets callers send this as a key.
fn is_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:@/+=-".contains(c);
    (1..=128).contains(&key.len()) && key.chars().all(allowed)
}
