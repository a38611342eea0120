//! Scarce places, as they are promised: so many there are, so many one member may have, and each
//! claim ends once. A list of everything that was ever claimed, and nothing else.

use crate::domain::Time;
use perennial_platform::time::{from_proto, to_proto};
use perennial_proto::loyalty::v1::{
    Claim, ClaimBenefitRequest, ClaimState, ReturnBenefitRequest, UseBenefitRequest,
};
use std::collections::BTreeMap;

/// Its key.
pub(in crate::simulation) const BENEFIT: &str = "seats";
/// How many there are.
pub(in crate::simulation) const PLACES: usize = 4;
/// How many one member may have.
pub(in crate::simulation) const EACH: usize = 2;

/// A write.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulation) enum Ask {
    Claim(ClaimBenefitRequest),
    Use(UseBenefitRequest),
    Return(ReturnBenefitRequest),
}

/// A claim as it should read, or the reason of a refusal.
type Verdict = Result<Claim, &'static str>;

#[derive(Default)]
pub(in crate::simulation) struct Places {
    claims: BTreeMap<String, Claim>,
    /// The answer to a request id never changes.
    answers: BTreeMap<(&'static str, String), (Ask, Verdict)>,
}

impl Ask {
    pub(in crate::simulation) fn name(&self) -> &'static str {
        match self {
            Self::Claim(_) => "ClaimBenefit",
            Self::Use(_) => "UseBenefit",
            Self::Return(_) => "ReturnBenefit",
        }
    }

    fn request_id(&self) -> &str {
        match self {
            Self::Claim(r) => &r.request_id,
            Self::Use(r) => &r.request_id,
            Self::Return(r) => &r.request_id,
        }
    }
}

fn held_at(claim: &Claim, now: Time) -> bool {
    let until = claim.hold_until.and_then(|at| from_proto("hold_until", &at).ok());
    claim.state() == ClaimState::Held && until.is_some_and(|until| until > now)
}

fn takes_at(claim: &Claim, now: Time) -> bool {
    claim.state() == ClaimState::Used || held_at(claim, now)
}

fn let_go(claim: &mut Claim) {
    claim.set_state(ClaimState::TimedOut);
    claim.resolve_time = claim.hold_until;
}

impl Places {
    /// Names of claims, the earliest first.
    pub(in crate::simulation) fn names(&self) -> Vec<String> {
        let mut all: Vec<_> = self.claims.values().collect();
        all.sort_by_key(|claim| claim.number);
        all.into_iter().map(|claim| claim.claim_id.clone()).collect()
    }

    /// How many places are left, and how many this member has.
    pub(in crate::simulation) fn seen(&self, user: &str, now: Time) -> (usize, usize) {
        let taken = self.claims.values().filter(|claim| takes_at(claim, now));
        let (mut all, mut own) = (0, 0);
        for claim in taken {
            all += 1;
            own += usize::from(claim.user_id == user);
        }
        (PLACES - all, own)
    }

    /// What is answered, and whether it was answered before. `member`: whether the one who asks is
    /// a member; `told`: the claim that was answered, which names a new one.
    pub(in crate::simulation) fn answer(
        &mut self,
        ask: &Ask,
        member: Result<(), &'static str>,
        now: Time,
        told: Option<&Claim>,
    ) -> (Verdict, bool) {
        let key = (ask.name(), ask.request_id().to_owned());
        if let Some((earlier, verdict)) = self.answers.get(&key) {
            if earlier == ask {
                return (verdict.clone(), true);
            }
            return (Err("REQUEST_ID_REUSED"), false);
        }
        let verdict = match ask {
            Ask::Claim(r) => member.and_then(|()| self.claim(r, now, told)),
            Ask::Use(r) => self.resolve(&r.claim_id, ClaimState::Used, now),
            Ask::Return(r) => self.resolve(&r.claim_id, ClaimState::Returned, now),
        };
        self.answers.insert(key, (ask.clone(), verdict.clone()));
        (verdict, false)
    }

    fn claim(&mut self, r: &ClaimBenefitRequest, now: Time, told: Option<&Claim>) -> Verdict {
        if r.benefit != BENEFIT {
            return Err("BENEFIT_NOT_FOUND");
        }
        self.time_out(now);
        let (left, own) = self.seen(&r.user_id, now);
        if own >= EACH {
            return Err("LIMIT_REACHED");
        }
        if left == 0 {
            return Err("NO_PLACES_LEFT");
        }
        let seconds = r.timeout.map_or(0, |timeout| timeout.seconds);
        let claim = Claim {
            claim_id: told.map(|told| told.claim_id.clone()).unwrap_or_default(),
            user_id: r.user_id.clone(),
            benefit: BENEFIT.to_owned(),
            period: String::new(),
            state: ClaimState::Held.into(),
            number: i64::try_from(self.claims.len()).unwrap_or(i64::MAX) + 1,
            claim_time: Some(to_proto(now)),
            hold_until: Some(to_proto(now + chrono::TimeDelta::seconds(seconds))),
            resolve_time: None,
            rule_version: "1".to_owned(),
        };
        self.claims.insert(claim.claim_id.clone(), claim.clone());
        Ok(claim)
    }

    fn resolve(&mut self, id: &str, state: ClaimState, now: Time) -> Verdict {
        let claim = self.claims.get_mut(id).ok_or("CLAIM_NOT_FOUND")?;
        let held = held_at(claim, now);
        match claim.state() {
            ClaimState::Returned => return Err("CLAIM_RETURNED"),
            ClaimState::Used if state == ClaimState::Used => return Err("CLAIM_USED"),
            ClaimState::Used => {}
            _ if held => {}
            _ => return Err("CLAIM_TIMED_OUT"),
        }
        claim.set_state(state);
        claim.resolve_time = Some(to_proto(now));
        Ok(claim.clone())
    }

    /// What the job does, and a claim before it looks for a place.
    pub(in crate::simulation) fn time_out(&mut self, now: Time) {
        let held = self.claims.values_mut().filter(|claim| claim.state() == ClaimState::Held);
        held.filter(|claim| !held_at(claim, now)).for_each(let_go);
    }

    /// Somebody was erased: what they held is free.
    pub(in crate::simulation) fn erased(&mut self, user: &str, now: Time) {
        let own = self.claims.values_mut().filter(|claim| claim.user_id == user);
        for claim in own.filter(|claim| claim.state() == ClaimState::Held) {
            if held_at(claim, now) {
                claim.set_state(ClaimState::Returned);
                claim.resolve_time = Some(to_proto(now));
            } else {
                let_go(claim);
            }
        }
    }
}
