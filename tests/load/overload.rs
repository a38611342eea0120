//! More calls than the suite can answer: it answers as many as before, and turns the others away at
//! once.
//!
//! First the capacity: how many calls a second are answered when callers wait for their answers.
//! Then calls come at 2, 5 and 10 times that rate, and what is answered is compared with the mean of
//! the capacities right before and right after. The control does the same with the limits
//! switched off, and must be found wanting by the same assertions.
//!
//! A loaded machine spoils measurements, so the suite has three attempts, and is found wanting of
//! what all three have found.

mod generator;

use crate::ALONE;
use generator::{Callers, DEADLINE, Seen, quantile};
use perennial_tests::running::Running;
use perennial_tests::{Setup, programs};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const ATTEMPTS: usize = 3;

/// Callers that wait for their answers, enough to keep a machine busy.
const BUSY: usize = 8;

const MEASURE: Duration = Duration::from_secs(6);

/// In which the limit finds its place: one generation of calls may come to nothing.
const SETTLING: Duration = DEADLINE.saturating_add(Duration::from_secs(1));

/// A call that is turned away has its answer in this time, or in so many times what 99 of 100 calls
/// take that a single caller makes, on a machine that is busy with other things as well.
const SHED_WITHIN: Duration = Duration::from_millis(50);
const SHED_RATIO: u32 = 2;

/// Share of the capacity that is answered all the same. Without optimisation, turning a call away
/// costs about a twenty-fifth of the work of one, mostly in HTTP/2: of ten times too many calls that
/// alone is a third of the capacity. `make overload` asks the optimised build.
const GOODPUT: f64 = if cfg!(debug_assertions) { 0.5 } else { 0.8 };

/// How soon all calls have to be answered once they come at half the capacity again.
const RECOVERY: Duration = Duration::from_secs(5);

/// What breaks the promise, by what is promised.
type Findings = BTreeMap<String, String>;

/// Measures, and finds what breaks the promise.
async fn findings(setup: &Setup) -> Findings {
    let running = setup.start().await;
    separate(&running);
    let port = setup.ports()[0];
    let callers = Callers::of(port);
    callers.closed(BUSY, Duration::from_secs(1)).await;
    let calm = callers.closed(1, MEASURE).await;
    let mut capacity = callers.closed(BUSY, MEASURE).await.rate();
    let patience = SHED_WITHIN.max(quantile(&calm.good, 0.99) * SHED_RATIO);
    println!(
        "capacity {capacity:.0}/s; one caller: p50 {:?}, p99 {:?}; calls turned away get {patience:?}",
        quantile(&calm.good, 0.5),
        quantile(&calm.good, 0.99),
    );
    let mut findings = Findings::new();
    for times in [2.0, 5.0, 10.0] {
        let (seen, sick) = tokio::join!(
            callers.open(times * capacity, SETTLING, MEASURE),
            unhealthy(port, SETTLING + MEASURE)
        );
        // The more is on record, the longer a purchase takes to be put there.
        let before = std::mem::replace(&mut capacity, callers.closed(BUSY, MEASURE).await.rate());
        print(times, &seen, [before, capacity]);
        findings.extend(judge(times, before.midpoint(capacity), &seen, patience));
        if sick > 0 {
            findings.insert(format!("{times}x: health"), format!("{sick} checks went wrong"));
        }
    }
    let begin = Instant::now();
    loop {
        let second = callers.open(capacity / 2.0, Duration::ZERO, Duration::from_secs(1)).await;
        let sent = second.good.len() + second.shed.len() + second.bad.values().sum::<usize>();
        if second.good.len() * 100 >= sent * 95 {
            println!("recovered after {:?}", begin.elapsed());
            break;
        }
        if begin.elapsed() > RECOVERY {
            print(0.5, &second, [capacity; 2]);
            findings.insert("recovery".into(), format!("not after {RECOVERY:?}"));
            break;
        }
    }
    assert!(!setup.log().contains("panicked"), "{}", setup.log());
    findings
}

fn judge(times: f64, capacity: f64, seen: &Seen, patience: Duration) -> Findings {
    let mut findings = Findings::new();
    let mut find = |what: &str, why: String| findings.insert(format!("{times}x: {what}"), why);
    if seen.rate() < GOODPUT * capacity {
        find("answered", format!("only {:.0} of {capacity:.0} a second", seen.rate()));
    }
    if quantile(&seen.shed, 0.99) > patience {
        find("turned away", format!("after {:?}", quantile(&seen.shed, 0.99)));
    }
    // Neither answered nor turned away: what the caller hears of by its own deadline.
    let lost: usize = seen.bad.values().sum();
    if lost * 20 > seen.good.len() + seen.shed.len() {
        find("without a proper answer", format!("{:?}", seen.bad));
    }
    findings
}

/// `capacity`: before and after.
fn print(times: f64, seen: &Seen, capacity: [f64; 2]) {
    println!(
        "{times}x: {:.0}/s answered of {:.0}/s to {:.0}/s (p50 {:?}, p99 {:?}), {:.0}/s turned away (p50 {:?}, p99 {:?}), others {:?}",
        seen.rate(),
        capacity[0],
        capacity[1],
        quantile(&seen.good, 0.5),
        quantile(&seen.good, 0.99),
        seen.shed.len() as f64 / seen.seconds,
        quantile(&seen.shed, 0.5),
        quantile(&seen.shed, 0.99),
        seen.bad,
    );
}

/// Asks for its health ten times a second; returns how many answers were not "serving".
async fn unhealthy(port: u16, time: Duration) -> usize {
    let address = format!("http://127.0.0.1:{port}");
    let endpoint = tonic::transport::Endpoint::from_shared(address).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let begin = Instant::now();
    let mut sick = 0;
    while begin.elapsed() < time {
        let mut request = tonic::Request::new(HealthCheckRequest { service: String::new() });
        // What the probes in deploy/kubernetes allow.
        request.set_timeout(Duration::from_secs(3));
        match client.check(request).await {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {}
            _ => sick += 1,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sick
}

/// The server on one core and the callers on another, where there are two.
fn separate(running: &Running) {
    programs::pin(running.id(), 0);
    programs::pin(std::process::id(), 1);
}

#[tokio::test]
async fn ten_times_too_many_calls_cost_the_others_nothing() {
    let _alone = ALONE.lock().await;
    let mut always: Option<Findings> = None;
    for attempt in 1..=ATTEMPTS {
        let mut found = findings(&Setup::fresh().await.only("identity")).await;
        println!("attempt {attempt}: {found:?}");
        if let Some(before) = always {
            found.retain(|what, _| before.contains_key(what));
        }
        if found.is_empty() {
            return;
        }
        always = Some(found);
    }
    panic!("{ATTEMPTS} of {ATTEMPTS} attempts: {always:?}");
}

#[tokio::test]
async fn without_limits_the_same_calls_come_to_nothing() {
    let _alone = ALONE.lock().await;
    let off = "[server]\nadaptive_limit = false\nmax_in_flight = 1000000\n";
    let setup = Setup::fresh().await.only("identity").with(off);
    let findings = findings(&setup).await;
    assert!(!findings.is_empty(), "the assertions saw nothing wrong");
    println!("the control was caught: {findings:?}");
}
