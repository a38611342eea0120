//! How far members are: the same functions that decide, asked without writing.

use super::{Member, count, member, store};
use crate::app::{App, rewards};
use crate::domain::progress::streak::{Judge, Outcome};
use crate::domain::progress::{
    Deed, Goal, Measure, Milestone, Sort, Standing, Streak, StreakOffer, Tally,
};
use crate::domain::{Grant, Programme, Refusal, Reward, RuleVersion, Time};
use crate::store::grants::{self, GrantCursor};
use crate::store::progress::{Held, KeptStreak, tallies};
use chrono::NaiveDate;
use perennial_platform::{Error, Result, time};
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1 as proto;
use std::collections::{BTreeMap, BTreeSet};

/// Days of a streak that are shown at most.
const MAX_DAYS: usize = 400;

/// How far a member is with one offer.
pub(super) struct Item<'a> {
    tally: &'a Tally,
    goal: Option<&'a Goal>,
    state: proto::ProgressState,
}

impl<'a> Item<'a> {
    pub(super) fn of(tally: &'a Tally, goal: Option<&'a Goal>, today: NaiveDate) -> Self {
        let state = match tally.standing(today) {
            Standing::Running => proto::ProgressState::Running,
            Standing::Completed => proto::ProgressState::Completed,
            Standing::Lapsed => proto::ProgressState::Lapsed,
            Standing::Left => proto::ProgressState::Left,
        };
        Self { tally, goal, state }
    }

    pub(super) fn message(&self) -> proto::ProgressItem {
        let tally = self.tally;
        let begun = self.state != proto::ProgressState::Open;
        let rewards = self.goal.map_or(&[][..], |goal| goal.rewards.as_slice());
        proto::ProgressItem {
            kind: kind(tally.sort).into(),
            key: tally.key.clone(),
            state: self.state.into(),
            measure: measure(self.goal.map_or(Measure::Count, |goal| goal.measure)).into(),
            done: tally.done,
            goal: tally.goal,
            missing: tally.missing(),
            percent: tally.percent(),
            rewards: promised(rewards),
            rule_version: tally.version.clone(),
            round: if begun { tally.round } else { 0 },
            begin_time: begun.then(|| time::to_proto(tally.began_at)),
            last_day: text(tally.last_day),
            complete_time: tally.completed_at.map(time::to_proto),
        }
    }
}

impl App {
    /// Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn progress(&self, user: &str) -> Result<proto::GetProgressResponse> {
        let (conn, programme, now) = (self.db.read(), self.programme(), self.now());
        let member = member(conn, &programme, user).await?.ok_or(Refusal::MemberNotFound)?;
        let known = tallies::all(conn, user).await?;
        let items = items(&member, &known, now);
        let mut kept = store::streaks(conn, user).await?;
        for offer in &member.in_force(now).progress.streaks {
            if !kept.iter().any(|kept| kept.key == offer.key) {
                kept.push(fresh(offer));
            }
        }
        let streaks = kept.iter().filter_map(|kept| streak(&member, kept, now)).collect();
        Ok(proto::GetProgressResponse { items, streaks })
    }

    /// Errors: NOT_FOUND / MEMBER_NOT_FOUND, STREAK_NOT_FOUND.
    pub(crate) async fn streak(&self, user: &str, key: &str) -> Result<proto::GetStreakResponse> {
        let (conn, programme, now) = (self.db.read(), self.programme(), self.now());
        let member = member(conn, &programme, user).await?.ok_or(Refusal::MemberNotFound)?;
        let missing = || Error::not_found("STREAK_NOT_FOUND", "there is no streak of this name");
        let kept = store::streaks(conn, user).await?.into_iter().find(|kept| kept.key == key);
        let offered = || member.in_force(now).progress.streak(key).map(fresh);
        let mut kept = kept.or_else(offered).ok_or_else(missing)?;
        let deed = Deed::from_number(kept.deed).ok_or_else(missing)?;
        let judge = Judge { programme: &member.programme, calendar: &member.calendar, key };
        let days = store::days(conn, user, deed, None).await?;
        let (streak_now, mut told) = Streak::from_scratch(&days, judge);
        let last = streak_now.last.map(|(day, _)| day);
        let view = streak_now.at(now, judge);
        // Missed since, and afforded: written down when the member comes back.
        let since = view.frozen.iter().filter(|day| last.is_some_and(|last| **day > last));
        told.extend(since.map(|day| (*day, Outcome::Frozen, view.days)));
        kept.streak = streak_now;
        let days = told.split_off(told.len().saturating_sub(MAX_DAYS)).into_iter();
        Ok(proto::GetStreakResponse {
            streak: streak(&member, &kept, now),
            days: days.map(day_message).collect(),
            today: member.calendar.day(now).to_string(),
        })
    }

    /// Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn badges(&self, user: &str) -> Result<proto::ListBadgesResponse> {
        self.member(user).await?;
        let held = store::badges(self.db.read(), user).await?;
        let mut of_key: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
        for badge in &held {
            of_key.entry(&badge.badge).or_default().push(badge);
        }
        let mut badges: Vec<Vec<&Held>> = of_key.into_values().collect();
        badges.sort_by_key(|held| held[0].given_at);
        let message = |held: Vec<&Held>| proto::Badge {
            badge: held[0].badge.clone(),
            give_time: Some(time::to_proto(held[0].given_at)),
            times: small(held.len()),
            grant_ids: held.iter().map(|held| held.grant.to_string()).collect(),
        };
        Ok(proto::ListBadgesResponse { badges: badges.into_iter().map(message).collect() })
    }

    /// What is on offer; with a member what is for this one. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn things_to_do(&self, user: &str) -> Result<proto::ListOffersResponse> {
        let (conn, programme, now) = (self.db.read(), self.programme(), self.now());
        if user.is_empty() {
            let today = super::OwnCalendar::new(programme.zone, []).day(now);
            return Ok(offers(programme.in_force(now), |_, goal| goal.is_on(today)));
        }
        let member = member(conn, &programme, user).await?.ok_or(Refusal::MemberNotFound)?;
        let tier = count::tier(conn, user).await?;
        let today = member.calendar.day(now);
        let known = tallies::all(conn, user).await?;
        let open = |sort: Sort, goal: &Goal| {
            let of_offer = |t: &&Tally| t.sort == sort && t.key == goal.key;
            let done = known.iter().rfind(of_offer).is_some_and(|t| t.completed_at.is_some());
            goal.is_on(today) && goal.min_tier <= tier && (goal.repeats || !done)
        };
        Ok(offers(member.in_force(now), open))
    }

    /// A page of what a member was given. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn grants(
        &self,
        user: &str,
        after: Option<GrantCursor>,
        size: u64,
    ) -> Result<(Vec<Grant>, Option<GrantCursor>)> {
        // Who was erased and came back begins anew.
        let since = self.member(user).await?;
        let mut found = grants::page(self.db.read(), user, since, after, size + 1).await?;
        let more = found.len() as u64 > size;
        found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| more).map(|last| (last.granted_at, last.id.uuid()));
        Ok((found, next))
    }
}

/// Everything with a goal that the member began or can begin.
fn items(member: &Member<'_>, known: &[Tally], now: Time) -> Vec<proto::ProgressItem> {
    let version = member.in_force(now);
    let today = member.calendar.day(now);
    let joined_on = member.calendar.day(member.account.joined_at);
    let mut items = Vec::new();
    for sort in Sort::ALL {
        let offered = version.progress.of(sort).iter().filter(|goal| goal.is_on(today));
        let begun = known.iter().filter(|tally| tally.sort == sort).map(|tally| &tally.key);
        let keys: BTreeSet<&String> = offered.map(|goal| &goal.key).chain(begun).collect();
        for key in keys {
            let mut latest = known.iter().rev();
            if let Some(tally) = latest.find(|tally| tally.sort == sort && tally.key == *key) {
                let goal = count::offer(&member.programme, tally);
                items.push(Item::of(tally, goal, today).message());
            } else if let Some(goal) = version.progress.goal(sort, key) {
                let began_on = if sort == Sort::Task { joined_on } else { today };
                let tally = count::begin(version, sort, goal, 1, now, began_on);
                let state = match tally.standing(today) {
                    Standing::Lapsed => proto::ProgressState::Lapsed,
                    _ => proto::ProgressState::Open,
                };
                items.push(Item { tally: &tally, goal: Some(goal), state }.message());
            }
        }
    }
    items
}

fn fresh(offer: &StreakOffer) -> KeptStreak {
    KeptStreak {
        key: offer.key.clone(),
        deed: offer.activity.number(),
        streak: Streak::default(),
        rewarded: BTreeMap::new(),
    }
}

fn streak(member: &Member<'_>, kept: &KeptStreak, now: Time) -> Option<proto::Streak> {
    let programme: &Programme = &member.programme;
    let judge = Judge { programme, calendar: &member.calendar, key: &kept.key };
    let view = kept.streak.at(now, judge);
    let runs = view.days > 0;
    let begins = &member.in_force(now).version;
    let version = if runs { &view.version } else { begins };
    let offer = judge.offer(version)?;
    let milestone = |m: &Milestone| milestone(m, view.days);
    let today = member.calendar.day(now);
    let never = view.version.is_empty();
    Some(proto::Streak {
        key: kept.key.clone(),
        activity: activity(offer.activity),
        days: count_of(view.days),
        longest: count_of(view.longest),
        freezes: count_of(if never { offer.freezes.start } else { view.freezes }),
        done_today: view.last.is_some_and(|(day, _)| day == today),
        lost_at_time: kept.streak.lost_at(judge).filter(|_| runs).map(time::to_proto),
        milestones: offer.milestones.iter().map(milestone).collect(),
        rule_version: version.clone(),
    })
}

fn offers(version: &RuleVersion, open: impl Fn(Sort, &Goal) -> bool) -> proto::ListOffersResponse {
    let mut offers = Vec::new();
    for sort in Sort::ALL {
        let goals = version.progress.of(sort).iter().filter(|goal| open(sort, goal));
        offers.extend(goals.map(|goal| offer_message(sort, goal, version)));
    }
    offers.extend(version.progress.streaks.iter().map(|streak| proto::Offer {
        kind: proto::OfferKind::Streak.into(),
        key: streak.key.clone(),
        activity: activity(streak.activity),
        measure: proto::Measure::Days.into(),
        milestones: streak.milestones.iter().map(|m| milestone(m, 0)).collect(),
        min_tier: proto::Tier::Ordinary.into(),
        repeats: true,
        rule_version: version.version.clone(),
        ..proto::Offer::default()
    }));
    proto::ListOffersResponse { offers }
}

fn offer_message(sort: Sort, goal: &Goal, version: &RuleVersion) -> proto::Offer {
    proto::Offer {
        kind: kind(sort).into(),
        key: goal.key.clone(),
        activity: activity(goal.activity),
        object: goal.object.clone(),
        measure: measure(goal.measure).into(),
        goal: goal.goal,
        rewards: promised(&goal.rewards),
        milestones: Vec::new(),
        from_day: text(goal.from),
        until_day: text(goal.until),
        within_days: count_of(goal.within_days),
        min_tier: i32::from(goal.min_tier.number()),
        max_per_day: count_of(goal.max_per_day),
        repeats: goal.repeats,
        rule_version: version.version.clone(),
    }
}

fn milestone(milestone: &Milestone, days: u32) -> proto::Milestone {
    proto::Milestone {
        days: count_of(milestone.days),
        rewards: promised(&milestone.rewards),
        reached: days >= milestone.days,
    }
}

fn day_message((day, outcome, days): (NaiveDate, Outcome, u32)) -> proto::DayOfStreak {
    let what = match outcome {
        Outcome::Counted => proto::StreakDay::Counted,
        Outcome::Kept => proto::StreakDay::Kept,
        Outcome::Frozen => proto::StreakDay::Frozen,
    };
    proto::DayOfStreak { day: day.to_string(), what: what.into(), days: count_of(days) }
}

fn promised(rewards: &[Reward]) -> Vec<proto::Reward> {
    rewards.iter().map(rewards::reward_message).collect()
}

fn kind(sort: Sort) -> proto::OfferKind {
    match sort {
        Sort::Task => proto::OfferKind::Task,
        Sort::Challenge => proto::OfferKind::Challenge,
        Sort::Card => proto::OfferKind::StampCard,
    }
}

fn measure(measure: Measure) -> proto::Measure {
    match measure {
        Measure::Count => proto::Measure::Count,
        Measure::Seconds => proto::Measure::Seconds,
        Measure::Days => proto::Measure::Days,
        Measure::Paid => proto::Measure::Paid,
    }
}

/// The name of identity's kind, without its prefix.
fn activity(deed: Deed) -> String {
    let kind = ActivityKind::try_from(i32::from(deed.number())).unwrap_or_default();
    kind.as_str_name().trim_start_matches("ACTIVITY_KIND_").to_owned()
}

fn text(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

fn count_of(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn small(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
