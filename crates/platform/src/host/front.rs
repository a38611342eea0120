//! What every call passes before it reaches a service, in this order: the span and the metrics,
//! the guard against panics, the deadline, the caller's rights and rate, the limit on calls in
//! flight, the limit on message size, the router.
//!
//! It stands outside of the router, so that unknown paths and reflection pass it as well.

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;
use tracing::Instrument;

use super::deadline::{Deadline, Deadlines};
use super::frames::Frames;
use super::gate::{Gate, Pass};
use super::observe::Observation;
use super::panics;
use super::tail::Tail;
use crate::auth::{self, Auth, Caller, Link};
use crate::error::{Code, Error, Result};
use crate::limits::Limits;

/// The way in to one service's routes. Shared by all its connections.
pub(super) struct Front {
    /// Name of the service, for spans.
    pub(super) name: &'static str,
    pub(super) routes: Routes,
    /// Full names of the services behind the routes.
    pub(super) services: Vec<&'static str>,
    pub(super) auth: Auth,
    pub(super) limits: Limits,
    pub(super) gate: Gate,
    pub(super) deadlines: Deadlines,
    pub(super) max_message_bytes: usize,
    /// Cancelled when streams have to end because the server goes away.
    pub(super) closing: CancellationToken,
}

impl Front {
    /// Answers one call. Whatever goes wrong is in the answer.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        link: &Link,
    ) -> Result<Response<Tail>, Infallible> {
        let observation = Observation::begin(self.name, &request);
        let path = request.uri().path();
        let deadline = self.deadlines.of(path, request.headers(), Instant::now());
        let end = deadline.as_ref().ok().and_then(|deadline| deadline.end);
        // On the heap, or whatever stands around it would be as large again, and be moved with it.
        let work = Box::pin(async { self.handle(request, deadline?, link).await });
        let handled = panics::guard(work).instrument(observation.span().clone()).await;
        let (response, pass) =
            handled.unwrap_or_else(|error| (Status::from(error).into_http::<Body>(), None));
        Ok(Tail::wrap(response, observation, pass, end, self.closing.clone()))
    }

    async fn handle(
        &self,
        mut request: Request<Incoming>,
        deadline: Deadline,
        link: &Link,
    ) -> Result<(Response<Body>, Option<Pass>)> {
        let entered = if auth::is_health(request.uri().path()) {
            None
        } else {
            let caller = self.admit(&request, link).await?;
            self.check_served(request.uri().path())?;
            request.extensions_mut().insert(caller);
            Some(self.gate.enter(deadline.patience())?)
        };
        let request = request.map(|body| Body::new(Frames::new(body, self.max_message_bytes)));
        let answer = deadline.bound(self.routes.clone().oneshot(request)).await?;
        let response = answer.unwrap_or_else(|never: Infallible| match never {});
        let pass = entered.map(|(pass, work)| {
            work.answered();
            pass
        });
        Ok((response, pass))
    }

    /// The router's own answer to a method of another service has no message at all.
    /// Errors: UNIMPLEMENTED / SERVED_ELSEWHERE.
    fn check_served(&self, path: &str) -> Result<()> {
        match perennial_proto::method(path) {
            Some(method) if !self.services.contains(&method.service) => {
                let message =
                    format!("{} is not served here; this is {}", method.service, self.name);
                Err(Error::new(Code::Unimplemented, "SERVED_ELSEWHERE", message))
            }
            _ => Ok(()),
        }
    }

    async fn admit(&self, request: &Request<Incoming>, link: &Link) -> Result<Caller> {
        let (path, headers) = (request.uri().path(), request.headers());
        let caller = self.auth.admit(self.name, path, headers, link).await?;
        tracing::Span::current().record("caller", caller.name());
        if let Some(rate) = caller.rate() {
            self.limits.take(&format!("caller:{}", caller.name()), rate).await?;
        }
        Ok(caller)
    }
}
