//! The body of every answer: watches over what comes after the head.
//!
//! A stream is ended by its caller's deadline (DEADLINE_EXCEEDED) and by the shutdown of the
//! server (UNAVAILABLE), but only while it waits: what is ready is sent first. So a unary answer
//! is never cut and a health watcher hears "not serving" before its stream ends. The body also
//! holds the call's pass, so that open streams count as calls in flight.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;

use super::gate::Pass;
use super::observe::Observation;
use super::{deadline, panics};
use crate::error::Error;

/// A body that ends in time, and tells how the call went when it is dropped.
pub(super) struct Tail {
    inner: Body,
    observation: Observation,
    _pass: Option<Pass>,
    end: Option<Instant>,
    closing: CancellationToken,
    /// Made when the stream waits for the first time; unary answers never do.
    timers: Option<Timers>,
    ended: bool,
}

struct Timers {
    end: Option<Pin<Box<Sleep>>>,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Tail {
    /// Wraps the body of `response`. `end` is when the stream has to be over, `closing` is
    /// cancelled when the server goes away.
    pub(super) fn wrap(
        response: Response<Body>,
        mut observation: Observation,
        pass: Option<Pass>,
        end: Option<Instant>,
        closing: CancellationToken,
    ) -> Response<Self> {
        observation.note(response.headers());
        response.map(|inner| Self {
            inner,
            observation,
            _pass: pass,
            end,
            closing,
            timers: None,
            ended: false,
        })
    }

    /// Ends the stream with trailers that say why.
    fn finish(&mut self, why: Error) -> Frame<Bytes> {
        self.ended = true;
        let mut trailers = HeaderMap::new();
        // Fails only for messages that no header can hold; ours are plain text.
        let _ = Status::from(why).add_header(&mut trailers);
        self.observation.note(&trailers);
        Frame::trailers(trailers)
    }

    fn poll_interrupted(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let (end, closing) = (self.end, &self.closing);
        let timers = self.timers.get_or_insert_with(|| Timers {
            end: end.map(|at| Box::pin(tokio::time::sleep_until(at))),
            closing: Box::pin(closing.clone().cancelled_owned()),
        });
        if let Some(end) = &mut timers.end
            && end.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(deadline::exceeded());
        }
        ready!(timers.closing.as_mut().poll(context));
        Poll::Ready(Error::unavailable("SHUTTING_DOWN", "the server is shutting down"))
    }
}

impl http_body::Body for Tail {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let span = self.observation.span().clone();
        let step =
            span.in_scope(|| panics::guard_step(|| Pin::new(&mut self.inner).poll_frame(context)));
        match step {
            Err(panicked) => Poll::Ready(Some(Ok(self.finish(panicked)))),
            Ok(Poll::Ready(frame)) => {
                if let Some(Ok(frame)) = &frame
                    && let Some(trailers) = frame.trailers_ref()
                {
                    self.observation.note(trailers);
                }
                Poll::Ready(frame)
            }
            Ok(Poll::Pending) => {
                let why = ready!(self.poll_interrupted(context));
                Poll::Ready(Some(Ok(self.finish(why))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
