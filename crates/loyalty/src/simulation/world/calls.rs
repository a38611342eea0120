//! What callers wish for.

use super::{Call, World};
use chrono::TimeDelta;
use perennial_platform::time::to_proto;
use perennial_proto::loyalty::v1::{
    ActivateRequest, CancelPendingRequest, CaptureRequest, CorrectRequest, EarnPendingRequest,
    EarnRequest, HoldRequest, ReversalPolicy, ReverseRequest, SpendRequest, TransferRequest,
    VoidRequest,
};

/// Latest entries and holds that calls name.
const REACH: usize = 60;

impl World {
    /// Any write.
    pub(super) fn wish(&mut self) -> Call {
        let request_id = format!("r{}-{}", self.step, self.random.bits() % 1_000_000);
        let call = match self.random.weighed(&[24, 16, 15, 14, 6, 16, 6, 3, 3, 10, 3]) {
            0 => Call::Earn(self.earn()),
            1 => Call::Spend(self.spend()),
            2 => Call::Hold(self.hold()),
            3 => Call::Capture(self.capture()),
            4 => Call::Void(VoidRequest { hold_id: self.hold_id(), ..VoidRequest::default() }),
            5 => Call::Reverse(self.reverse()),
            6 => Call::EarnPending(self.earn_pending()),
            7 => Call::Activate(ActivateRequest { entry_id: self.earned(), ..Default::default() }),
            8 => Call::CancelPending(self.cancel_pending()),
            9 => Call::Transfer(self.transfer()),
            _ => Call::Correct(self.correct()),
        };
        call.under(&request_id)
    }

    /// Half of the wishes name their business event.
    fn event(&mut self) -> (String, String) {
        if self.random.one_in(2) {
            return (String::new(), String::new());
        }
        ("shop".to_owned(), format!("e{}-{}", self.step, self.random.bits() % 1_000_000))
    }

    fn earn(&mut self) -> EarnRequest {
        let now = self.now();
        let (source, source_event_id) = self.event();
        let expiry = match self.random.weighed(&[4, 8, 2, 1]) {
            0 => None,
            1 => Some(now + TimeDelta::hours(self.random.between(1, 40 * 24))),
            2 => Some(now + TimeDelta::seconds(self.random.between(1, 7_200))),
            _ => Some(now - TimeDelta::seconds(self.random.between(0, 3_600))),
        };
        EarnRequest {
            user_id: self.user(),
            points: self.random.between(1, 40),
            reason: "task".to_owned(),
            source,
            source_event_id,
            expire_time: expiry.map(to_proto),
            never_expires: expiry.is_none() && self.random.one_in(3),
            ..EarnRequest::default()
        }
    }

    fn earn_pending(&mut self) -> EarnPendingRequest {
        let now = self.now();
        let (source, source_event_id) = self.event();
        let hours = self.random.between(1, 20 * 24);
        let ripe = self.random.one_in(2).then(|| now + TimeDelta::hours(hours));
        // Some become due for their date before anybody activates them.
        let expiry = self.random.one_in(2);
        let expiry = expiry.then(|| now + TimeDelta::hours(hours + self.random.between(1, 48)));
        EarnPendingRequest {
            user_id: self.user(),
            points: self.random.between(1, 40),
            source,
            source_event_id,
            expire_time: expiry.map(to_proto),
            activate_time: ripe.map(to_proto),
            ..EarnPendingRequest::default()
        }
    }

    /// Mostly the entry of a pending earning.
    fn earned(&mut self) -> String {
        let known = &self.pending[self.pending.len().saturating_sub(10)..];
        let known = self.random.pick(known).copied();
        let other = self.random.pick(&self.entries).copied();
        let id = match self.random.below(20) {
            0 => None,
            1 | 2 => other,
            _ => known,
        };
        id.unwrap_or_else(|| self.fresh()).to_string()
    }

    fn cancel_pending(&mut self) -> CancelPendingRequest {
        let cause = if self.random.one_in(2) { "returned".to_owned() } else { String::new() };
        let points = if self.random.one_in(3) { 0 } else { self.random.between(1, 20) };
        CancelPendingRequest { entry_id: self.earned(), points, cause, ..Default::default() }
    }

    fn transfer(&mut self) -> TransferRequest {
        let (source, source_event_id) = self.event();
        let from_user_id = self.user();
        let points = self.fitting(&from_user_id);
        let mut to_user_id = self.user();
        if to_user_id == from_user_id {
            let other = if self.random.one_in(4) { "nobody" } else { "member-of-honour" };
            other.clone_into(&mut to_user_id);
        }
        TransferRequest {
            from_user_id,
            to_user_id,
            points,
            source,
            source_event_id,
            ..Default::default()
        }
    }

    fn correct(&mut self) -> CorrectRequest {
        let (source, source_event_id) = self.event();
        let points =
            [self.random.between(1, 30), -self.random.between(1, 60)][self.random.below(2)];
        let policy = [ReversalPolicy::Unspecified, ReversalPolicy::Unlimited][self.random.below(2)];
        CorrectRequest {
            user_id: self.user(),
            points,
            reason: "audit".to_owned(),
            author: "ann".to_owned(),
            approver: "bob".to_owned(),
            policy: policy.into(),
            source,
            source_event_id,
            ..CorrectRequest::default()
        }
    }

    fn spend(&mut self) -> SpendRequest {
        let (source, source_event_id) = self.event();
        let user_id = self.user();
        let points = self.fitting(&user_id);
        SpendRequest { user_id, points, source, source_event_id, ..SpendRequest::default() }
    }

    fn hold(&mut self) -> HoldRequest {
        let (source, source_event_id) = self.event();
        let user_id = self.user();
        let points = self.fitting(&user_id);
        let seconds = match self.random.below(6) {
            0 => None,
            1 => Some(self.random.between(1, 600)),
            _ => Some(self.random.between(600, 30 * 24 * 3_600)),
        };
        let timeout = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        HoldRequest { user_id, points, source, source_event_id, timeout, ..HoldRequest::default() }
    }

    /// Points around what the member has: often all, sometimes one too many.
    fn fitting(&mut self, user: &str) -> i64 {
        let now = self.now();
        let there = self.oracle.view(user, now).map_or(0, |member| member.totals()[0]);
        let points = match self.random.below(6) {
            0 => there,
            1 => there + 1,
            2 => self.random.between(1, there.max(1)),
            _ => self.random.between(1, 25),
        };
        points.clamp(1, 1_000_000_000_000)
    }

    /// One of the latest holds; rarely one that never was.
    pub(super) fn hold_id(&mut self) -> String {
        let known = &self.holds[self.holds.len().saturating_sub(REACH / 8)..];
        let known = self.random.pick(known).map(|(_, id)| *id);
        let id = if self.random.one_in(40) { None } else { known };
        let id = id.unwrap_or_else(|| self.fresh());
        crate::domain::HoldId::from(id.uuid()).to_string()
    }

    fn capture(&mut self) -> CaptureRequest {
        let points = if self.random.one_in(2) { 0 } else { self.random.between(1, 30) };
        CaptureRequest { hold_id: self.hold_id(), points, ..CaptureRequest::default() }
    }

    fn reverse(&mut self) -> ReverseRequest {
        let known = &self.entries[self.entries.len().saturating_sub(REACH)..];
        let known = self.random.pick(known).copied();
        let id = if self.random.one_in(40) { None } else { known };
        let id = id.unwrap_or_else(|| self.fresh());
        let policies = [
            ReversalPolicy::Unspecified,
            ReversalPolicy::Unlimited,
            ReversalPolicy::WithinBalance,
            ReversalPolicy::OnlyPending,
        ];
        let policy = self.random.pick(&policies).copied().unwrap_or_default();
        let cause = if self.random.one_in(2) {
            format!("c{}", self.random.below(40))
        } else {
            String::new()
        };
        let points = if self.random.one_in(3) { 0 } else { self.random.between(1, 20) };
        ReverseRequest {
            entry_id: id.to_string(),
            points,
            cause,
            policy: policy.into(),
            ..ReverseRequest::default()
        }
    }
}
