//! One call: its deadline, its attempts, and what each of them came to.

use crate::channel::Shared;
use crate::request::{self, Framed};
use crate::retry::{Advice, Backoff};
use crate::{deadline, retry};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use perennial_proto::Method;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

/// Of gRFC A6: how often the call was tried before.
const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";

/// How an attempt ended.
struct Outcome {
    /// What the caller gets if this was the last attempt.
    answer: Result<Response<Body>, Status>,
    advice: Advice,
    /// The server may have acted on it.
    sent: bool,
}

/// Carries a call out. Unary calls of the contract have a deadline always and attempts; streams
/// and unknown methods go out once, with a deadline if their caller set one.
pub(crate) async fn run(shared: &Shared, request: Request<Body>) -> Result<Response<Body>, Status> {
    let (mut head, body) = request.into_parts();
    let method = perennial_proto::method(head.uri.path())
        .filter(|method| !method.client_streaming && !method.server_streaming);
    let time = deadline::asked(&head.headers).or(method.map(|_| shared.deadline));
    let until = time.and_then(|time| Instant::now().checked_add(time));
    let work = async {
        if let Some(token) = &shared.token {
            let value = token.header().await.map_err(|error| {
                Status::unauthenticated(format!("the token cannot be read: {error}"))
            })?;
            head.headers.insert(header::AUTHORIZATION, value);
        }
        match method {
            Some(method) => unary(shared, head, body, method, until).await,
            None => once(shared, Request::from_parts(head, body), until).await,
        }
    };
    match until {
        None => work.await,
        Some(until) => timeout_at(until, work).await.unwrap_or_else(|_| {
            let told = format!("no answer in time; last trouble: {}", shared.serving.trouble());
            Err(Status::deadline_exceeded(told))
        }),
    }
}

async fn once(
    shared: &Shared,
    mut request: Request<Body>,
    until: Option<Instant>,
) -> Result<Response<Body>, Status> {
    let mut connection = connected(shared, until).await?;
    if let Some(until) = until {
        let left = until.saturating_duration_since(Instant::now());
        deadline::set(request.headers_mut(), left);
    }
    let ready = connection.ready().await.map_err(|error| broken(&error))?;
    ready.call(request).await.map_err(|error| broken(&error))
}

async fn unary(
    shared: &Shared,
    head: Parts,
    body: Body,
    method: &Method,
    until: Option<Instant>,
) -> Result<Response<Body>, Status> {
    let framed = request::prepare(body.collect().await?.to_bytes(), method);
    let mut backoff = Backoff::of_calls();
    shared.budget.earn();
    for attempt in 1.. {
        let outcome = self::attempt(shared, &head, &framed, attempt, until).await;
        let pause = match outcome.advice {
            Advice::No => return outcome.answer,
            Advice::Soon => backoff.pause(),
            Advice::After(asked) => backoff.at_least(asked),
        };
        let safe = framed.repeatable || !outcome.sent;
        let in_time = until.is_none_or(|until| Instant::now() + pause < until);
        if !safe || !in_time || attempt >= shared.attempts || !shared.budget.take() {
            return outcome.answer;
        }
        tracing::debug!(method = method.path, attempt, ?pause, "trying again");
        sleep(pause).await;
    }
    Err(Status::internal("attempts without end"))
}

async fn attempt(
    shared: &Shared,
    head: &Parts,
    framed: &Framed,
    number: u32,
    until: Option<Instant>,
) -> Outcome {
    let mut connection = match connected(shared, until).await {
        Ok(connection) => connection,
        // It was waited for; asking again would only wait longer.
        Err(status) => return Outcome { answer: Err(status), advice: Advice::No, sent: false },
    };
    let mut request = Request::from_parts(head.clone(), Body::new(Full::new(framed.bytes.clone())));
    if let Some(until) = until {
        let left = until.saturating_duration_since(Instant::now());
        deadline::set(request.headers_mut(), left);
    }
    if number > 1 {
        request.headers_mut().insert(PREVIOUS_ATTEMPTS, HeaderValue::from(number - 1));
    }
    let answer = match connection.ready().await {
        Ok(ready) => ready.call(request).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => read(answer).await,
        Err(error) => Outcome {
            answer: Err(broken(&error)),
            advice: Advice::Soon,
            sent: !certainly_unsent(&error),
        },
    }
}

/// Reads a unary answer whole: its status stands behind the message, and a connection that breaks
/// between the two must count as a failed attempt.
async fn read(answer: Response<Body>) -> Outcome {
    let (head, body) = answer.into_parts();
    let body = match body.collect().await {
        Ok(body) => body,
        Err(status) => {
            let told = format!("the connection broke during the answer: {}", status.message());
            let advice = Advice::Soon;
            return Outcome { answer: Err(Status::unavailable(told)), advice, sent: true };
        }
    };
    let nothing = HeaderMap::new();
    let trailers = body.trailers().unwrap_or(&nothing);
    let advice = [&head.headers, trailers]
        .into_iter()
        .find_map(|headers| Status::from_header_map(headers).map(|status| (status, headers)))
        .map_or_else(
            // A proxy in between answers without a gRPC status.
            || if matches!(head.status.as_u16(), 502..=504) { Advice::Soon } else { Advice::No },
            |(status, headers)| retry::advice(&status, headers),
        );
    Outcome { answer: Ok(Response::from_parts(head, Body::new(body))), advice, sent: true }
}

/// A connection to a serving endpoint. Errors: UNAVAILABLE when there is none for a while.
async fn connected(
    shared: &Shared,
    until: Option<Instant>,
) -> Result<tonic::transport::Channel, Status> {
    let patience = Instant::now() + shared.patience;
    let patience = until.map_or(patience, |until| until.min(patience));
    shared.serving.pick(patience).await.ok_or_else(|| {
        let told = format!("no endpoint serves; last trouble: {}", shared.serving.trouble());
        Status::unavailable(told)
    })
}

/// A connection that broke is UNAVAILABLE, as other gRPC clients tell it; tonic says UNKNOWN.
fn broken(error: &tonic::transport::Error) -> Status {
    let mut told = format!("the connection broke: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        // tonic watches the time that it was told to send along, too.
        if error.is::<tonic::TimeoutExpired>() {
            return Status::deadline_exceeded("no answer in time");
        }
        if let Some(status) = error.downcast_ref::<Status>()
            && status.code() != Code::Unknown
        {
            return status.clone();
        }
        told = format!("{told}: {error}");
        cause = error.source();
    }
    Status::unavailable(told)
}

/// Whether no byte of the request left this process: there was no connection, or it was closed
/// before the request's turn came.
fn certainly_unsent(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let canceled = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled);
        if canceled || error.is::<tonic::ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Time that a call waits for an endpoint before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
