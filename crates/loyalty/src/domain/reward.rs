//! What members are given for what they did, beside the points of purchases.
//!
//! Invariant: a reward is given at most once for its cause, whatever asks for it how often: the
//! id of the grant is derived from member, cause and reward (reference, S5).

use super::calendar::local_day;
use super::{GrantId, Tier, Time};
use chrono::{Days, Months, TimeDelta};
use chrono_tz::Tz;
use perennial_platform::id::Kind;
use serde::{Deserialize, Serialize};

/// A reward as the rules promise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reward {
    /// Whole points; good for as long as the rules say.
    Points(i64),
    /// The badge with this key.
    Badge(String),
    /// Time of a membership plan, without payment.
    Membership {
        /// The key of the plan.
        plan: String,
        /// For how long.
        #[serde(flatten)]
        span: Span,
    },
    /// A coupon of the kind with this key.
    Coupon(String),
    /// A feature, open for a time; a span of nothing opens it for good.
    Feature {
        /// The caller's key of the feature.
        feature: String,
        /// For how long.
        #[serde(flatten)]
        span: Span,
    },
    /// A tier, for as long as the rules guarantee one.
    Tier(Tier),
}

/// Whole calendar months and days, the months first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Span {
    /// Months; a day that the last one lacks becomes its last.
    pub months: u32,
    /// Days after those.
    pub days: u32,
}

/// What a reward is given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// "task", "challenge", "streak", "stamp-card", "referral", "compensation", ...
    pub kind: &'static str,
    /// Which one: unique among the causes of this kind and member, for ever.
    pub id: String,
    /// The version of the rules that promised it.
    pub rule_version: String,
}

impl Cause {
    /// What names an event of a source, and no other: a source without a colon ends at the first
    /// colon, one with a colon at the space, which keys never have.
    pub fn event(source: &str, event: &str) -> String {
        let end = if source.contains(':') { ' ' } else { ':' };
        format!("{source}{end}{event}")
    }

    /// The cause when it comes about for the `n`-th time, after what was given for it was taken
    /// back. The id may be that of any time.
    #[must_use]
    pub fn time(&self, n: u32) -> Self {
        let (name, number) = self.id.rsplit_once('#').unwrap_or((&self.id, ""));
        let number = number.split('/').next().unwrap_or_default();
        let id = match n {
            0 | 1 => format!("{name}#{number}"),
            n => format!("{name}#{number}/{n}"),
        };
        Self { id, ..self.clone() }
    }
}

/// A reward that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// To whom.
    pub user: String,
    /// What.
    pub reward: Reward,
    /// The kind of its cause.
    pub cause: String,
    /// Which one of those.
    pub cause_id: String,
    /// The version of the rules that promised it.
    pub rule_version: String,
    /// When.
    pub granted_at: Time,
    /// When it was taken back.
    pub revoked_at: Option<Time>,
}

impl Kind for Grant {
    const PREFIX: &'static str = "grant";
}

impl Grant {
    /// A reward given now.
    pub fn new(id: GrantId, user: &str, reward: Reward, cause: &Cause, now: Time) -> Self {
        Self {
            id,
            user: user.to_owned(),
            reward,
            cause: cause.kind.to_owned(),
            cause_id: cause.id.clone(),
            rule_version: cause.rule_version.clone(),
            granted_at: now,
            revoked_at: None,
        }
    }

    /// The id of the `n`-th reward that a member gets for a cause.
    pub fn id_for(user: &str, cause: &Cause, n: usize) -> GrantId {
        GrantId::derived(&format!("grant {} {n} {} {user}", cause.kind, cause.id))
    }
}

impl Reward {
    /// Why it cannot be promised, taken alone.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Points(points) if !(1..=1_000_000_000).contains(points) => {
                Some("gives no points or more than 1,000,000,000")
            }
            Self::Badge(key) | Self::Coupon(key) if key.is_empty() => Some("gives what has no key"),
            Self::Membership { plan, .. } if plan.is_empty() => Some("gives what has no key"),
            Self::Membership { span, .. } if span.is_empty() => {
                Some("gives a membership of no time")
            }
            Self::Feature { feature, .. } if feature.is_empty() => Some("gives what has no key"),
            Self::Membership { span, .. } | Self::Feature { span, .. } if span.is_too_long() => {
                Some("gives more than a hundred years")
            }
            _ => None,
        }
    }
}

impl Span {
    /// Nothing at all.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// What is left of it when so much was used, counted from `from`: whole days, rounded down; all
    /// of it when nothing was. `None` when no day is left.
    pub fn less(self, used: TimeDelta, from: Time, zone: Tz) -> Option<Self> {
        if used <= TimeDelta::zero() {
            return Some(self);
        }
        let day = local_day(from, zone);
        let end = day.checked_add_months(Months::new(self.months))?;
        let end = end.checked_add_days(Days::new(u64::from(self.days)))?;
        let used = used.num_days() + i64::from(used > TimeDelta::days(used.num_days()));
        let left = u32::try_from((end - day).num_days() - used).ok()?;
        (left > 0).then_some(Self { months: 0, days: left })
    }

    fn is_too_long(self) -> bool {
        self.months > 1_200 || self.days > 36_600
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_different_sources_have_different_names() {
        assert_eq!(Cause::event("crm", "a:b"), "crm:a:b");
        assert_ne!(Cause::event("crm:a", "b"), Cause::event("crm", "a:b"));
        assert_ne!(Cause::event("crm:a", "b:c"), Cause::event("crm:a:b", "c"));
    }

    #[test]
    fn each_time_has_a_name_whichever_time_is_asked() {
        let first = Cause { kind: "task", id: "a/b#1".to_owned(), rule_version: String::new() };
        assert_eq!(
            (first.time(1).id, first.time(3).id),
            ("a/b#1".to_owned(), "a/b#1/3".to_owned())
        );
        assert_eq!(first.time(3).time(1), first);
    }

    #[test]
    fn what_is_left_is_whole_days_rounded_down() {
        let from: Time = "2026-01-31T04:00:00Z".parse().unwrap();
        let less = |span: Span, hours| span.less(TimeDelta::hours(hours), from, Tz::UTC);
        let month = Span { months: 1, days: 0 };
        assert_eq!(less(month, 0), Some(month));
        // From 31 January to 28 February.
        assert_eq!(less(month, 1), Some(Span { months: 0, days: 27 }));
        assert_eq!(less(month, 24), Some(Span { months: 0, days: 27 }));
        assert_eq!(less(month, 25), Some(Span { months: 0, days: 26 }));
        assert_eq!(less(month, 27 * 24 + 1), None);
        assert_eq!(less(month, 1_000), None);
    }
}
