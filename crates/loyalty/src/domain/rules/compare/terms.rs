//! Which way each term is better for members.

use crate::domain::Time;
use crate::domain::rules::record::Class;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::Value;
use std::cmp::Ordering;

/// Which value of a term is better for members.
#[derive(Debug, Clone, Copy)]
pub(super) enum Better {
    /// More of a number.
    More,
    /// Less of a number.
    Less,
    /// More, and 0 is the most: "for ever", "without limit".
    MoreOrNone,
    /// Less, and 0 is the most: "leads nowhere", "never".
    LessUnlessNone,
    /// What stands later in this list.
    Among(&'static [&'static str]),
    /// An earlier day or instant; none is the earliest.
    Earlier,
    /// A later day; none is the latest.
    Later,
    /// The beginning of more names; with `*`: names that begin so, without it: this name only;
    /// nothing: all.
    Wider,
    /// The beginning of more names.
    WiderPrefix,
    /// Its absence: it restricts something.
    Absence,
    /// Its presence: it is offered.
    Presence,
    /// More months and more days.
    MoreTime,
    /// The same, and nothing is the most: "for good".
    MoreTimeOrNone,
}

use Better::{
    Absence, Among, Earlier, Later, Less, LessUnlessNone, More, MoreOrNone, MoreTime,
    MoreTimeOrNone, Presence, Wider, WiderPrefix,
};

const LOWER_TIER: Better = Among(&["diamond", "gold", "silver", "ordinary"]);
const HIGHER_TIER: Better = Among(&["ordinary", "silver", "gold", "diamond"]);
const YES: Better = Among(&["false", "true"]);

/// The terms of which it is known. `*` is any field, `*[*]` any list, `**` whatever stands before.
/// What more members are admitted to is better for members, although they share it.
const TERMS: &[(&str, Better)] = &[
    ("check_in_points", More),
    ("valid_months", MoreOrNone),
    // Keeping a fraction instead of losing it.
    ("rounding", Among(&["floor", "carry"])),
    ("tiers.window_days", More),
    ("tiers.keep_days", More),
    ("tiers.*.spend_minor_units", LessUnlessNone),
    ("tiers.*.orders", LessUnlessNone),
    ("tiers.*.recommendations", LessUnlessNone),
    // Falling step by step is better than falling at once; rising at once, than waiting.
    ("tiers.downgrade", Among(&["to_base", "to_qualified", "one_down"])),
    ("tiers.upgrade", Among(&["next_period", "immediate"])),
    // Rewards, wherever they stand.
    ("**.rewards[*].points", More),
    ("**.rewards[*].tier", HIGHER_TIER),
    ("**.rewards[*].membership", MoreTime),
    ("**.rewards[*].feature", MoreTimeOrNone),
    ("**.rewards[*]", Presence),
    // Tasks, challenges, stamp cards.
    ("progress.*[*].goal", Less),
    ("progress.*[*].object", Wider),
    ("progress.*[*].min_minor_units", Less),
    ("progress.*[*].from", Earlier),
    ("progress.*[*].until", Later),
    ("progress.*[*].within_days", MoreOrNone),
    ("progress.*[*].min_tier", LOWER_TIER),
    ("progress.*[*].max_per_day", MoreOrNone),
    ("progress.*[*].repeats", YES),
    ("progress.*[*].on_refund", Among(&["revoke", "keep"])),
    ("progress.streaks[*].milestones[*].days", Less),
    ("progress.streaks[*].milestones[*]", Presence),
    ("progress.streaks[*].freezes.start", More),
    ("progress.streaks[*].freezes.every_days", LessUnlessNone),
    ("progress.streaks[*].freezes.at_most", More),
    ("progress.streaks[*].travel_grace_hours", More),
    ("progress.*[*]", Presence),
    ("referrals.window_days", More),
    ("referrals.late_hours", More),
    ("referrals.purchase_days", MoreOrNone),
    ("referrals.min_order_minor_units", Less),
    ("referrals.return_days", Less),
    ("referrals.limit", More),
    ("referrals.codes", More),
    ("referrals.steps[*].friends", Less),
    ("referrals.steps[*]", Presence),
    // From how much suspicion on somebody looks, what is suspicious, and how much that weighs.
    ("referrals.signals.review_at", More),
    ("referrals.signals.block_at", More),
    ("referrals.signals.per_ip", More),
    ("referrals.signals.per_device", More),
    ("referrals.signals.per_advocate", More),
    ("referrals.signals.per_burst", More),
    ("referrals.signals.*", Less),
    ("plans.plans[*].monthly", Less),
    ("plans.plans[*].yearly", Less),
    ("plans.plans[*].trial", YES),
    ("plans.plans[*].offers[*].pay", Less),
    ("plans.plans[*].offers[*].get", More),
    ("plans.plans[*].offers[*]", Presence),
    ("plans.plans[*]", Presence),
    ("plans.first_order_percent_off", More),
    ("plans.trial_days", More),
    ("plans.tool_trial_days", More),
    ("plans.notice_days", More),
    ("plans.grace_days", More),
    ("plans.hold_days", More),
    ("plans.refund_days", More),
    ("plans.pause_days", More),
    ("benefits.coupons[*].valid_days", More),
    ("benefits.coupons[*].off.amount.minor_units", More),
    ("benefits.coupons[*].off.part.basis_points", More),
    ("benefits.coupons[*].off.part.max_minor_units", MoreOrNone),
    ("benefits.coupons[*].min_order.minor_units", Less),
    ("benefits.coupons[*].min_order", Absence),
    ("benefits.coupons[*].object_prefix", WiderPrefix),
    ("benefits.cycle.default_days", Less),
    ("benefits.cycle", Presence),
    ("benefits.places[*].places", MoreOrNone),
    // The same places, again each month.
    ("benefits.places[*].period", Among(&["once", "month"])),
    ("benefits.places[*].min_tier", LOWER_TIER),
    ("benefits.places[*].per_member", MoreOrNone),
    ("benefits.places[*].open_from", Earlier),
    ("benefits.catalogue[*].points", Less),
    ("benefits.catalogue[*].good.reward.tier", HIGHER_TIER),
    ("benefits.catalogue[*].good.reward.membership", MoreTime),
    ("benefits.catalogue[*].good.reward.feature", MoreTimeOrNone),
    ("benefits.catalogue[*].stock", MoreOrNone),
    ("benefits.catalogue[*].per_member", MoreOrNone),
    ("benefits.catalogue[*].min_tier", LOWER_TIER),
    ("benefits.charity[*].parts[*].fixed_minor_units", More),
    ("benefits.charity[*].parts[*].basis_points", More),
    ("benefits.charity[*].parts[*]", Presence),
    ("benefits.*[*]", Presence),
    ("benefits.compensation.max_points", More),
    ("benefits.compensation.max_days", More),
];

/// What the change of one term means. What is not known to be better is worse.
pub(super) fn judge(shape: &str, old: Option<&Value>, new: Option<&Value>) -> Class {
    let better = better(shape).and_then(|better| better.order(old, new));
    match better {
        Some(Ordering::Less) => Class::Better,
        Some(Ordering::Equal) => Class::Neutral,
        Some(Ordering::Greater) | None => Class::Worse,
    }
}

/// Whether a term is judged as a whole, although it has parts.
pub(super) fn is_whole(shape: &str) -> bool {
    matches!(better(shape), Some(MoreTime | MoreTimeOrNone))
}

/// What is known of a term.
pub(super) fn better(shape: &str) -> Option<Better> {
    TERMS.iter().find(|(pattern, _)| matches(pattern, shape)).map(|(_, better)| *better)
}

impl Better {
    /// How the old value stands to the new one: less is not as good. `None` where they cannot be
    /// compared.
    fn order(self, old: Option<&Value>, new: Option<&Value>) -> Option<Ordering> {
        let number = |value: Option<&Value>| value.and_then(Value::as_i64).map(i128::from);
        let numbers = number(old).zip(number(new));
        // What nothing stands for: there is no limit.
        let most = |n: i128| if n == 0 { i128::MAX } else { n };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let texts = old.map(text).zip(new.map(text));
        match self {
            // Something on offer is more than nothing.
            _ if old.is_none() && self.is_offer() => Some(Ordering::Less),
            _ if new.is_none() && self.is_offer() => Some(Ordering::Greater),
            More => numbers.map(|(old, new)| old.cmp(&new)),
            Less => numbers.map(|(old, new)| new.cmp(&old)),
            MoreOrNone => numbers.map(|(old, new)| most(old).cmp(&most(new))),
            LessUnlessNone => numbers.map(|(old, new)| most(new).cmp(&most(old))),
            Among(list) => {
                let place = |text: &str| list.iter().position(|known| *known == text);
                let (old, new) = texts?;
                Some(place(&old)?.cmp(&place(&new)?))
            }
            Earlier => Some(match (old, new) {
                (None, _) => Ordering::Greater,
                (_, None) => Ordering::Less,
                (Some(old), Some(new)) => moment(new)?.cmp(&moment(old)?),
            }),
            Later => Some(match (old, new) {
                (None, _) => Ordering::Greater,
                (_, None) => Ordering::Less,
                (Some(old), Some(new)) => moment(old)?.cmp(&moment(new)?),
            }),
            Wider => texts.and_then(|(old, new)| inclusion(&old, &new, names)),
            WiderPrefix => {
                texts.and_then(|(old, new)| inclusion(&old, &new, |a, b| a.starts_with(b)))
            }
            Absence => match (old, new) {
                (Some(_), None) => Some(Ordering::Less),
                (None, Some(_)) => Some(Ordering::Greater),
                _ => None,
            },
            Presence => None,
            MoreTime => time(old?, new?, false),
            MoreTimeOrNone => time(old?, new?, true),
        }
    }

    /// Whether its absence means that there is nothing.
    fn is_offer(self) -> bool {
        matches!(self, More | Less | Among(_) | Presence | MoreTime | MoreTimeOrNone)
    }
}

/// A day or an instant.
fn moment(value: &Value) -> Option<NaiveDateTime> {
    let text = value.as_str()?;
    let day = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN));
    text.parse::<Time>().map(|at| at.naive_utc()).ok().or_else(day)
}

/// Which of two names includes the other; `within` says whether the first is in the second.
fn inclusion(old: &str, new: &str, within: fn(&str, &str) -> bool) -> Option<Ordering> {
    match (within(old, new), within(new, old)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    }
}

/// Whether everything that one pattern names is named by the other.
fn names(one: &str, other: &str) -> bool {
    match other.strip_suffix('*') {
        _ if other.is_empty() => true,
        Some("") => true,
        Some(beginning) => !one.is_empty() && one.trim_end_matches('*').starts_with(beginning),
        None => one == other,
    }
}

/// Time of the same thing: months and days, each.
fn time(old: &Value, new: &Value, none_is_most: bool) -> Option<Ordering> {
    let rest = |value: &Value| {
        let mut fields = value.as_object()?.clone();
        let mut number = |name| fields.remove(name).and_then(|n| n.as_u64()).unwrap_or(0);
        let span = (number("months"), number("days"));
        Some((span, fields))
    };
    let ((old, of_old), (new, of_new)) = (rest(old)?, rest(new)?);
    let for_good = |span: (u64, u64)| none_is_most && span == (0, 0);
    let (months, days) = (old.0.cmp(&new.0), old.1.cmp(&new.1));
    match (for_good(old), for_good(new)) {
        _ if of_old != of_new => None,
        (true, _) | (_, true) => Some(for_good(old).cmp(&for_good(new))),
        _ if months == days || days == Ordering::Equal => Some(months),
        _ if months == Ordering::Equal => Some(days),
        // Months have no fixed number of days.
        _ => None,
    }
}

/// Whether a shape has this form.
pub(super) fn matches(pattern: &str, shape: &str) -> bool {
    let mut given = shape.rsplit('.');
    for wanted in pattern.rsplit('.') {
        let Some(part) = given.next() else { return wanted == "**" };
        let is_list = part.ends_with("[*]");
        match wanted {
            "**" => return true,
            "*" if !is_list => {}
            "*[*]" if is_list => {}
            wanted if wanted == part => {}
            _ => return false,
        }
    }
    given.next().is_none()
}
