//! RuleService.

use super::document;
use crate::app::App;
use crate::app::rules::{Promise, Proposal, message};
use crate::domain::rules::{Recorded, Report};
use crate::domain::{RuleVersion, Time};
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, Result as Outcome, time};
use perennial_proto::contract::Contract;
use perennial_proto::loyalty::v1::rule_service_server::RuleService;
use perennial_proto::loyalty::v1::{self as proto};
use tonic::{Request, Response, Status};

/// The rules of the programme.
pub(crate) struct Rules {
    pub(crate) app: App,
}

impl Rules {
    fn key<M: Contract>(&self, method: &'static str, id: &str, request: &M) -> Option<Key> {
        Key::of(method, id, request, &self.app.vault)
    }

    /// A version with its document and what is kept beside it.
    fn whole(version: &Recorded, notices: i64) -> Outcome<proto::Rules> {
        let report: Option<Report> = serde_json::from_str(&version.report).ok();
        Ok(proto::Rules {
            document: Some(document::write(&version.rules)?),
            notices,
            dry_run: report.as_ref().map(message::report),
            ..message::rules(version)
        })
    }

    /// The rules that a dry run is about: on record, or not.
    async fn meant(&self, request: &proto::DryRunRulesRequest) -> Outcome<RuleVersion> {
        match (&*request.version, &request.rules) {
            ("", Some(rules)) => {
                let rules = document::read("rules", rules)?;
                self.app.sound(&rules)?;
                Ok(rules)
            }
            ("", None) => Err(Error::invalid("version", "or rules must be set")),
            (_, Some(_)) => Err(Error::invalid("rules", "contradicts version")),
            (version, None) => Ok(self.app.rules_named(version).await?.0.rules),
        }
    }
}

fn instant(field: &str, at: Option<&prost_types::Timestamp>) -> Outcome<Option<Time>> {
    at.map(|at| time::from_proto(field, at)).transpose()
}

#[tonic::async_trait]
impl RuleService for Rules {
    async fn propose_rules(
        &self,
        request: Request<proto::ProposeRulesRequest>,
    ) -> Result<Response<proto::ProposeRulesResponse>, Status> {
        let request = request.into_inner();
        let key = self.key(
            "perennial.loyalty.v1.RuleService/ProposeRules",
            &request.request_id,
            &request,
        );
        let effective_new = instant("effective_new", request.effective_new.as_ref())?;
        let effective_existing =
            instant("effective_existing", request.effective_existing.as_ref())?;
        if effective_existing.zip(effective_new).is_some_and(|(existing, new)| existing < new) {
            let text = "lies before effective_new";
            return Err(Error::invalid("effective_existing", text).into());
        }
        let rules = document::read("rules", &request.rules.unwrap_or_default())?;
        let proposer = request.proposer;
        let proposal = Proposal { rules, effective_new, effective_existing, proposer };
        let reply = self.app.propose_rules(key, proposal).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::ProposeRulesResponse { replayed, ..reply.value }))
    }

    async fn dry_run_rules(
        &self,
        request: Request<proto::DryRunRulesRequest>,
    ) -> Result<Response<proto::DryRunRulesResponse>, Status> {
        let request = request.into_inner();
        let rules = self.meant(&request).await?;
        let filter = format!("dry-run {} {:?} {:?}", request.version, rules, request.as_of);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<(String, Time)>(request.page_size, &request.page_token, &filter)?;
        let now = self.app.now();
        // All pages are judged as of the same instant.
        let as_of = match (instant("as_of", request.as_of.as_ref())?, &after) {
            (Some(as_of), _) if as_of > now => {
                return Err(Error::invalid("as_of", "lies in the future").into());
            }
            (Some(as_of), _) => as_of,
            (None, Some((_, as_of))) => *as_of,
            (None, None) => now,
        };
        let after = after.map(|(user, _)| user);
        let (report, (members, next)) = self.app.dry_run_page(&rules, as_of, after, size).await?;
        let next = next.map(|user| pages.token(&filter, &(user, as_of)));
        Ok(Response::new(proto::DryRunRulesResponse {
            dry_run: report.as_ref().map(message::report),
            members: members.iter().map(|(user, effect)| message::effect(user, effect)).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn announce_rules(
        &self,
        request: Request<proto::AnnounceRulesRequest>,
    ) -> Result<Response<proto::AnnounceRulesResponse>, Status> {
        let request = request.into_inner();
        let key = self.key(
            "perennial.loyalty.v1.RuleService/AnnounceRules",
            &request.request_id,
            &request,
        );
        let reply = self.app.announce_rules(key, &request.version, &request.approver).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::AnnounceRulesResponse { replayed, ..reply.value }))
    }

    async fn activate_rules(
        &self,
        request: Request<proto::ActivateRulesRequest>,
    ) -> Result<Response<proto::ActivateRulesResponse>, Status> {
        let request = request.into_inner();
        let key = self.key(
            "perennial.loyalty.v1.RuleService/ActivateRules",
            &request.request_id,
            &request,
        );
        let reply = self.app.activate_rules(key, &request.version).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::ActivateRulesResponse { replayed, ..reply.value }))
    }

    async fn withdraw_rules(
        &self,
        request: Request<proto::WithdrawRulesRequest>,
    ) -> Result<Response<proto::WithdrawRulesResponse>, Status> {
        let request = request.into_inner();
        let key = self.key(
            "perennial.loyalty.v1.RuleService/WithdrawRules",
            &request.request_id,
            &request,
        );
        let reply = self.app.withdraw_rules(key, &request.version).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::WithdrawRulesResponse { replayed, ..reply.value }))
    }

    async fn get_rules(
        &self,
        request: Request<proto::GetRulesRequest>,
    ) -> Result<Response<proto::GetRulesResponse>, Status> {
        let request = request.into_inner();
        let version = if request.version.is_empty() {
            let at = instant("at", request.at.as_ref())?.unwrap_or(self.app.now());
            self.app.rules_in_force(at, &request.user_id).await?
        } else if request.at.is_some() || !request.user_id.is_empty() {
            return Err(Error::invalid("version", "contradicts at and user_id").into());
        } else {
            request.version
        };
        let (version, notices) = self.app.rules_named(&version).await?;
        let rules = Some(Self::whole(&version, notices)?);
        Ok(Response::new(proto::GetRulesResponse { rules }))
    }

    async fn list_rules(
        &self,
        request: Request<proto::ListRulesRequest>,
    ) -> Result<Response<proto::ListRulesResponse>, Status> {
        let request = request.into_inner();
        let pages = &self.app.pages;
        let (size, before) = pages.open::<i64>(request.page_size, &request.page_token, "rules")?;
        let (versions, next) = self.app.all_rules(before, size).await?;
        let next = next.map(|number| pages.token("rules", &number));
        Ok(Response::new(proto::ListRulesResponse {
            rules: versions.iter().map(message::rules).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn list_promises(
        &self,
        request: Request<proto::ListPromisesRequest>,
    ) -> Result<Response<proto::ListPromisesResponse>, Status> {
        let promises = self.app.promises(&request.get_ref().user_id).await?;
        let promise = |promise: Promise| proto::Promise {
            terms: promise.terms.to_owned(),
            version: promise.version,
            since: Some(time::to_proto(promise.since)),
            until: promise.until.map(time::to_proto),
            next_version: promise.next,
            subject: promise.subject,
            price: promise.price,
            count: promise.count,
        };
        let promises = promises.into_iter().map(promise).collect();
        Ok(Response::new(proto::ListPromisesResponse { promises }))
    }
}
