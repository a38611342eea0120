//! What identity tells: in order or not, once or twice.

use super::{Check, Told, World};
use crate::simulation::trap::Blow;
use perennial_platform::Result;
use perennial_platform::db::faults::Step;
use perennial_platform::time::to_proto;
use perennial_proto::events::v1::Event;
use perennial_proto::identity::v1::{ActivityKind, ActivityRecorded, UserErased, UserRegistered};
use perennial_proto::types::v1::Money;
use prost::{Message, Name};

impl World {
    /// Something more happens, and identity tells of what happened.
    pub(super) async fn tell(&mut self) -> Result<Check> {
        let told = self.happens();
        self.feed.push(told);
        if self.feed.len() < 2 && self.random.one_in(3) {
            return Ok(Ok(()));
        }
        if self.feed.len() > 1 && self.random.one_in(3) {
            self.report.fault("events out of order");
            self.feed.reverse();
        }
        for told in std::mem::take(&mut self.feed) {
            if let Err(violation) = self.deliver(&told).await? {
                return Ok(Err(violation));
            }
        }
        Ok(Ok(()))
    }

    fn happens(&mut self) -> Told {
        let (user, at) = (self.user(), self.now());
        let event = format!("a{}", self.step);
        match self.random.weighed(&[10, 7, 5, 1, 2]) {
            0 => {
                let currency = ["CNY", "CNY", "CNY", "USD", "XAU"][self.random.below(5)];
                // Now and then just below, at, or above what a tier asks for.
                let paid = match self.random.below(6) {
                    0 => 50_000 + self.random.between(-1, 1),
                    1 => 0,
                    _ => self.random.between(1, 9_999),
                };
                Told::Purchase { user, event, at, currency, paid }
            }
            1 => {
                let orders = self.oracle.orders();
                let orders: Vec<_> =
                    orders.map(|(o, u, c, paid)| (o.clone(), u.to_owned(), c, paid)).collect();
                let latest = &orders[orders.len().saturating_sub(30)..];
                let Some((order, user, currency, paid)) = self.random.pick(latest).cloned() else {
                    return Told::Registered { user };
                };
                let paid =
                    if self.random.one_in(2) { paid } else { self.random.between(1, paid.max(1)) };
                let currency = if self.random.one_in(10) { "CNY" } else { currency };
                Told::Refund { user, event, at, order, currency, paid: paid.max(1) }
            }
            2 => Told::CheckIn { user, event, at },
            3 => Told::Erased { user },
            _ => Told::Registered { user },
        }
    }

    /// Tells until it was taken in; sometimes once more.
    pub(super) async fn deliver(&mut self, told: &Told) -> Result<Check> {
        let event = event(told, self.step);
        if self.random.one_in(5) {
            let blow = self.arm();
            let first = self.site.deliver(&event).await;
            let fell = self.aftermath(blow).await?;
            if first.is_err() && fell.is_none() {
                return Ok(Err(format!("{told:?}: {first:?}")));
            }
            if fell == Some(Step::Committed) || first.is_ok() {
                self.report.fault("log event told twice");
            }
            debug_assert_ne!(blow, Blow::Hang);
        }
        let times = if self.random.one_in(4) { 2 } else { 1 };
        for _ in 0..times {
            if let Err(error) = self.site.deliver(&event).await {
                return Ok(Err(format!("{told:?}: {error}")));
            }
        }
        if times > 1 {
            self.report.fault("log event told twice");
        }
        let now = self.now();
        let before = self.oracle.deeds.len();
        self.oracle.told(told, now);
        if let Told::Erased { user } = told {
            self.places.erased(user, now);
        }
        self.report.saw(match told {
            _ if self.oracle.deeds.len() == before => "event without points",
            Told::Purchase { .. } => "purchase earned",
            Told::Refund { .. } => "refund took back",
            Told::CheckIn { .. } => "check-in earned",
            _ => "member came or went",
        });
        let user = match told {
            Told::Registered { user }
            | Told::Erased { user }
            | Told::CheckIn { user, .. }
            | Told::Purchase { user, .. }
            | Told::Refund { user, .. } => user,
        };
        Ok(self.compare(user).await)
    }

    /// A member whose points come near the limit of what an account holds.
    pub(super) async fn whale_spouts(&mut self) -> Result<Check> {
        let (user, at) = (format!("whale-{}", self.whale / 40), self.now());
        self.whale += 1;
        if self.whale % 40 <= 15 {
            let (event, paid) = (format!("w{}", self.step), 999_999_999_999_999);
            let told = Told::Purchase { user, event, at, currency: "USD", paid };
            return self.deliver(&told).await;
        }
        let request = perennial_proto::loyalty::v1::EarnRequest {
            request_id: format!("w{}", self.step),
            user_id: user,
            points: 1_000_000_000_000,
            ..Default::default()
        };
        let call = super::Call::Earn(request);
        let reply = call.clone().send(&self.site.points).await;
        Ok(self.settle_with(&call, reply, false).await)
    }
}

/// As identity's log has it.
fn event(told: &Told, step: u64) -> Event {
    let activity = |user: &String, event: &String, at, kind: ActivityKind| ActivityRecorded {
        user_id: user.clone(),
        activity_id: format!("act_{step}"),
        kind: kind.into(),
        occur_time: Some(to_proto(at)),
        source: "shop".to_owned(),
        source_event_id: event.clone(),
        ..ActivityRecorded::default()
    };
    match told {
        Told::Registered { user } => {
            packed(&UserRegistered { user_id: user.clone(), ..Default::default() })
        }
        Told::Erased { user } => packed(&UserErased { user_id: user.clone() }),
        Told::CheckIn { user, event, at } => {
            packed(&activity(user, event, *at, ActivityKind::CheckIn))
        }
        Told::Purchase { user, event, at, currency, paid } => packed(&ActivityRecorded {
            object: event.clone(),
            amount: Some(Money { currency: (*currency).to_owned(), minor_units: *paid }),
            ..activity(user, event, *at, ActivityKind::Purchase)
        }),
        Told::Refund { user, event, at, order, currency, paid } => packed(&ActivityRecorded {
            object: order.clone(),
            amount: Some(Money { currency: (*currency).to_owned(), minor_units: *paid }),
            ..activity(user, event, *at, ActivityKind::Refund)
        }),
    }
}

fn packed<M: Message + Name>(payload: &M) -> Event {
    let data = prost_types::Any { type_url: M::type_url(), value: payload.encode_to_vec() };
    Event { r#type: M::full_name(), data: Some(data), ..Event::default() }
}
