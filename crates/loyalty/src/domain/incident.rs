//! Incidents: failures of ours, whom they hit, and what those are given (product row LY-10).
//!
//! Invariant: nobody is given the rewards of an incident twice, and nobody approves what they
//! declared themselves.

use super::{Reward, Tier, Time};
use perennial_platform::id::{Id, Kind};
use serde::{Deserialize, Serialize};

/// Names an incident: `inc_...`.
pub type IncidentId = Id<Incident>;

/// What may be given at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Points to one member for one incident or ticket.
    pub max_points: i64,
    /// Days of a plan or a feature.
    pub max_days: u32,
}

/// What members must have done in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Nothing.
    #[default]
    NoneNeeded,
    /// Bought something.
    Purchase,
    /// Bought something, or earned or spent points.
    Any,
}

/// Who was affected: whoever meets all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Members of these plans; none: whoever.
    pub plans: Vec<String>,
    /// Of these tiers at the end of the window; none: whoever.
    pub tiers: Vec<Tier>,
    /// Only these; none: whoever.
    pub users: Vec<String>,
    /// Who did this in the window.
    pub seen: Seen,
}

/// Where an incident stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in compensation.proto, whose numbers these are")]
#[repr(i16)]
pub enum IncidentState {
    Draft = 1,
    Granting = 2,
    Granted = 3,
    Revoking = 4,
    Revoked = 5,
}

/// A failure of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// The caller's name of it.
    pub key: String,
    /// Where it stands.
    pub state: IncidentState,
    /// When it began.
    pub from: Time,
    /// When it was over.
    pub to: Time,
    /// Whom it hit.
    pub filter: Filter,
    /// What those are given.
    pub rewards: Vec<Reward>,
    /// The complaint it answers; may be empty.
    pub ticket: String,
    /// Who declared it.
    pub declared_by: String,
    /// When.
    pub declared_at: Time,
    /// Who approved it; empty: nobody yet.
    pub approved_by: String,
    /// When.
    pub approved_at: Option<Time>,
    /// The version of the rules in force then; empty before.
    pub rule_version: String,
    /// The last member looked at.
    pub cursor: String,
    /// Members looked at, given something, and taken back from.
    pub examined: i64,
    /// See `examined`.
    pub granted: i64,
    /// See `examined`.
    pub revoked: i64,
}

/// What is known of a member when an incident is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The member.
    pub user: String,
    /// Since when.
    pub joined_at: Time,
    /// The tier at the end of the window.
    pub tier: Tier,
    /// Bought something in the window.
    pub bought: bool,
    /// Bought, earned or spent in the window.
    pub active: bool,
    /// Had access to one of the filter's plans in the window.
    pub on_plan: bool,
}

/// Why an incident cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum IncidentRefusal {
    #[error("somebody else must approve it")]
    SamePerson,
    #[error("it was approved before")]
    Approved,
    #[error("it was taken back")]
    Revoked,
    #[error("it is not over yet")]
    WindowOpen,
}

impl Kind for Incident {
    const PREFIX: &'static str = "inc";
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_points: 10_000, max_days: 366 }
    }
}

impl Bounds {
    /// Why they are not sound.
    pub fn fault(&self) -> Option<&'static str> {
        match () {
            () if !(1..=1_000_000_000).contains(&self.max_points) => Some("allows no points"),
            () if !(1..=3_660).contains(&self.max_days) => Some("allows no days, or too many"),
            () => None,
        }
    }

    /// The bound that a reward passes.
    pub fn passed_by(&self, reward: &Reward) -> Option<String> {
        match reward {
            Reward::Points(points) if *points > self.max_points => {
                Some(format!("gives more than {} points", self.max_points))
            }
            Reward::Membership { span, .. } | Reward::Feature { span, .. }
                if span.months > 0 || span.days > self.max_days =>
            {
                Some(format!("gives more than {} days", self.max_days))
            }
            _ => None,
        }
    }
}

impl IncidentState {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Draft, Self::Granting, Self::Granted, Self::Revoking, Self::Revoked]
            .into_iter()
            .find(|state| state.number() == number)
    }
}

impl Filter {
    /// Whether the incident hit somebody. Who bought in the window was there, whenever this service
    /// heard of them first.
    pub fn hits(&self, to: Time, person: &Person) -> bool {
        let seen = match self.seen {
            Seen::NoneNeeded => person.joined_at < to || person.bought,
            Seen::Purchase => person.bought,
            Seen::Any => person.active,
        };
        seen && (self.tiers.is_empty() || self.tiers.contains(&person.tier))
            && (self.users.is_empty() || self.users.contains(&person.user))
            && (self.plans.is_empty() || person.on_plan)
    }
}

impl Incident {
    /// Lets the granting begin.
    pub fn approve(&mut self, now: Time, by: &str, version: &str) -> Result<(), IncidentRefusal> {
        match self.state {
            IncidentState::Draft => {}
            IncidentState::Granting | IncidentState::Granted => {
                return Err(IncidentRefusal::Approved);
            }
            IncidentState::Revoking | IncidentState::Revoked => {
                return Err(IncidentRefusal::Revoked);
            }
        }
        if by == self.declared_by {
            return Err(IncidentRefusal::SamePerson);
        }
        if now < self.to {
            return Err(IncidentRefusal::WindowOpen);
        }
        self.state = IncidentState::Granting;
        by.clone_into(&mut self.approved_by);
        self.approved_at = Some(now);
        version.clone_into(&mut self.rule_version);
        Ok(())
    }

    /// Begins to take it back; a draft gave nothing.
    pub fn revoke(&mut self) -> Result<(), IncidentRefusal> {
        self.state = match self.state {
            IncidentState::Draft => IncidentState::Revoked,
            IncidentState::Granting | IncidentState::Granted => IncidentState::Revoking,
            IncidentState::Revoking | IncidentState::Revoked => {
                return Err(IncidentRefusal::Revoked);
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn whoever_meets_all_of_it_was_hit() {
        let to = at("2026-01-05T00:00:00Z");
        let person = Person {
            user: "ann".to_owned(),
            joined_at: at("2026-01-04T00:00:00Z"),
            tier: Tier::Gold,
            bought: false,
            active: true,
            on_plan: false,
        };
        let hits = |filter: Filter| filter.hits(to, &person);
        assert!(hits(Filter::default()));
        assert!(hits(Filter { seen: Seen::Any, tiers: vec![Tier::Gold], ..Filter::default() }));
        assert!(!hits(Filter { seen: Seen::Purchase, ..Filter::default() }));
        assert!(!hits(Filter { tiers: vec![Tier::Diamond], ..Filter::default() }));
        assert!(!hits(Filter { users: vec!["bob".to_owned()], ..Filter::default() }));
        assert!(!hits(Filter { plans: vec!["basic".to_owned()], ..Filter::default() }));
        let late = Person { joined_at: to, ..person };
        assert!(!Filter::default().hits(to, &late));
        assert!(Filter::default().hits(to, &Person { bought: true, ..late }));
    }

    #[test]
    fn bounds_are_those_of_the_rules() {
        use crate::domain::reward::Span;
        let bounds = Bounds { max_points: 100, max_days: 7 };
        let days =
            |days| Reward::Membership { plan: "basic".to_owned(), span: Span { months: 0, days } };
        assert_eq!(bounds.passed_by(&Reward::Points(100)), None);
        assert!(bounds.passed_by(&Reward::Points(101)).is_some());
        assert_eq!(bounds.passed_by(&days(7)), None);
        assert!(bounds.passed_by(&days(8)).is_some());
    }
}
