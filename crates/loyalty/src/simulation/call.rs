//! What callers send, and what they get.

use crate::domain::EntryId;
use crate::grpc::Points;
use perennial_proto::loyalty::v1::points_service_server::PointsService as _;
use perennial_proto::loyalty::v1::{
    ActivateRequest, CancelPendingRequest, CaptureRequest, CorrectRequest, EarnPendingRequest,
    EarnRequest, Entry, HoldRequest, ReverseRequest, SpendRequest, TransferRequest, VoidRequest,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

/// A write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    Earn(EarnRequest),
    Spend(SpendRequest),
    Hold(HoldRequest),
    Capture(CaptureRequest),
    Void(VoidRequest),
    Reverse(ReverseRequest),
    EarnPending(EarnPendingRequest),
    Activate(ActivateRequest),
    CancelPending(CancelPendingRequest),
    Transfer(TransferRequest),
    Correct(CorrectRequest),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply<T = Entry> {
    /// What came of it, and whether the answer was given before.
    Done(Box<T>, bool),
    /// A refusal by rule, with its stable reason.
    Refused(String),
    /// It may have happened or not.
    Unknown,
    /// A bug.
    Broken(String),
}

impl Call {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Earn(_) => "Earn",
            Self::Spend(_) => "Spend",
            Self::Hold(_) => "Hold",
            Self::Capture(_) => "Capture",
            Self::Void(_) => "Void",
            Self::Reverse(_) => "Reverse",
            Self::EarnPending(_) => "EarnPending",
            Self::Activate(_) => "Activate",
            Self::CancelPending(_) => "CancelPending",
            Self::Transfer(_) => "Transfer",
            Self::Correct(_) => "Correct",
        }
    }

    pub(super) fn request_id(&self) -> &str {
        match self {
            Self::Earn(r) => &r.request_id,
            Self::Spend(r) => &r.request_id,
            Self::Hold(r) => &r.request_id,
            Self::Capture(r) => &r.request_id,
            Self::Void(r) => &r.request_id,
            Self::Reverse(r) => &r.request_id,
            Self::EarnPending(r) => &r.request_id,
            Self::Activate(r) => &r.request_id,
            Self::CancelPending(r) => &r.request_id,
            Self::Transfer(r) => &r.request_id,
            Self::Correct(r) => &r.request_id,
        }
    }

    /// The same wish under another request id.
    pub(super) fn under(&self, request_id: &str) -> Self {
        let mut call = self.clone();
        let id = match &mut call {
            Self::Earn(r) => &mut r.request_id,
            Self::Spend(r) => &mut r.request_id,
            Self::Hold(r) => &mut r.request_id,
            Self::Capture(r) => &mut r.request_id,
            Self::Void(r) => &mut r.request_id,
            Self::Reverse(r) => &mut r.request_id,
            Self::EarnPending(r) => &mut r.request_id,
            Self::Activate(r) => &mut r.request_id,
            Self::CancelPending(r) => &mut r.request_id,
            Self::Transfer(r) => &mut r.request_id,
            Self::Correct(r) => &mut r.request_id,
        };
        request_id.clone_into(id);
        call
    }

    /// Another wish under the same request id.
    pub(super) fn altered(&self) -> Self {
        let mut call = self.clone();
        match &mut call {
            Self::Earn(r) => r.points += 1,
            Self::Spend(r) => r.points += 1,
            Self::Hold(r) => r.points += 1,
            Self::Capture(r) => r.points += 1,
            Self::Void(r) => r.reason.push('x'),
            Self::Reverse(r) => r.points += 1,
            Self::EarnPending(r) => r.points += 1,
            Self::CancelPending(r) => r.points += 1,
            Self::Transfer(r) => r.points += 1,
            Self::Correct(r) => r.points -= 1,
            // Whatever entry that is, it is another one.
            Self::Activate(r) => r.entry_id = EntryId::derived(&r.entry_id).to_string(),
        }
        call
    }

    /// It names its business event, or its cause.
    pub(super) fn is_named(&self) -> bool {
        match self {
            Self::Earn(r) => !r.source_event_id.is_empty(),
            Self::Spend(r) => !r.source_event_id.is_empty(),
            Self::Hold(r) => !r.source_event_id.is_empty(),
            Self::Reverse(r) => !r.cause.is_empty(),
            Self::EarnPending(r) => !r.source_event_id.is_empty(),
            Self::Transfer(r) => !r.source_event_id.is_empty(),
            Self::Correct(r) => !r.source_event_id.is_empty(),
            Self::CancelPending(r) => !r.cause.is_empty(),
            Self::Capture(_) | Self::Void(_) | Self::Activate(_) => false,
        }
    }

    /// Makes the call.
    pub(super) async fn send(self, points: &Points) -> Reply {
        let answer = match self {
            Self::Earn(r) => answer(points.earn(Request::new(r)).await, |a| (a.entry, a.replayed)),
            Self::Spend(r) => {
                answer(points.spend(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
            Self::Hold(r) => answer(points.hold(Request::new(r)).await, |a| (a.entry, a.replayed)),
            Self::Capture(r) => {
                answer(points.capture(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
            Self::Void(r) => answer(points.void(Request::new(r)).await, |a| (a.entry, a.replayed)),
            Self::EarnPending(r) => {
                answer(points.earn_pending(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
            Self::Activate(r) => {
                answer(points.activate(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
            Self::CancelPending(r) => {
                answer(points.cancel_pending(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
            Self::Transfer(r) => {
                answer(points.transfer(Request::new(r)).await, |a| (a.sent, a.replayed))
            }
            Self::Correct(r) => {
                answer(points.correct(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
            Self::Reverse(r) => {
                answer(points.reverse(Request::new(r)).await, |a| (a.entry, a.replayed))
            }
        };
        match answer {
            Ok((Some(entry), replayed)) => Reply::Done(Box::new(entry), replayed),
            Ok((None, _)) => Reply::Broken("an answer without an entry".to_owned()),
            Err(status) => refused(&status),
        }
    }
}

type Answer = Result<(Option<Entry>, bool), Status>;

fn answer<A>(
    answer: Result<tonic::Response<A>, Status>,
    read: impl FnOnce(A) -> (Option<Entry>, bool),
) -> Answer {
    answer.map(|answer| read(answer.into_inner()))
}

/// The reason of a refusal; the field when a field is to blame.
pub(super) fn refused<T>(status: &Status) -> Reply<T> {
    let details = status.get_error_details();
    let field = details.bad_request().and_then(|bad| bad.field_violations.first());
    match (status.code(), details.error_info(), field) {
        (Code::Unavailable | Code::Aborted, ..) => Reply::Unknown,
        (Code::Internal | Code::Unknown, ..) => Reply::Broken(status.message().to_owned()),
        (_, _, Some(field)) => Reply::Refused(field.field.clone()),
        (_, Some(info), _) => Reply::Refused(info.reason.clone()),
        (code, ..) => Reply::Refused(format!("{code:?}")),
    }
}
