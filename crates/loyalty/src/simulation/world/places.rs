//! Scarce places beside the points: claimed, used and given back by the same members, with the
//! same faults. They have chances of their own, so what callers wish of points stays what the seed
//! says.

use super::{Check, Reply, Site, World};
use crate::simulation::call::refused;
use crate::simulation::oracle::{Ask, BENEFIT, EACH};
use crate::simulation::trap::Blow;
use perennial_platform::Result;
use perennial_platform::db::faults::Step;
use perennial_proto::loyalty::v1::benefit_service_server::BenefitService as _;
use perennial_proto::loyalty::v1::{
    Claim, ClaimBenefitRequest, ListBenefitsRequest, ReturnBenefitRequest, UseBenefitRequest,
};
use tonic::Request;

/// Claims back from the latest that are used or given back.
const REACH: usize = 8;

async fn send(ask: Ask, site: &Site) -> Reply<Claim> {
    let benefits = &site.benefits;
    let answer = match ask {
        Ask::Claim(r) => benefits.claim_benefit(Request::new(r)).await.map(|answer| {
            let answer = answer.into_inner();
            (answer.claim, answer.replayed)
        }),
        Ask::Use(r) => benefits.use_benefit(Request::new(r)).await.map(|answer| {
            let answer = answer.into_inner();
            (answer.claim, answer.replayed)
        }),
        Ask::Return(r) => benefits.return_benefit(Request::new(r)).await.map(|answer| {
            let answer = answer.into_inner();
            (answer.claim, answer.replayed)
        }),
    };
    match answer {
        Ok((Some(claim), replayed)) => Reply::Done(Box::new(claim), replayed),
        Ok((None, _)) => Reply::Broken("an answer without a claim".to_owned()),
        Err(status) => refused(&status),
    }
}

impl World {
    /// Something happens to places; not while the clock seems to go back.
    pub(super) async fn place_step(&mut self) -> Result<Check> {
        if self.now() < self.latest {
            return Ok(Ok(()));
        }
        std::mem::swap(&mut self.random, &mut self.chances);
        let done = match self.random.weighed(&[60, 10, 10, 4]) {
            0 => self.ask_once().await,
            1 => Ok(self.ask_again().await),
            2 => self.two_want_one().await,
            _ => self.let_claims_go().await,
        };
        std::mem::swap(&mut self.random, &mut self.chances);
        done
    }

    fn ask(&mut self) -> Ask {
        let request_id = format!("place{}", self.step);
        let names = self.places.names();
        let known = &names[names.len().saturating_sub(REACH)..];
        let claim_id = self.random.pick(known).cloned().filter(|_| !self.random.one_in(20));
        let claim_id = claim_id.unwrap_or_else(|| format!("clm_{:032x}", self.step));
        match self.random.weighed(&[6, 2, 3]) {
            0 => self.wanted(request_id),
            1 => Ask::Use(UseBenefitRequest { request_id, claim_id }),
            _ => Ask::Return(ReturnBenefitRequest { request_id, claim_id }),
        }
    }

    fn wanted(&mut self, request_id: String) -> Ask {
        let most = if self.random.one_in(2) { 3_600 } else { 30 * 24 * 3_600 };
        let seconds = self.random.between(1, most);
        let benefit = if self.random.one_in(50) { "throne" } else { BENEFIT };
        Ask::Claim(ClaimBenefitRequest {
            request_id,
            user_id: self.user(),
            benefit: benefit.to_owned(),
            timeout: Some(prost_types::Duration { seconds, nanos: 0 }),
        })
    }

    /// One call; every fifth meets a fault.
    async fn ask_once(&mut self) -> Result<Check> {
        let ask = self.ask();
        if !self.random.one_in(5) {
            let reply = send(ask.clone(), &self.site).await;
            return Ok(self.placed(&ask, &reply, false).await);
        }
        let blow = self.arm();
        let reply = send(ask.clone(), &self.site).await;
        let fell = self.aftermath(blow).await?;
        if reply != Reply::Unknown {
            return Ok(self.placed(&ask, &reply, false).await);
        }
        if fell.is_none() {
            return Ok(Err(format!("{ask:?}: no answer without a fault")));
        }
        let after = fell == Some(Step::Committed);
        let reply = send(ask.clone(), &self.site).await;
        Ok(self.placed(&ask, &reply, after).await)
    }

    /// A call repeated long afterwards, or something else under its request id.
    async fn ask_again(&mut self) -> Check {
        let Some(ask) = self.random.pick(&self.asked).cloned() else { return Ok(()) };
        let ask = match ask {
            Ask::Claim(mut r) if self.random.one_in(3) => {
                self.report.fault("request id with another content");
                r.user_id.push('x');
                Ask::Claim(r)
            }
            ask => {
                self.report.fault("request repeated");
                ask
            }
        };
        let reply = send(ask.clone(), &self.site).await;
        self.placed(&ask, &reply, false).await
    }

    /// Two processes at once, perhaps for the last place; or the same call in both.
    async fn two_want_one(&mut self) -> Result<Check> {
        let first = self.wanted(format!("place{}", self.step));
        let second = match self.random.below(3) {
            0 => first.clone(),
            _ => self.wanted(format!("other-place{}", self.step)),
        };
        let (here, there) = (&self.site, &self.other);
        here.trap.arm(3, Blow::Pause);
        let one = async {
            let reply = send(first.clone(), here).await;
            here.trap.stopped.notify_one();
            reply
        };
        let two = super::together::behind(here, there, send(second.clone(), there));
        let (one, two) = tokio::join!(one, two);
        let stopped = here.trap.disarm();
        there.trap.disarm();
        if stopped.is_some() {
            self.report.fault("two replicas at once");
        }
        // Both have happened, so what is seen is compared after both were judged.
        if let Err(violation) = self.judge_place(&first, &one, false) {
            return Ok(Err(violation));
        }
        Ok(self.placed(&second, &two, false).await)
    }

    async fn let_claims_go(&mut self) -> Result<Check> {
        self.site.app.let_claims_go().await?;
        let now = self.now();
        self.places.time_out(now);
        self.report.saw("claims let go");
        let user = self.user();
        Ok(self.compare_places(&user).await)
    }

    /// Holds an answer against the oracle's, and what the member sees.
    async fn placed(&mut self, ask: &Ask, reply: &Reply<Claim>, again: bool) -> Check {
        self.judge_place(ask, reply, again)?;
        let user = match ask {
            Ask::Claim(r) => r.user_id.clone(),
            _ => self.user(),
        };
        self.compare_places(&user).await
    }

    fn judge_place(&mut self, ask: &Ask, reply: &Reply<Claim>, again: bool) -> Check {
        let now = self.now();
        let told = match reply {
            Reply::Done(claim, _) => Some(claim.as_ref()),
            _ => None,
        };
        let user = match ask {
            Ask::Claim(r) => r.user_id.as_str(),
            _ => "",
        };
        let member = match self.oracle.view(user, now) {
            None => Err("MEMBER_NOT_FOUND"),
            Some(member) if member.closed() => Err("MEMBER_CLOSED"),
            Some(_) => Ok(()),
        };
        let (verdict, known) = self.places.answer(ask, member, now, told);
        let right = match (reply, &verdict) {
            (Reply::Done(claim, replayed), Ok(expected)) => {
                self.report.saw(if *replayed { "place replayed" } else { ask.name() });
                claim.as_ref() == expected && *replayed == (known || again)
            }
            (Reply::Refused(reason), Err(expected)) => {
                self.report.saw(reason);
                reason == expected
            }
            _ => false,
        };
        if !right {
            let left = self.places.seen(user, now);
            return Err(format!(
                "{ask:?}: expected {verdict:?} (known: {known}, again: {again}, left and own: \
                 {left:?}), was told {reply:?}"
            ));
        }
        if !known && !matches!(&verdict, Err("REQUEST_ID_REUSED")) {
            self.asked.push(ask.clone());
        }
        if self.asked.len() > 200 {
            self.asked.drain(..100);
        }
        Ok(())
    }

    /// How many places are left, and how many are the member's, as they are told.
    async fn compare_places(&self, user: &str) -> Check {
        let request = ListBenefitsRequest { user_id: user.to_owned() };
        let told = self.site.benefits.list_benefits(Request::new(request)).await;
        let told = told.map_err(|status| status.to_string())?.into_inner().benefits;
        let told = told.iter().find(|benefit| benefit.key == BENEFIT).ok_or("no such benefit")?;
        let (left, own) = self.places.seen(user, self.now());
        let expected = i64::try_from(left).ok().zip(i64::try_from(own).ok());
        let refusal = match (left, own) {
            (_, own) if own >= EACH => "LIMIT_REACHED",
            (0, _) => "NO_PLACES_LEFT",
            _ => "",
        };
        if expected == Some((told.places_left, told.own)) && told.refusal == refusal {
            return Ok(());
        }
        Err(format!("{user} sees {told:?} instead of {expected:?}, {refusal:?}"))
    }
}
