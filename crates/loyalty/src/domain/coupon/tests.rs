use super::*;
use chrono::TimeDelta;
use proptest::prelude::*;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn cny(minor_units: i64) -> Price {
    Price { currency: "CNY".to_owned(), minor_units }
}

fn order(id: &str, minor_units: i64) -> Order {
    Order { id: id.to_owned(), amount: cny(minor_units), object: "course:rust".to_owned() }
}

fn part(basis_points: u32, max_minor_units: i64) -> Terms {
    Terms {
        off: Off::Part { basis_points, max_minor_units },
        min_order: None,
        object_prefix: String::new(),
    }
}

fn coupon(terms: Terms) -> Coupon {
    Coupon {
        id: CouponId::derived("c"),
        user: "ann".to_owned(),
        code: "C".to_owned(),
        kind: "k".to_owned(),
        rule_version: "1".to_owned(),
        terms,
        state: CouponState::Open,
        issued_at: at("2026-01-05T00:00:00Z"),
        expires_at: Some(at("2026-02-01T00:00:00Z")),
        order: String::new(),
        discount: None,
        reserved_until: None,
        used_at: None,
    }
}

#[test]
fn discounts_are_rounded_down_and_never_more_than_the_order() {
    let off = |terms: &Terms, paid| terms.discount(&order("o", paid)).unwrap().minor_units;
    assert_eq!(off(&part(1_000, 0), 1_999), 199);
    assert_eq!(off(&part(1_000, 150), 1_999), 150);
    assert_eq!(off(&part(10_000, 0), 1_999), 1_999);
    assert_eq!(off(&part(1, 0), 9_999), 0);
    let amount = Terms { off: Off::Amount(cny(500)), ..part(1, 0) };
    assert_eq!(off(&amount, 499), 499);
    assert_eq!(off(&amount, 501), 500);
}

#[test]
fn terms_refuse_what_they_do_not_cover() {
    let terms = Terms {
        off: Off::Amount(cny(500)),
        min_order: Some(cny(1_000)),
        object_prefix: "course:".to_owned(),
    };
    let refused = |order| terms.discount(&order).unwrap_err();
    assert_eq!(refused(order("o", 999)), CouponRefusal::BelowMinimum(1_000));
    assert!(terms.discount(&order("o", 1_000)).is_ok());
    let dollars = Price { currency: "USD".to_owned(), minor_units: 5_000 };
    let abroad = Order { amount: dollars, ..order("o", 1) };
    assert_eq!(refused(abroad), CouponRefusal::WrongCurrency("CNY".to_owned()));
    let other = Order { object: "plan:basic".to_owned(), ..order("o", 5_000) };
    assert_eq!(refused(other), CouponRefusal::NotApplicable);
}

#[test]
fn a_reservation_outlives_the_date_and_ends_by_itself() {
    let mut one = coupon(part(1_000, 0));
    let (before, end) = (at("2026-01-31T23:00:00Z"), at("2026-02-01T01:00:00Z"));
    one.reserve(before, "ann", &order("o1", 100), end).unwrap();
    let late = at("2026-02-01T00:30:00Z");
    assert_eq!(one.state_at(late), CouponState::Reserved);
    assert_eq!(one.quote(late, "ann", &order("o2", 100)), Err(CouponRefusal::Reserved));
    assert_eq!(one.state_at(end), CouponState::Expired);
    assert_eq!(one.use_reserved(late, "ann", "o1"), Ok(true));
    // Given back, it is good for the grace.
    let grace = at("2026-02-08T16:00:00Z");
    one.give_back(end, "ann", "o1", Some(grace)).unwrap();
    assert_eq!(one.state_at(end), CouponState::Open);
    assert_eq!(one.expires_at, Some(grace));
}

#[test]
fn a_code_reads_as_it_was_typed() {
    let code = code_of(Uuid::from_u128(0x1234_5678_9abc_def0));
    assert_eq!(code.len(), 12);
    assert_eq!(read_code(&format!("{}-{}", &code[..6], code[6..].to_lowercase())), code);
}

#[test]
fn the_gap_is_the_members_own() {
    let rule = CycleRule { coupon: "k".to_owned(), default_days: 30, min_purchases: 3 };
    let start = at("2026-01-05T00:00:00Z");
    let days = |days: &[i64]| -> Vec<Time> {
        days.iter().map(|day| start + TimeDelta::days(*day)).collect()
    };
    let due = |bought: &[i64]| (rule.due_at(&days(bought)).unwrap() - start).num_days();
    assert_eq!(due(&[0, 7]), 37);
    assert_eq!(due(&[0, 7, 14]), 21);
    assert_eq!(due(&[14, 0, 7, 100]), 107);
    assert_eq!(due(&[3, 3, 3]), 4);
    assert_eq!(rule.due_at(&[]), None);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve,
    Use,
    Release,
    GiveBack,
    Wait(u8),
}

proptest! {
    /// Whatever is asked in whatever order, a coupon never serves two orders at once: between two
    /// uses for different orders lies a giving back.
    #[test]
    fn one_order_at_a_time(steps in prop::collection::vec((0u8..5, 0u8..3), 1..60)) {
        let mut one = coupon(part(1_000, 0));
        one.expires_at = None;
        let mut now = one.issued_at;
        let mut serving: Option<String> = None;
        for (kind, n) in steps {
            let name = format!("o{n}");
            let step = match kind {
                0 => Step::Reserve,
                1 => Step::Use,
                2 => Step::Release,
                3 => Step::GiveBack,
                _ => Step::Wait(n),
            };
            match step {
                Step::Reserve => {
                    let until = now + TimeDelta::minutes(15);
                    let done = one.reserve(now, "ann", &order(&name, 100), until);
                    prop_assert!(done.is_err() || serving.is_none());
                }
                Step::Use => {
                    let done = match one.use_reserved(now, "ann", &name) {
                        Ok(false) => one.use_for(now, "ann", &order(&name, 100)),
                        other => other.map(drop),
                    };
                    if done.is_ok() {
                        prop_assert!(serving.is_none() || serving.as_ref() == Some(&name));
                        serving = Some(name);
                    }
                }
                Step::Release => {
                    let _ = one.release(now, "ann", &name);
                }
                Step::GiveBack => {
                    if one.give_back(now, "ann", &name, None).is_ok() {
                        prop_assert_eq!(serving.take(), Some(name));
                    }
                }
                Step::Wait(n) => now += TimeDelta::minutes(i64::from(n) * 10),
            }
            prop_assert_eq!(one.state == CouponState::Used, serving.is_some());
        }
    }
}
