//! From what happened to messages, by the table of triggers (product rows NT-3 and NT-6).

use super::{App, Plan};
use crate::domain::decision::Gate;
use crate::domain::trigger::{Occasion, TriggerRule};
use crate::store::{messages, people};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Something that happened to a user.
#[derive(Debug, Clone)]
pub struct Happening<'a> {
    /// What.
    pub occasion: Occasion,
    /// To whom.
    pub user_id: &'a str,
    /// Unique name of the event; each trigger fires once for it.
    pub event: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// Values for templates, without personal data.
    pub variables: Vec<(&'static str, String)>,
}

impl App {
    /// Plans the messages that the table asks for. A rule whose template is gone or asks for
    /// more than the event holds is logged and skipped: it must not stop the log.
    pub async fn fire(&self, tx: &Tx, happening: &Happening<'_>, now: DateTime<Utc>) -> Result<()> {
        let rules: Vec<&TriggerRule> = self.rules.on(happening.occasion).collect();
        if rules.is_empty() || happening.user_id.is_empty() {
            return Ok(());
        }
        let plans: Vec<Plan> = rules.into_iter().map(|rule| plan(rule, happening)).collect();
        for (plan, answer) in plans.iter().zip(self.plan(tx, now, &plans).await?) {
            if let Err(error) = answer
                && error.reason() != "USER_ERASED"
            {
                tracing::error!(trigger = plan.trigger, %error, "a trigger could not fire");
            }
        }
        Ok(())
    }

    /// Takes note that a user was active at `at`: a reminder falls due after the silence that
    /// follows, and one that was planned for the silence before is taken back. A first purchase
    /// is told apart and answered with `true`.
    pub async fn active(
        &self,
        tx: &Tx,
        user_id: &str,
        at: DateTime<Utc>,
        purchase: bool,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let Some(mut person) = self.present(tx, user_id).await? else { return Ok(false) };
        let first_purchase = purchase && person.first_purchase_at.is_none();
        let newer = person.last_active_at.is_none_or(|last| at > last);
        if !newer && !first_purchase {
            return Ok(false);
        }
        if newer {
            let reminded = person.last_active_at.is_some() && person.remind_at.is_none();
            if reminded {
                let triggers = self.rules.names_on(&[Occasion::Inactive]);
                self.cancel_pending(tx, user_id, &triggers, "ACTIVE_AGAIN", now).await?;
            }
            person.last_active_at = Some(at);
            person.remind_at = self.rules.silence().map(|silence| at + silence);
        }
        if first_purchase {
            person.first_purchase_at = Some(at);
        }
        people::save(tx, &[person]).await?;
        Ok(first_purchase)
    }

    /// Plans reminders for users who have been silent long enough; each silence once. Answers how
    /// many users were looked at.
    pub async fn remind(&self) -> Result<u64> {
        let now = self.clock.now();
        let silent = people::silent(self.db.read(), now, self.rules.batch.into()).await?;
        if silent.is_empty() {
            return Ok(0);
        }
        let mut users = silent;
        users.sort();
        let tx = self.db.begin().await?;
        let mut people = people::try_lock(&tx, &users).await?;
        people.retain(|person| person.remind_at.is_some_and(|at| at <= now));
        let mut plans = Vec::new();
        for person in &mut people {
            person.remind_at = None;
            let Some(at) = person.last_active_at else { continue };
            let silence = at.timestamp_micros().to_string();
            for rule in self.rules.on(Occasion::Inactive) {
                let happening = Happening {
                    occasion: Occasion::Inactive,
                    user_id: &person.user_id,
                    event: &silence,
                    at,
                    variables: Vec::new(),
                };
                plans.push(plan(rule, &happening));
            }
        }
        people::save(&tx, &people).await?;
        for answer in self.plan(&tx, now, &plans).await? {
            if let Err(error) = answer {
                tracing::error!(%error, "a reminder could not be planned");
            }
        }
        tx.commit().await?;
        Ok(people.len() as u64)
    }

    /// A complaint of a user was solved: what the tighter caps held is looked at again.
    pub async fn complaint_solved(
        &self,
        tx: &Tx,
        user_id: &str,
        ticket_id: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let closed = people::close_complaint(tx, ticket_id).await?;
        if closed && self.present(tx, user_id).await?.is_some() {
            messages::look_again(tx, user_id, Gate::Cap, now).await?;
        }
        Ok(())
    }

    /// The zone in a user's profile changed: what the night held is looked at again.
    pub async fn zone_changed(&self, tx: &Tx, user_id: &str, now: DateTime<Utc>) -> Result<()> {
        match self.present(tx, user_id).await? {
            Some(_) => messages::look_again(tx, user_id, Gate::QuietHours, now).await,
            None => Ok(()),
        }
    }

    /// The grade of a user's risk changed: what was planned for the grade before is taken back,
    /// so that nobody is wooed by yesterday's offer.
    pub async fn risk_changed(&self, tx: &Tx, user_id: &str, now: DateTime<Utc>) -> Result<()> {
        if self.present(tx, user_id).await?.is_none() {
            return Ok(());
        }
        let triggers = self.rules.names_on(&Occasion::WIN_BACK);
        self.cancel_pending(tx, user_id, &triggers, "SUPERSEDED", now).await
    }
}

fn plan(rule: &TriggerRule, happening: &Happening<'_>) -> Plan {
    let times = rule.times(happening.at);
    let offered = happening.variables.iter();
    Plan {
        user_id: happening.user_id.to_owned(),
        template: rule.template.clone(),
        topic: rule.topic.clone(),
        channels: rule.channels.clone(),
        class: rule.class,
        send_at: times.send_at,
        expire_at: Some(times.expire_at),
        variables: offered.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        dedupe_key: rule.dedupe_key(happening.event),
        trigger: rule.name.clone(),
    }
}
