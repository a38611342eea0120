//! What is kept about a user so that a question about them costs what the user is worth in days,
//! not in activities: a small standing, a tile per day of behaviour, a tile per day and currency
//! of spending.
//!
//! Invariant: everything here is a sum, a minimum, a maximum or a bounded set of latest values;
//! so any order in which activities arrive gives the same facts. (That each activity is folded in
//! once is the store's part: it knows them by their natural key.)

use crate::domain::activity::{Activity, Kind};
use crate::domain::calendar::{Calendar, Day};
use crate::domain::money::Currency;
use crate::domain::sessions::Sessions;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The small part: one row a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// When the user became known.
    pub create_time: DateTime<Utc>,
    /// When the user registered, if a caller has said so.
    pub given_register_time: Option<DateTime<Utc>>,
    /// The earliest activity, touches left out: an advertisement seen is no registration.
    pub first_time: Option<DateTime<Utc>>,
    /// The latest own activity.
    pub last_own_time: Option<DateTime<Utc>>,
    /// The latest negative review.
    pub last_negative_time: Option<DateTime<Utc>>,
    /// The latest positive review.
    pub last_positive_time: Option<DateTime<Utc>>,
    /// Purchases ever.
    pub purchases: i64,
    /// Activities that are uses, ever.
    pub uses: i64,
    /// Feedback and reviews ever.
    pub feedbacks: i64,
    /// Referrals ever.
    pub referrals: i64,
    /// The latest sessions.
    pub sessions: Sessions,
    /// Complaints open now.
    pub open_complaints: i64,
    /// The profile's industry.
    pub industry: String,
    /// The profile's influencer flag.
    pub influencer: bool,
}

/// One day of behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayTile {
    /// Own activities.
    pub own: i32,
    /// Logins.
    pub logins: i32,
    /// Sessions.
    pub sessions: i32,
    /// Check-ins.
    pub check_ins: i32,
    /// Feature uses, tasks completed, searches.
    pub lesser_uses: i32,
    /// Comments, shares, feedback, reviews.
    pub interactions: i32,
    /// Length of the sessions in milliseconds.
    pub session_millis: i64,
}

/// One day of spending in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpendTile {
    /// Number of purchases.
    pub purchases: i32,
    /// Number of refunds.
    pub refunds: i32,
    /// Minor units paid.
    pub paid: i64,
    /// Minor units given back.
    pub refunded: i64,
    /// Latest purchase of the day, in microseconds since 1970; 0 without one.
    pub last_purchase_micros: i64,
}

/// Everything the rules need about one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The small part.
    pub standing: Standing,
    /// The days that any rule looks back over, those that have any activity.
    pub days: BTreeMap<Day, DayTile>,
    /// The same for spending.
    pub spending: BTreeMap<(Currency, Day), SpendTile>,
}

impl Standing {
    /// Of a user about whom nothing is known.
    pub fn new(create_time: DateTime<Utc>) -> Self {
        Self {
            create_time,
            given_register_time: None,
            first_time: None,
            last_own_time: None,
            last_negative_time: None,
            last_positive_time: None,
            purchases: 0,
            uses: 0,
            feedbacks: 0,
            referrals: 0,
            sessions: Sessions::default(),
            open_complaints: 0,
            industry: String::new(),
            influencer: false,
        }
    }

    /// As given by a caller, else the earlier of becoming known and the first activity.
    pub fn register_time(&self) -> DateTime<Utc> {
        let seen = self.first_time.map_or(self.create_time, |first| first.min(self.create_time));
        self.given_register_time.unwrap_or(seen)
    }

    /// Since when the user is silent: the last own activity, or registration where there is none
    /// after it.
    pub fn silent_since(&self) -> DateTime<Utc> {
        self.last_own_time.map_or(self.register_time(), |last| last.max(self.register_time()))
    }

    /// Takes an activity in.
    pub fn fold(&mut self, activity: &Activity) {
        let (kind, time) = (activity.kind, activity.occur_time);
        if kind != Kind::Touch {
            self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        }
        if kind.is_own() {
            self.last_own_time = self.last_own_time.max(Some(time));
        }
        match kind {
            Kind::ReviewNegative => {
                self.last_negative_time = self.last_negative_time.max(Some(time));
            }
            Kind::ReviewPositive => {
                self.last_positive_time = self.last_positive_time.max(Some(time));
            }
            Kind::Session => self.sessions.insert(time, activity.millis()),
            Kind::Purchase => self.purchases += 1,
            Kind::Referral => self.referrals += 1,
            _ => {}
        }
        self.uses += i64::from(kind.is_use());
        self.feedbacks += i64::from(kind.is_feedback());
    }
}

impl DayTile {
    /// The tile of one activity.
    pub fn of(activity: &Activity) -> Self {
        let kind = activity.kind;
        Self {
            own: i32::from(kind.is_own()),
            logins: i32::from(kind == Kind::Login),
            sessions: i32::from(kind == Kind::Session),
            check_ins: i32::from(kind == Kind::CheckIn),
            lesser_uses: i32::from(kind.is_lesser_use()),
            interactions: i32::from(kind.is_interaction()),
            session_millis: if kind == Kind::Session { activity.millis() } else { 0 },
        }
    }

    /// Adds another tile of the same day.
    pub fn add(&mut self, other: &Self) {
        self.own += other.own;
        self.logins += other.logins;
        self.sessions += other.sessions;
        self.check_ins += other.check_ins;
        self.lesser_uses += other.lesser_uses;
        self.interactions += other.interactions;
        self.session_millis += other.session_millis;
    }

    /// Times the product was used on the day: one sitting may be reported as login, session and
    /// check-in, so the largest of the three; any lesser use makes at least one.
    pub fn uses(&self) -> i64 {
        let sittings = self.logins.max(self.sessions).max(self.check_ins);
        i64::from(sittings.max(self.lesser_uses.min(1)))
    }
}

impl SpendTile {
    /// The tile of one activity; `None` when it is no payment.
    pub fn of(activity: &Activity) -> Option<(Currency, Self)> {
        let money = activity.amount?;
        let tile = match activity.kind {
            Kind::Purchase => Self {
                purchases: 1,
                paid: money.minor_units,
                last_purchase_micros: activity.occur_time.timestamp_micros(),
                ..Self::default()
            },
            Kind::Refund => Self { refunds: 1, refunded: money.minor_units, ..Self::default() },
            _ => return None,
        };
        Some((money.currency, tile))
    }

    /// Adds another tile of the same day and currency.
    pub fn add(&mut self, other: &Self) {
        self.last_purchase_micros = match (self.purchases, other.purchases) {
            (0, _) => other.last_purchase_micros,
            (_, 0) => self.last_purchase_micros,
            _ => self.last_purchase_micros.max(other.last_purchase_micros),
        };
        self.purchases += other.purchases;
        self.refunds += other.refunds;
        self.paid += other.paid;
        self.refunded += other.refunded;
    }

    /// Paid less refunded.
    pub fn net(&self) -> i64 {
        self.paid - self.refunded
    }
}

impl Facts {
    /// Of a user about whom nothing is known.
    pub fn new(create_time: DateTime<Utc>) -> Self {
        Self {
            standing: Standing::new(create_time),
            days: BTreeMap::new(),
            spending: BTreeMap::new(),
        }
    }

    /// Takes an activity in.
    pub fn fold(&mut self, activity: &Activity, calendar: Calendar) {
        let day = calendar.day_of(activity.occur_time);
        self.standing.fold(activity);
        self.days.entry(day).or_default().add(&DayTile::of(activity));
        if let Some((currency, tile)) = SpendTile::of(activity) {
            self.spending.entry((currency, day)).or_default().add(&tile);
        }
    }

    /// Sums a figure of the days from `first` to `last`.
    pub fn sum_days(&self, first: Day, last: Day, figure: impl Fn(&DayTile) -> i64) -> i64 {
        if first > last {
            return 0;
        }
        self.days.range(first..=last).map(|(_, tile)| figure(tile)).sum()
    }

    /// Net spending per currency from day `first` on, currencies in order.
    pub fn spent_since(&self, first: Day) -> BTreeMap<Currency, i64> {
        let mut spent = BTreeMap::new();
        for ((currency, day), tile) in &self.spending {
            if *day >= first {
                *spent.entry(*currency).or_default() += tile.net();
            }
        }
        spent
    }
}

impl Activity {
    /// Its length in milliseconds; 0 when it has none.
    pub fn millis(&self) -> i64 {
        self.duration.map_or(0, |duration| duration.num_milliseconds())
    }
}
