//! What a purchase is worth in points, and the fraction that it leaves or a refund takes.

use super::{Activity, Facts, facts};
use crate::domain::RuleVersion;
use crate::domain::judgement::{Fraction, Judgement, NoPoints};
use crate::domain::rounding::{Rate, Rounding};
use crate::store::judgements;
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// What a purchase is found to be worth.
pub(super) struct Found {
    pub(super) points: i64,
    /// Why nothing is earned, if so.
    pub(super) nothing: NoPoints,
    pub(super) carried: Option<Fraction>,
    pub(super) read: Facts,
}

/// What the rules give for a purchase, with the fraction that the member carries on.
pub(super) async fn weigh(
    tx: &Tx,
    version: &RuleVersion,
    activity: &Activity,
    currency: &str,
    amount: i64,
) -> Result<Found> {
    let mut read = facts([
        ("currency", currency.to_owned()),
        ("minor_units", amount.to_string()),
        ("order", activity.object.clone()),
    ]);
    let known = version.worth(currency, amount).map(|(_, known)| known.rate());
    let Some(rate) = known else {
        let nothing = NoPoints::CurrencyWithoutRate;
        return Ok(Found { points: 0, nothing, carried: None, read });
    };
    read.insert("rate".to_owned(), rate.to_string());
    let nothing = if rate.num == 0 { NoPoints::NoReward } else { NoPoints::BelowOnePoint };
    if version.rounding == Rounding::Floor {
        let (points, _) = rate.points(amount, 0);
        let nothing = if points > 0 { NoPoints::BalanceLimit } else { nothing };
        return Ok(Found { points, nothing, carried: None, read });
    }
    let carried = judgements::carried(tx, &activity.user, rate.den).await?;
    let (points, left) = rate.points(amount, carried);
    read.insert("carried_in".to_owned(), carried.to_string());
    read.insert("carried_out".to_owned(), left.to_string());
    let nothing = if points > 0 { NoPoints::BalanceLimit } else { nothing };
    let carried = Some(Fraction { num: left - carried, den: rate.den });
    Ok(Found { points, nothing, carried, read })
}

/// What a refund takes from the fraction that the purchase left, if that was carried.
pub(super) fn uncarried(bought: &Judgement, minor_units: i64, points: i64) -> Option<Fraction> {
    let den = bought.carried?.den;
    let rate: Rate = bought.facts.get("rate")?.parse().ok()?;
    Some(Fraction { num: rate.refund(minor_units, points), den })
}
