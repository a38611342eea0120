//! How much goes back when part of an order's money goes back.
//!
//! Law: whatever the parts and their order, the shares add up exactly to the whole once the whole
//! amount is refunded (reference, S6).

/// The share of `whole` that belongs to the first `part` of `amount`, rounded down; all of it when
/// `part` reaches `amount`. `whole` may be negative; `amount` must be positive.
fn share(whole: i64, part: i64, amount: i64) -> i64 {
    if part >= amount {
        return whole;
    }
    let exact = i128::from(whole) * i128::from(part) / i128::from(amount);
    i64::try_from(exact).unwrap_or(whole)
}

/// What to take back of `whole` when `refund` more of `amount` is refunded after `before` of it
/// was: the difference of two running shares, so no rounding is ever lost or taken twice.
pub fn next_share(whole: i64, amount: i64, before: i64, refund: i64) -> i64 {
    share(whole, before.saturating_add(refund), amount) - share(whole, before, amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(
            whole in 0i64..1_000_000_000_000,
            parts in prop::collection::vec(1i64..1_000_000_000, 1..20),
        ) {
            let amount: i64 = parts.iter().sum();
            let mut before = 0;
            let mut taken = 0;
            for part in parts {
                let share = next_share(whole, amount, before, part);
                prop_assert!(share >= 0);
                taken += share;
                before += part;
            }
            prop_assert_eq!(taken, whole);
        }
    }
}
