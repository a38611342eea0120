//! Calls made, with and without faults, and their answers held against the oracle's.

use super::{Call, Check, Reply, Site, World};
use crate::domain::EntryKind;
use crate::simulation::oracle::Deed;
use crate::simulation::trap::Blow;
use perennial_platform::Result;
use perennial_platform::db::faults::Step;

/// Tries until the fate of a call has to be known.
const TRIES: usize = 3;

impl World {
    /// One call; every fifth meets a fault.
    pub(super) async fn single(&mut self) -> Result<Check> {
        let call = self.wish();
        if !self.random.one_in(5) {
            let reply = call.clone().send(&self.site.points).await;
            return Ok(self.settle_with(&call, reply, false).await);
        }
        if self.random.one_in(5) {
            // Handed in, but carried out only if the caller is still there when its turn comes:
            // on this one thread, when the line has been given the time to take it.
            self.report.fault("caller gone, asked again");
            let taken = self.step.is_multiple_of(2);
            let mut leaving = Box::pin(call.clone().send(&self.site.points));
            let _unheard = futures::poll!(leaving.as_mut());
            if taken {
                tokio::task::yield_now().await;
            }
            drop(leaving);
            let reply = call.clone().send(&self.site.points).await;
            return Ok(self.settle_with(&call, reply, taken).await);
        }
        let blow = self.arm();
        let reply = call.clone().send(&self.site.points).await;
        let fell = self.aftermath(blow).await?;
        let after = fell == Some(Step::Committed);
        if reply == Reply::Unknown && fell.is_none() {
            return Ok(Err(format!("{call:?}: no answer without a fault")));
        }
        if reply != Reply::Unknown {
            return Ok(self.settle_with(&call, reply, false).await);
        }
        let reply = self.decide(&call).await;
        if let Reply::Done(_, replayed) = &reply
            && *replayed != after
        {
            return Ok(Err(format!("{call:?}: fault at {fell:?}, yet replayed = {replayed}")));
        }
        Ok(self.settle_with(&call, reply, after).await)
    }

    /// Lets a fault fall somewhere in what comes next.
    pub(super) fn arm(&mut self) -> Blow {
        let blow = match self.random.below(3) {
            0 => Blow::Fail,
            1 => Blow::Die,
            _ => Blow::LoseAnswer,
        };
        let steps = if blow == Blow::LoseAnswer { 0 } else { self.random.below(14) };
        self.site.trap.arm(u32::try_from(steps).unwrap_or(0), blow);
        blow
    }

    /// Counts the fault if it fell, and starts the process again if that killed it.
    pub(super) async fn aftermath(&mut self, blow: Blow) -> Result<Option<Step>> {
        let fell = self.site.trap.disarm();
        if fell.is_none() {
            return Ok(None);
        }
        match blow {
            Blow::Die => {
                self.report.fault("crash at a step, database reopened");
                let fresh = Site::open(&self.config, &self.folder, &self.clock).await?;
                std::mem::replace(&mut self.site, fresh).end().await;
            }
            Blow::LoseAnswer => self.report.fault("answer lost, asked again"),
            _ if fell == Some(Step::Committed) => self.report.fault("answer lost, asked again"),
            _ => self.report.fault("transaction failed before its commit"),
        }
        Ok(fell)
    }

    /// Asks again under the same request id until the answer is known.
    pub(super) async fn decide(&self, call: &Call) -> Reply {
        for _ in 0..TRIES {
            let reply = call.clone().send(&self.site.points).await;
            if reply != Reply::Unknown {
                return reply;
            }
        }
        Reply::Unknown
    }

    /// Holds an answer against the oracle's, and the member's balance. `asked_again`: an earlier
    /// attempt was carried out, so the answer may be a replay.
    pub(super) async fn settle_with(&mut self, call: &Call, reply: Reply, again: bool) -> Check {
        let user = self.judge(call, &reply, again)?;
        if let Call::Transfer(r) = call {
            self.compare(&r.to_user_id).await?;
        }
        self.compare(&user).await
    }

    /// Holds an answer against the oracle's; answers whose points it is about.
    pub(super) fn judge(&mut self, call: &Call, reply: &Reply, again: bool) -> Check<String> {
        let now = self.now();
        let fresh = match reply {
            Reply::Done(entry, _) => entry.entry_id.parse().map_err(|_| "no entry id")?,
            _ => self.fresh(),
        };
        let (verdict, known) = self.oracle.answer(call, now, fresh);
        let wrong = |what: String| format!("{call:?}: {what}");
        match (reply, &verdict) {
            (Reply::Done(entry, replayed), Ok(deed)) => {
                if let Some(difference) = deed.differs(entry) {
                    return Err(wrong(difference));
                }
                if *replayed != (known || again) {
                    return Err(wrong(format!("replayed = {replayed}")));
                }
                if !known {
                    self.remember(&deed.clone());
                }
                self.report.saw(if *replayed { "replayed" } else { done(call) });
            }
            (Reply::Refused(reason), Err(expected)) if reason == expected => {
                self.report.saw(reason);
            }
            (reply, verdict) => {
                let user = self.user_of(call);
                let member = self.oracle.view(&user, now);
                let known = format!("at {now}, of {member:?}");
                return Err(wrong(format!("expected {verdict:?} {known}, was told {reply:?}")));
            }
        }
        if self.sent.len() > 400 {
            self.sent.drain(..200);
        }
        if !known && !matches!(&verdict, Err("REQUEST_ID_REUSED")) {
            self.sent.push((call.clone(), reply.clone()));
        }
        Ok(match verdict {
            Ok(deed) => deed.user,
            Err(_) => self.user_of(call),
        })
    }

    /// Whom a refused call was about.
    fn user_of(&mut self, call: &Call) -> String {
        match call {
            Call::Earn(r) => r.user_id.clone(),
            Call::Spend(r) => r.user_id.clone(),
            Call::Hold(r) => r.user_id.clone(),
            Call::EarnPending(r) => r.user_id.clone(),
            Call::Correct(r) => r.user_id.clone(),
            Call::Transfer(r) => r.from_user_id.clone(),
            _ => self.user(),
        }
    }

    /// Entries and holds can be named from now on.
    pub(super) fn remember(&mut self, deed: &Deed) {
        self.entries.push(deed.id);
        if deed.kind == EntryKind::EarnPending {
            self.pending.push(deed.id);
        }
        if deed.kind == EntryKind::Hold {
            self.holds.push((deed.user.clone(), deed.id));
        }
    }

    /// A call repeated under its own request id, long afterwards.
    pub(super) async fn again(&mut self) -> Check {
        let Some((call, reply)) = self.random.pick(&self.sent).cloned() else { return Ok(()) };
        self.report.fault("request repeated");
        let second = call.clone().send(&self.site.points).await;
        let same = match (&reply, &second) {
            (Reply::Done(first, _), Reply::Done(second, true)) => first == second,
            (first, second) => first == second,
        };
        if !same {
            return Err(format!("{call:?}: first {reply:?}, then {second:?}"));
        }
        self.settle_with(&call, second, false).await
    }

    /// Another wish under a request id that was used.
    pub(super) async fn reuse(&mut self) -> Check {
        let Some((call, _)) = self.random.pick(&self.sent).cloned() else { return Ok(()) };
        self.report.fault("request id with another content");
        let call = call.altered();
        let reply = call.clone().send(&self.site.points).await;
        self.settle_with(&call, reply, false).await
    }

    /// A business event that comes back under a new request id, at times with other points.
    pub(super) async fn same_event(&mut self) -> Result<Check> {
        let named: Vec<Call> = self
            .sent
            .iter()
            .map(|(call, _)| call)
            .filter(|call| call.is_named())
            .cloned()
            .collect();
        let Some(call) = self.random.pick(&named) else { return Ok(Ok(())) };
        self.report.fault("business event under a new request id");
        let call = if self.random.one_in(3) { call.altered() } else { call.clone() };
        let call = call.under(&format!("again{}", self.step));
        let reply = call.clone().send(&self.site.points).await;
        Ok(self.settle_with(&call, reply, false).await)
    }
}

fn done(call: &Call) -> &'static str {
    match call {
        Call::Earn(_) => "Earn done",
        Call::Spend(_) => "Spend done",
        Call::Hold(_) => "Hold done",
        Call::Capture(_) => "Capture done",
        Call::Void(_) => "Void done",
        Call::Reverse(_) => "Reverse done",
        Call::EarnPending(_) => "EarnPending done",
        Call::Activate(_) => "Activate done",
        Call::CancelPending(_) => "CancelPending done",
        Call::Transfer(_) => "Transfer done",
        Call::Correct(_) => "Correct done",
    }
}
