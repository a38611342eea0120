//! What loyalty tells, in words that templates can use. No language: templates have that.

use chrono_tz::Tz;
use perennial_platform::{Result, time};
use perennial_proto::loyalty::v1::Reward;
use perennial_proto::loyalty::v1::reward::Kind;
use perennial_proto::types::v1::Money;
use prost_types::Timestamp;

/// The local day of an instant, as YYYY-MM-DD.
pub(super) fn day(at: Option<&Timestamp>, zone: Tz) -> Result<Option<String>> {
    let at = at.map(|at| time::from_proto("time", at)).transpose()?;
    Ok(at.map(|at| at.with_timezone(&zone).format("%Y-%m-%d").to_string()))
}

/// An amount with its currency: "CNY 30.00", "JPY 500". The number of decimals is that of ISO 4217.
pub(super) fn money(money: &Money) -> String {
    let decimals: u32 = match money.currency.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    let sign = if money.minor_units < 0 { "-" } else { "" };
    let (minor, unit) = (money.minor_units.unsigned_abs(), 10_u64.pow(decimals));
    let (whole, rest) = (minor / unit, minor % unit);
    let currency = &money.currency;
    match decimals {
        0 => format!("{currency} {sign}{whole}"),
        n => format!("{currency} {sign}{whole}.{rest:0width$}", width = n as usize),
    }
}

/// One reward; `None` for what has a message of its own.
pub(super) fn reward(reward: &Reward) -> Option<Vec<(&'static str, String)>> {
    let (kind, amount, name) = match reward.kind.as_ref()? {
        Kind::Points(points) => ("points", *points, String::new()),
        Kind::Badge(badge) => ("badge", 1, badge.clone()),
        Kind::Membership(time) if time.months > 0 => {
            ("membership_months", i64::from(time.months), time.plan.clone())
        }
        Kind::Membership(time) => ("membership_days", i64::from(time.days), time.plan.clone()),
        Kind::Coupon(coupon) => ("coupon", 1, coupon.clone()),
        Kind::Feature(feature) => ("feature", 1, feature.feature.clone()),
        Kind::Tier(_) => return None,
    };
    Some(vec![("kind", kind.to_owned()), ("amount", amount.to_string()), ("name", name)])
}

/// Several rewards, counted by kind.
pub(super) fn sum<'a>(rewards: impl Iterator<Item = &'a Reward>) -> Vec<(&'static str, String)> {
    let mut counts =
        [("points", 0_i64), ("months", 0), ("days", 0), ("coupons", 0), ("features", 0)];
    for reward in rewards {
        let add = match &reward.kind {
            Some(Kind::Points(points)) => [*points, 0, 0, 0, 0],
            Some(Kind::Membership(m)) => [0, i64::from(m.months), i64::from(m.days), 0, 0],
            Some(Kind::Coupon(_)) => [0, 0, 0, 1, 0],
            Some(Kind::Feature(_)) => [0, 0, 0, 0, 1],
            Some(Kind::Badge(_) | Kind::Tier(_)) | None => [0; 5],
        };
        for ((_, count), add) in counts.iter_mut().zip(add) {
            *count = count.saturating_add(add);
        }
    }
    counts.map(|(name, count)| (name, count.to_string())).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let text = |currency: &str, minor_units| {
            money(&Money { currency: currency.to_owned(), minor_units })
        };
        assert_eq!(text("CNY", 3_005), "CNY 30.05");
        assert_eq!(text("JPY", 500), "JPY 500");
        assert_eq!(text("KWD", 1_005), "KWD 1.005");
        assert_eq!(text("USD", -50), "USD -0.50");
    }
}
