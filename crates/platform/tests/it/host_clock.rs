//! The suite's time over gRPC: moved step by step, background work done at every stop.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use perennial_platform::clock::Clock;
use perennial_platform::time;
use perennial_platform::work::Worker;
use perennial_proto::admin::v1::clock_service_client::ClockServiceClient;
use perennial_proto::admin::v1::{AdvanceRequest, GetTimeRequest};
use tonic::Code;
use tonic_types::StatusExt;

use crate::host_support::{Misbehaving, Server};

fn at(day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).unwrap()
}

fn to(time: DateTime<Utc>, step_seconds: i64) -> AdvanceRequest {
    AdvanceRequest { to: Some(time::to_proto(time)), step_seconds, request_id: String::new() }
}

/// A server whose background work notes the times at which it had something to do.
fn noting(clock: &Clock) -> (Server, Arc<Mutex<Vec<DateTime<Utc>>>>) {
    let server = Server::with(clock.clone(), |_| {}, |_| Misbehaving::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (noted, clock) = (Arc::clone(&seen), clock.clone());
    server.process.workers().add(Worker::new("note", Duration::from_secs(1), move || {
        let mut noted = noted.lock().unwrap();
        let due = noted.last() != Some(&clock.now());
        if due {
            noted.push(clock.now());
        }
        Box::pin(std::future::ready(Ok(u64::from(due))))
    }));
    (server, seen)
}

#[tokio::test]
async fn the_clock_stops_at_every_step_and_at_the_end() {
    let clock = Clock::manual(at(1, 9));
    let (server, seen) = noting(&clock);
    let mut client = ClockServiceClient::new(server.channel());
    let moved = client.advance(to(at(3, 10), 86_400)).await.unwrap().into_inner();
    assert_eq!(moved.time, Some(time::to_proto(at(3, 10))));
    assert_eq!(moved.work_done, 4);
    assert_eq!(*seen.lock().unwrap(), [at(1, 9), at(2, 9), at(3, 9), at(3, 10)]);
    let now = client.get_time(GetTimeRequest {}).await.unwrap().into_inner();
    assert_eq!((now.time, now.simulated), (moved.time, true));
}

#[tokio::test]
async fn without_a_step_it_stops_at_noon() {
    let clock = Clock::manual(at(1, 9));
    let (server, seen) = noting(&clock);
    let mut client = ClockServiceClient::new(server.channel());
    client.advance(to(at(2, 18), 0)).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [at(1, 9), at(1, 12), at(2, 12), at(2, 18)]);
}

#[tokio::test]
async fn time_goes_forward_only_and_only_when_it_is_simulated() {
    let simulated = Server::with(Clock::manual(at(2, 9)), |_| {}, |_| Misbehaving::default());
    let mut client = ClockServiceClient::new(simulated.channel());
    for wrong in [at(1, 9), at(2, 9) + chrono::TimeDelta::days(3_661)] {
        let status = client.advance(to(wrong, 0)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    let real = Server::with(Clock::system(), |_| {}, |_| Misbehaving::default());
    let mut client = ClockServiceClient::new(real.channel());
    assert!(!client.get_time(GetTimeRequest {}).await.unwrap().into_inner().simulated);
    let status = client.advance(to(at(2, 9), 0)).await.unwrap_err();
    assert_eq!(status.get_details_error_info().unwrap().reason, "CLOCK_NOT_SIMULATED");
}
