//! Tasks, streaks, challenges, badges and stamp cards (product rows LY-3, 4, 5 and 7).
//!
//! Invariant: how far a member is, is a pure function of the events that counted, the member's time
//! zones and the rules. What is shown and what is rewarded come from the same functions:
//! [`tally`] for whatever has a goal, [`streak`] for days in a row (reference, S13).

pub mod calendar;
pub mod offer;
pub mod streak;
pub mod tally;

pub use calendar::OwnCalendar;
pub use offer::{Deed, Freezes, Goal, Measure, Milestone, OnRefund, StreakOffer};
pub use streak::{Attended, Streak};
pub use tally::{Mark, Sort, Standing, Tally};

use super::Reward;
use super::tier::Tier;
use serde::{Deserialize, Serialize};

/// What members can do, and what it earns them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgressRules {
    /// Begin by themselves, once for each member.
    pub tasks: Vec<Goal>,
    /// Begin when a member joins.
    pub challenges: Vec<Goal>,
    /// Begin by themselves, and again when they are full.
    pub stamp_cards: Vec<Goal>,
    /// Days in a row.
    pub streaks: Vec<StreakOffer>,
}

/// Offers of one sort at most.
const MAX_OFFERS: usize = 100;

impl Default for ProgressRules {
    fn default() -> Self {
        Self { tasks: tasks(), challenges: challenges(), stamp_cards: cards(), streaks: streaks() }
    }
}

fn tasks() -> Vec<Goal> {
    vec![
        Goal {
            key: "study-100-hours".to_owned(),
            activity: Deed::Session,
            measure: Measure::Seconds,
            goal: 360_000,
            rewards: vec![Reward::Tier(Tier::Silver)],
            ..Goal::default()
        },
        Goal {
            key: "first-course".to_owned(),
            activity: Deed::TaskCompleted,
            object: "course*".to_owned(),
            rewards: vec![Reward::Points(50)],
            ..Goal::default()
        },
        Goal {
            key: "first-feedback".to_owned(),
            activity: Deed::Feedback,
            rewards: vec![Reward::Points(20)],
            ..Goal::default()
        },
    ]
}

fn challenges() -> Vec<Goal> {
    vec![Goal {
        key: "thirty-days".to_owned(),
        activity: Deed::CheckIn,
        measure: Measure::Days,
        goal: 30,
        within_days: 33,
        repeats: true,
        rewards: vec![Reward::Points(100), Reward::Badge("star-of-progress".to_owned())],
        ..Goal::default()
    }]
}

fn cards() -> Vec<Goal> {
    let card = Goal { activity: Deed::Purchase, min_minor_units: 1, ..Goal::default() };
    let stamps = Goal { max_per_day: 3, repeats: true, ..card };
    vec![
        Goal {
            key: "ten-and-one".to_owned(),
            goal: 10,
            rewards: vec![Reward::Points(200)],
            ..stamps.clone()
        },
        Goal {
            key: "gold-event".to_owned(),
            goal: 3,
            min_tier: Tier::Gold,
            rewards: vec![Reward::Badge("gold-event".to_owned())],
            ..stamps
        },
    ]
}

fn streaks() -> Vec<StreakOffer> {
    let badge = Reward::Badge("full-attendance".to_owned());
    vec![StreakOffer {
        key: "check-in".to_owned(),
        milestones: vec![
            Milestone { days: 7, rewards: vec![Reward::Points(20)] },
            Milestone { days: 30, rewards: vec![badge] },
        ],
        ..StreakOffer::default()
    }]
}

impl ProgressRules {
    /// Offers with a goal of one sort.
    pub fn of(&self, sort: Sort) -> &[Goal] {
        match sort {
            Sort::Task => &self.tasks,
            Sort::Challenge => &self.challenges,
            Sort::Card => &self.stamp_cards,
        }
    }

    /// The offer of this sort and key.
    pub fn goal(&self, sort: Sort, key: &str) -> Option<&Goal> {
        self.of(sort).iter().find(|goal| goal.key == key)
    }

    /// The streak with this key.
    pub fn streak(&self, key: &str) -> Option<&StreakOffer> {
        self.streaks.iter().find(|streak| streak.key == key)
    }

    /// Whether anything on offer counts a deed.
    pub fn follows(&self, deed: Deed) -> bool {
        let mut goals = Sort::ALL.into_iter().flat_map(|sort| self.of(sort));
        goals.any(|goal| goal.activity == deed)
            || self.streaks.iter().any(|streak| streak.activity == deed)
    }

    /// Why these rules are not sound.
    pub fn fault(&self) -> Option<String> {
        for sort in Sort::ALL {
            let (name, goals) = (sort.cause(), self.of(sort));
            if let Some(fault) = stands_well(name, goals.iter().map(|goal| &goal.key)) {
                return Some(fault);
            }
            let found = goals.iter().find_map(|goal| Some((&goal.key, goal.fault(sort)?)));
            if let Some((key, fault)) = found {
                return Some(format!("has a {name} {key:?} that {fault}"));
            }
        }
        if let Some(fault) = stands_well("streak", self.streaks.iter().map(|streak| &streak.key)) {
            return Some(fault);
        }
        let found = self.streaks.iter().find_map(|streak| Some((&streak.key, streak.fault()?)));
        found.map(|(key, fault)| format!("has a streak {key:?} that {fault}"))
    }
}

fn stands_well<'a>(name: &str, keys: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut keys: Vec<&String> = keys.collect();
    let count = keys.len();
    if count > MAX_OFFERS {
        return Some(format!("has more than {MAX_OFFERS} of {name}"));
    }
    // Callers name offers in fields that hold nothing else, and causes put a number behind "#".
    let spoken = |key: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:@/+=-".contains(c);
        (1..=64).contains(&key.len()) && key.chars().all(plain)
    };
    if let Some(key) = keys.iter().find(|key| !spoken(key)) {
        return Some(format!("has a {name} {key:?} whose name is not a key of 1 to 64 characters"));
    }
    keys.sort();
    keys.dedup();
    (keys.len() < count).then(|| format!("names two of {name} alike"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_sound_and_what_is_not_is_named() {
        assert_eq!(ProgressRules::default().fault(), None);
        let broken = |change: fn(&mut ProgressRules)| {
            let mut rules = ProgressRules::default();
            change(&mut rules);
            rules.fault().unwrap()
        };
        assert!(broken(|r| r.tasks[0].goal = 0).contains("goal"));
        assert!(broken(|r| r.tasks[0].rewards[0] = Reward::Points(0)).contains("no points"));
        assert!(broken(|r| r.tasks[1].key = "first-feedback".to_owned()).contains("alike"));
        assert!(broken(|r| r.tasks[1].key = "a#1".to_owned()).contains("key"));
        assert!(broken(|r| r.challenges[0].within_days = 0).contains("never ends"));
        assert!(broken(|r| r.challenges[0].within_days = 29).contains("more days"));
        assert!(broken(|r| r.stamp_cards[0].measure = Measure::Days).contains("stamps"));
        assert!(broken(|r| r.stamp_cards[0].activity = Deed::Session).contains("stamps"));
        assert!(broken(|r| r.streaks[0].milestones.reverse()).contains("milestones"));
        assert!(broken(|r| r.streaks[0].travel_grace_hours = 49).contains("48 hours"));
        assert!(broken(|r| r.tasks[0].measure = Measure::Paid).contains("money"));
    }

    #[test]
    fn rules_survive_being_written_down() {
        let rules = ProgressRules::default();
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<ProgressRules>(&text).unwrap(), rules);
    }
}
