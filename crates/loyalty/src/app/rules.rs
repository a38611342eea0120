//! Changing the rules: proposed, looked at over the whole history, announced, put into force.
//!
//! Every step locks the ledger's head, so no two changes run side by side, and nothing is posted
//! between the look at the rules in force and the change of them.

pub(crate) mod audit;
pub(crate) mod dry_run;
pub(crate) mod message;
mod notices;
mod promises;

pub(crate) use promises::Promise;

use super::App;
use crate::domain::rules::notice::{self, NotYet};
use crate::domain::rules::{Class, Recorded, Report, RuleState};
use crate::domain::{Refusal, RuleVersion, Time};
use crate::store::{accounts, head, notices as told, rules};
use chrono::TimeDelta;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{self, Key, Reply};
use perennial_platform::{Code, Error, Result, time};
use perennial_proto::loyalty::v1 as proto;
use std::sync::Arc;

/// Versions that are kept at most.
const LIMIT: i64 = 1_000;

/// A version that somebody proposes.
pub(crate) struct Proposal {
    pub(crate) rules: RuleVersion,
    pub(crate) effective_new: Option<Time>,
    pub(crate) effective_existing: Option<Time>,
    pub(crate) proposer: String,
}

impl App {
    /// Records a version. Errors: INVALID_ARGUMENT; ALREADY_EXISTS / RULE_VERSION_EXISTS;
    /// OUT_OF_RANGE / RULE_VERSION_LIMIT.
    pub(crate) async fn propose_rules(
        &self,
        key: Option<Key>,
        proposal: Proposal,
    ) -> Result<Reply<proto::ProposeRulesResponse>> {
        self.sound(&proposal.rules)?;
        idempotency::once(&self.db, &self.clock, key, async |tx| {
            let (now, _) = self.lock_rules(tx).await?;
            let programme = self.rules.locked(tx).await?;
            let number = rules::count(tx).await? + 1;
            if rules::find(tx, &proposal.rules.version).await?.is_some() {
                let message = "a version never changes: give the new rules another name";
                return Err(Error::already_exists("RULE_VERSION_EXISTS", message));
            }
            if number > LIMIT {
                let message = "no more versions of the rules can be recorded";
                return Err(Error::new(Code::OutOfRange, "RULE_VERSION_LIMIT", message));
            }
            let latest = programme.versions().last().map(|last| last.version.clone());
            let version = Recorded {
                state: RuleState::Proposed,
                proposer: proposal.proposer.clone(),
                approver: String::new(),
                announced_at: None,
                noticed_at: None,
                activated_at: None,
                asked_new: proposal.effective_new,
                asked_existing: proposal.effective_existing,
                effective_new: None,
                effective_existing: None,
                class: None,
                ..Recorded::initial(proposal.rules.clone(), number, latest.unwrap_or_default(), now)
            };
            rules::save(tx, vec![version.clone()]).await?;
            let changes = notice::changes(&programme, &version.rules, now);
            Ok(proto::ProposeRulesResponse {
                rules: Some(message::rules(&version)),
                changes: changes.iter().map(message::change).collect(),
                replayed: false,
            })
        })
        .await
    }

    /// Announces a version: from now on members are told. Errors: NOT_FOUND /
    /// RULE_VERSION_NOT_FOUND; FAILED_PRECONDITION / RULE_STATE, ANOTHER_ANNOUNCED, SAME_PERSON;
    /// ABORTED / RULES_MOVED when other rules came into force meanwhile.
    pub(crate) async fn announce_rules(
        &self,
        key: Option<Key>,
        name: &str,
        approver: &str,
    ) -> Result<Reply<proto::AnnounceRulesResponse>> {
        let looked = self.look_at(name).await?;
        idempotency::once(&self.db, &self.clock, key, async |tx| {
            let (now, head) = self.lock_rules(tx).await?;
            // Later than anything before it, so that nobody joined at this very instant.
            let now = now + TimeDelta::microseconds(1);
            let programme = self.rules.locked(tx).await?;
            let mut version = in_state(tx, name, &[RuleState::Proposed]).await?;
            if version.proposer == approver {
                let message = "somebody else than the proposer has to approve";
                return Err(Error::precondition("SAME_PERSON", message));
            }
            if let Some(other) = rules::announced(tx).await? {
                let message = "another version is announced: activate or withdraw it first";
                let refusal = Error::precondition("ANOTHER_ANNOUNCED", message);
                return Err(refusal.with("version", other.rules.version));
            }
            let report = match &looked {
                Some((seen, report)) if Arc::ptr_eq(seen, &programme) => report,
                _ => return Err(Error::aborted("RULES_MOVED", "the rules changed meanwhile")),
            };
            let class = report.class();
            version.state = RuleState::Announced;
            approver.clone_into(&mut version.approver);
            version.announced_at = Some(now);
            version.class = Some(class);
            version.noticed_at = (class != Class::Worse).then_some(now);
            version.report = serde_json::to_string(report).map_err(Error::internal)?;
            let soonest = now + self.rules.lead();
            let earliest = notice::promised(&version, now, soonest, programme.notice);
            // What members are told is fixed now.
            version.effective_existing = (class == Class::Worse).then_some(earliest);
            rules::save(tx, vec![version.clone()]).await?;
            // Whoever joins from now on joins after the announcement.
            head::save(tx, head::Head { recorded_at: now, ..head }).await?;
            Ok(proto::AnnounceRulesResponse {
                rules: Some(message::rules(&version)),
                earliest: Some(time::to_proto(earliest)),
                replayed: false,
            })
        })
        .await
    }

    /// Puts an announced version into force. Errors: NOT_FOUND / RULE_VERSION_NOT_FOUND;
    /// FAILED_PRECONDITION / RULE_STATE, NOTICES_PENDING, NOTICES_LATE, RULES_OUT_OF_ORDER.
    pub(crate) async fn activate_rules(
        &self,
        key: Option<Key>,
        name: &str,
    ) -> Result<Reply<proto::ActivateRulesResponse>> {
        let reply = idempotency::once(&self.db, &self.clock, key, async |tx| {
            let (now, head) = self.lock_rules(tx).await?;
            let programme = self.rules.locked(tx).await?;
            let mut version = in_state(tx, name, &[RuleState::Announced]).await?;
            let announced_at = version.announced_at.unwrap_or(now);
            let worse = version.class == Some(Class::Worse);
            if worse && !told::missing(tx, name, announced_at, 1).await?.is_empty() {
                return Err(not_yet(NotYet::NoticesPending));
            }
            let soonest = now + self.rules.lead();
            let timing =
                notice::dates(&programme, &version, announced_at, soonest).map_err(not_yet)?;
            version.state = RuleState::Active;
            version.activated_at = Some(now);
            if let Some(last) = programme.versions().last() {
                version.supersedes.clone_from(&last.version);
            }
            version.effective_new = Some(timing.effective_new);
            version.effective_existing = Some(timing.effective_existing);
            rules::save(tx, vec![version.clone()]).await?;
            head::bump_rules(tx, head).await?;
            let rules = Some(message::rules(&version));
            Ok(proto::ActivateRulesResponse { rules, replayed: false })
        })
        .await?;
        self.rules_now().await?;
        Ok(reply)
    }

    /// Gives a version up that is not in force; whoever was told of it is told that it does not come. Errors: NOT_FOUND / RULE_VERSION_NOT_FOUND;
    /// FAILED_PRECONDITION / RULE_STATE.
    pub(crate) async fn withdraw_rules(
        &self,
        key: Option<Key>,
        name: &str,
    ) -> Result<Reply<proto::WithdrawRulesResponse>> {
        idempotency::once(&self.db, &self.clock, key, async |tx| {
            let (now, _) = self.lock_rules(tx).await?;
            let open = [RuleState::Proposed, RuleState::Announced];
            let mut version = in_state(tx, name, &open).await?;
            version.state = RuleState::Withdrawn;
            version.withdrawn_at = Some(now);
            rules::save(tx, vec![version.clone()]).await?;
            let rules = Some(message::rules(&version));
            Ok(proto::WithdrawRulesResponse { rules, replayed: false })
        })
        .await
    }

    /// A version on record, and how many members were told of it. Errors: NOT_FOUND /
    /// RULE_VERSION_NOT_FOUND.
    pub(crate) async fn rules_named(&self, name: &str) -> Result<(Recorded, i64)> {
        let conn = self.db.read();
        let version = rules::find(conn, name).await?.ok_or_else(unknown)?;
        Ok((version, told::count(conn, name).await?))
    }

    /// The name of the version in force at an instant, for a member if one is named. Errors:
    /// NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn rules_in_force(&self, at: Time, user: &str) -> Result<String> {
        let programme = self.rules_now().await?;
        let since = match user {
            "" => Time::MAX_UTC,
            user => self.member(user).await?,
        };
        Ok(programme.in_force_for(since, at).version.clone())
    }

    /// A page of versions with their numbers, the newest first.
    pub(crate) async fn all_rules(
        &self,
        before: Option<i64>,
        size: u64,
    ) -> Result<(Vec<Recorded>, Option<i64>)> {
        let mut all = rules::all(self.db.read()).await?;
        all.retain(|version| before.is_none_or(|before| version.number < before));
        all.reverse();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = all.len() > size;
        all.truncate(size);
        let next = all.last().filter(|_| more).map(|version| version.number);
        Ok((all, next))
    }

    /// Refuses rules that are not sound, or not for this programme. Errors: INVALID_ARGUMENT.
    pub(crate) fn sound(&self, rules: &RuleVersion) -> Result<()> {
        let programme = self.programme();
        let alone = crate::domain::rules::effect::always(&programme, rules);
        alone.map(drop).map_err(|fault| Error::invalid("rules", fault))
    }

    /// The dry run for an announcement, made before anything is locked; `None` when the version is
    /// not there to be announced.
    async fn look_at(&self, name: &str) -> Result<Option<(Arc<crate::domain::Programme>, Report)>> {
        let version = rules::find(self.db.read(), name).await?;
        let Some(version) = version.filter(|version| version.state == RuleState::Proposed) else {
            return Ok(None);
        };
        let programme = self.rules_now().await?;
        let report = self.dry_run(&programme, &version.rules, self.now()).await?;
        Ok(Some((programme, report)))
    }

    /// Locks the ledger's head; the time is not before anything in the ledger.
    async fn lock_rules(&self, tx: &Tx) -> Result<(Time, head::Head)> {
        let head = head::lock(tx).await?;
        Ok((self.now().max(head.recorded_at), head))
    }

    /// When a member joined, if they were not erased. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    async fn open_member(&self, user: &str) -> Result<Time> {
        let member = accounts::find(self.db.read(), user).await?;
        let member = member.filter(|member| member.closed_at.is_none());
        Ok(member.ok_or(Refusal::MemberNotFound)?.joined_at)
    }
}

async fn in_state(tx: &Tx, name: &str, states: &[RuleState]) -> Result<Recorded> {
    let version = rules::find(tx, name).await?.ok_or_else(unknown)?;
    if states.contains(&version.state) {
        return Ok(version);
    }
    let state = format!("{:?}", version.state).to_lowercase();
    let message = format!("the version is {state}");
    Err(Error::precondition("RULE_STATE", message).with("state", state))
}

pub(crate) fn unknown() -> Error {
    Error::not_found("RULE_VERSION_NOT_FOUND", "there is no such version of the rules")
}

fn not_yet(why: NotYet) -> Error {
    match why {
        NotYet::NoticesPending => {
            Error::precondition("NOTICES_PENDING", "members are still being told")
        }
        NotYet::NoticesLate(begins) => {
            let message = "members were told too late for the date that they were told: withdraw \
                           the version and announce the rules anew";
            Error::precondition("NOTICES_LATE", message).with("begins", stamp(begins))
        }
        NotYet::OutOfOrder(last) => {
            let message = "another version begins at the same time or later";
            Error::precondition("RULES_OUT_OF_ORDER", message).with("after", stamp(last))
        }
    }
}

fn stamp(at: Time) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
