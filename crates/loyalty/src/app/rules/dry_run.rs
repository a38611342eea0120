//! A change of the rules, tried on the whole history. Nothing is written.
//!
//! Members are read in pages, and what they earned in pages of that, so it takes the same room
//! however many there are.

use crate::app::App;
use crate::config::Config;
use crate::domain::rules::compare::{TermChange, compare};
use crate::domain::rules::effect::{self, Effect, Fold};
use crate::domain::rules::{Class, Report, holding, notice};
use crate::domain::tier::Deal;
use crate::domain::{Account, Programme, RuleVersion, Time};
use crate::store::history::{self, Span};
use crate::store::{facts, head, memberships};
use perennial_platform::db::Db;
use perennial_platform::{Error, Result};
use sea_orm::DatabaseConnection;
use std::collections::HashMap;

/// Members judged at once.
const PAGE: u64 = 500;

/// Members whom a change concerns, one by one, and after whom to go on.
pub(crate) type Concerned = (Vec<(String, Effect)>, Option<String>);

/// Tries rules on a database's whole history, beside the service: what they would mean for whom.
/// Errors: INVALID_ARGUMENT for rules or settings that are not sound; UNAVAILABLE.
pub async fn dry_run(db: &Db, config: &Config, rules: &RuleVersion, now: Time) -> Result<Report> {
    let settings = config.programme()?;
    let programme = crate::app::rulebook::recorded_programme(db.read(), &settings).await?;
    let trial = Trial::new(db.read(), &programme, rules, now, now).await?;
    Ok(trial.run(&programme, 0, String::new(), true).await?.0)
}

impl App {
    /// What rules would mean over all members.
    pub(crate) async fn dry_run(
        &self,
        programme: &Programme,
        rules: &RuleVersion,
        as_of: Time,
    ) -> Result<Report> {
        let trial = Trial::new(self.db.read(), programme, rules, as_of, self.now()).await?;
        Ok(trial.run(programme, 0, String::new(), true).await?.0)
    }

    /// The same with a page of the members whom they concern. Only the first page knows the sums.
    pub(crate) async fn dry_run_page(
        &self,
        rules: &RuleVersion,
        as_of: Time,
        after: Option<String>,
        size: u64,
    ) -> Result<(Option<Report>, Concerned)> {
        let programme = self.rules_now().await?;
        let trial = Trial::new(self.db.read(), &programme, rules, as_of, self.now()).await?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let first = after.is_none();
        let (report, concerned) =
            trial.run(&programme, size, after.unwrap_or_default(), first).await?;
        Ok((first.then_some(report), concerned))
    }
}

/// One change, tried.
struct Trial<'a> {
    conn: &'a DatabaseConnection,
    /// Each version on record, as if it had always been in force.
    before: HashMap<String, Programme>,
    after: Programme,
    /// What changes for memberships under each version; empty: nothing does.
    plans: HashMap<String, Vec<TermChange>>,
    report: Report,
    /// Entries after this one came later.
    seq: i64,
}

impl<'a> Trial<'a> {
    async fn new(
        conn: &'a DatabaseConnection,
        programme: &Programme,
        rules: &RuleVersion,
        as_of: Time,
        now: Time,
    ) -> Result<Self> {
        let after = effect::always(programme, rules);
        let after = after.map_err(|fault| Error::invalid("rules", fault))?;
        let (mut before, mut plans) = (HashMap::new(), HashMap::new());
        for version in programme.versions() {
            let mut changes = compare(version, rules);
            changes.retain(|change| change.term.starts_with("plans."));
            if !changes.is_empty() {
                plans.insert(version.version.clone(), changes);
            }
            let alone = effect::always(programme, version).map_err(Error::internal)?;
            before.insert(version.version.clone(), alone);
        }
        let report = Report::new(notice::changes(programme, rules, now), as_of);
        Ok(Self { conn, before, after, plans, report, seq: head::read(conn).await?.seq })
    }

    /// Judges members after the one given: all of them, or until enough are found whom the change
    /// concerns.
    async fn run(
        mut self,
        programme: &Programme,
        size: usize,
        mut user: String,
        all: bool,
    ) -> Result<(Report, Concerned)> {
        let mut concerned: Vec<(String, Effect)> = Vec::new();
        while all || concerned.len() <= size {
            let members = history::members_after(self.conn, &user, PAGE).await?;
            let Some(last) = members.last() else { break };
            user.clone_from(&last.user);
            for (user, effect) in self.judge(programme, members).await? {
                self.report.add(&effect);
                if concerned.len() <= size && effect.class() != Class::Neutral {
                    concerned.push((user, effect));
                }
            }
        }
        let more = concerned.len() > size;
        concerned.truncate(size);
        let next = concerned.last().filter(|_| more).map(|(user, _)| user.clone());
        Ok((self.report, (concerned, next)))
    }

    /// A page of members, in their order.
    async fn judge(
        &mut self,
        programme: &Programme,
        mut members: Vec<Account>,
    ) -> Result<Vec<(String, Effect)>> {
        let as_of = self.report.as_of;
        let bounds = members.first().zip(members.last());
        let Some((first, last)) = bounds.map(|(a, b)| (a.user.clone(), b.user.clone())) else {
            return Ok(Vec::new());
        };
        members.retain(|member| member.joined_at <= as_of);
        let mut folds: HashMap<&str, Fold<'_>> = HashMap::new();
        for member in &members {
            let version = &programme.in_force_for(member.joined_at, as_of).version;
            let before = self.before.get(version);
            let before = before.ok_or_else(|| Error::internal("a version without rules"))?;
            folds.insert(&member.user, Fold::new(before, &self.after, as_of));
        }
        let span = Span { first: &first, last: &last, seq: self.seq, as_of };
        self.report.entries += fold_entries(self.conn, programme, &span, &mut folds).await?;
        let users = members.iter().map(|member| member.user.clone()).collect();
        let mut deals: HashMap<String, Vec<Deal>> = HashMap::new();
        for deal in facts::deals_of(self.conn, users, as_of).await? {
            self.report.facts += 1;
            deals.entry(deal.user.clone()).or_default().push(deal);
        }
        let held = if self.plans.is_empty() {
            HashMap::new()
        } else {
            memberships::renewing(self.conn, &first, &last).await?
        };
        let mut judged = Vec::with_capacity(members.len());
        for member in &members {
            let Some(fold) = folds.remove(member.user.as_str()) else { continue };
            let theirs = deals.remove(&member.user).unwrap_or_default();
            let mut effect = fold.finish(member.joined_at, &theirs);
            if let Some((plan, period, began)) = held.get(&member.user) {
                let version = &programme.in_force_for(*began, as_of).version;
                let changes = self.plans.get(version).map_or(&[][..], Vec::as_slice);
                effect.terms = holding::of_membership(plan, *period, changes);
            }
            judged.push((member.user.clone(), effect));
        }
        Ok(judged)
    }
}

/// Folds what members earned; answers how many entries that were.
async fn fold_entries(
    conn: &DatabaseConnection,
    programme: &Programme,
    span: &Span<'_>,
    folds: &mut HashMap<&str, Fold<'_>>,
) -> Result<i64> {
    let (mut seen, mut after) = (0, None);
    loop {
        let page = history::earned(conn, span, after.as_ref()).await?;
        let Some((user, seq, _)) = page.last() else { return Ok(seen) };
        after = Some((user.clone(), *seq));
        for (user, _, earned) in &page {
            seen += 1;
            let Some(fold) = folds.get_mut(user.as_str()) else { continue };
            let usual = programme
                .in_force_for_anybody(earned.occurred_at)
                .iter()
                .any(|v| v.expiry(earned.occurred_at, programme.zone) == earned.expires_at);
            fold.earned(earned, usual);
        }
    }
}
