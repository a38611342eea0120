//! Charity: what purchases and points give, and what refunds take back.

use super::activities::Activity;
use super::benefits::Member;
use super::{App, ledger};
use crate::domain::command::{Command, Spend};
use crate::domain::refund::next_share;
use crate::domain::tier::DealId;
use crate::domain::{EntryId, Origin, Programme, Refusal, SetAside, SetAsideId, Time};
use crate::store::charity::{self, Sums};
use crate::store::facts;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1 as proto;
use std::collections::BTreeSet;

/// The name of what a purchase, or a refund, does for a project: each does it once.
pub(crate) fn name_of(deal: DealId, project: &str) -> SetAsideId {
    SetAsideId::derived(&format!("{deal} {project}"))
}

/// Sets aside what a purchase gives, and takes back what a refund does.
pub(super) async fn follow(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: &Activity,
) -> Result<()> {
    match activity.kind {
        ActivityKind::Purchase => set_aside(tx, programme, now, activity).await,
        ActivityKind::Refund => take_back(tx, programme, now, activity).await,
        _ => Ok(()),
    }
}

async fn set_aside(tx: &Tx, programme: &Programme, now: Time, activity: &Activity) -> Result<()> {
    let Some((currency, paid)) = &activity.paid else { return Ok(()) };
    let version = programme.in_force(activity.occurred_at);
    let mut amounts = Vec::new();
    for project in &version.benefits.charity {
        let amount = project.share(&activity.object, currency, *paid);
        if amount <= 0 {
            continue;
        }
        amounts.push(SetAside {
            id: name_of(activity.deal(), &project.key),
            user: activity.user.clone(),
            project: project.key.clone(),
            order: activity.object.clone(),
            reverses: None,
            currency: currency.clone(),
            paid: *paid,
            amount,
            points: 0,
            month: month(programme, activity.occurred_at),
            rule_version: version.version.clone(),
        });
    }
    charity::add(tx, &amounts, now).await
}

/// As with points, a refund is matched with a purchase of the order that was told before it.
async fn take_back(tx: &Tx, programme: &Programme, now: Time, activity: &Activity) -> Result<()> {
    let Some((currency, asked)) = activity.paid.clone().filter(|_| !activity.object.is_empty())
    else {
        return Ok(());
    };
    let bought = facts::purchase(tx, &activity.user, &activity.object).await?;
    let Some(bought) = bought.filter(|bought| bought.currency == currency) else {
        return Ok(());
    };
    let every = programme.versions().iter().flat_map(|version| &version.benefits.charity);
    let projects: BTreeSet<&str> = every.map(|project| project.key.as_str()).collect();
    let given = charity::by_id(tx, projects.iter().map(|key| name_of(bought.id, key))).await?;
    let mut amounts = Vec::new();
    for one in given {
        let before: i64 = charity::reversals(tx, one.id).await?.iter().map(|r| r.paid).sum();
        let paid = asked.min(one.paid - before);
        if paid <= 0 {
            continue;
        }
        amounts.push(SetAside {
            id: name_of(activity.deal(), &one.project),
            reverses: Some(one.id),
            paid,
            amount: -next_share(one.amount, one.paid, before, paid),
            month: month(programme, activity.occurred_at),
            ..one
        });
    }
    charity::add(tx, &amounts, now).await
}

fn month(programme: &Programme, at: Time) -> String {
    at.with_timezone(&programme.zone).format("%Y-%m").to_string()
}

impl App {
    /// What was set aside for a project, by month, with the month after which to go on. Errors: see
    /// CharityService/GetReport.
    pub(crate) async fn charity_report(
        &self,
        project: &str,
        (from, to): (&str, &str),
        after: Option<String>,
        size: u64,
    ) -> Result<(Vec<Sums>, Option<String>)> {
        let programme = self.rules_now().await?;
        let known =
            programme.versions().iter().any(|rules| rules.benefits.project(project).is_some());
        if !known {
            return Err(project_not_found(project));
        }
        // As YYYY-MM.
        let (from, to) = (from.get(..7).unwrap_or(""), to.get(..7).unwrap_or(""));
        if !to.is_empty() && to < from {
            return Err(Error::invalid("to_date", "lies before from_date"));
        }
        let conn = self.db.read();
        let after = after.as_deref();
        let mut months = charity::months(conn, project, from, to, after, size + 1).await?;
        let next = super::cut(&mut months, size, String::clone);
        Ok((charity::by_month(conn, project, months).await?, next))
    }

    /// What a member gave, by project.
    pub(crate) async fn contribution(&self, user: &str) -> Result<Vec<Sums>> {
        charity::by_project(self.db.read(), user).await
    }

    /// Gives points to a project. Errors: see CharityService/DonatePoints.
    pub(crate) async fn donate(
        &self,
        key: Option<Key>,
        user: &str,
        project: &str,
        points: i64,
    ) -> Result<Reply<proto::DonatePointsResponse>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let member = Member::find(tx, &programme, now, user).await?;
            if member.version.benefits.project(project).is_none() {
                return Err(project_not_found(project));
            }
            let rule_version = member.version.version.clone();
            let origin = Origin {
                reason: format!("donate:{project}"),
                rule: "charity".to_owned(),
                rule_version: rule_version.clone(),
                ..Origin::default()
            };
            let id = EntryId::new(now);
            let spend = Command::Spend(Spend { id, user: user.to_owned(), points, origin });
            let outcome = ledger::post(tx, &programme, now, &[spend]).await?.pop();
            let entry = outcome.unwrap_or(Err(Refusal::EntryNotFound))?;
            let given = SetAside {
                id: SetAsideId::derived(&format!("points {}", entry.id)),
                user: user.to_owned(),
                project: project.to_owned(),
                order: String::new(),
                reverses: None,
                currency: String::new(),
                paid: 0,
                amount: 0,
                points,
                month: month(&programme, now),
                rule_version,
            };
            charity::add(tx, &[given], now).await?;
            Ok(proto::DonatePointsResponse { entry_id: entry.id.to_string(), replayed: false })
        })
        .await
    }
}

fn project_not_found(key: &str) -> Error {
    Error::not_found("PROJECT_NOT_FOUND", format!("no project {key:?} is supported"))
}
