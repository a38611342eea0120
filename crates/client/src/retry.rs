//! When a call is tried again, and after how long (gRFC A6, AIP-194).

use http::HeaderMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::util::rng::{HasherRng, Rng};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Time over which calls earn retries.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
/// Retries a second for callers with few calls.
const BUDGET_FLOOR: u32 = 1;

/// How often a channel may retry, shared by all its calls: with the floor, a tenth of the calls.
#[derive(Debug)]
pub(crate) struct Budget(TpsBudget);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(TpsBudget::new(BUDGET_WINDOW, BUDGET_FLOOR, 0.1))
    }

    /// A call began.
    pub(crate) fn earn(&self) {
        self.0.deposit();
    }

    /// Takes a retry, if there is one left.
    pub(crate) fn take(&self) -> bool {
        self.0.withdraw()
    }
}

/// What an answer says about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// It would change nothing, or the server forbids it.
    No,
    /// After the usual pause.
    Soon,
    /// After the time the server named.
    After(Duration),
}

/// Reads a failed call's headers or trailers.
pub(crate) fn advice(status: &Status, headers: &HeaderMap) -> Advice {
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted => {}
        _ => return Advice::No,
    }
    if let Some(pushback) = headers.get(PUSHBACK) {
        // Negative or unreadable: do not retry.
        let millis = pushback.to_str().ok().and_then(|text| text.parse::<u32>().ok());
        return millis.map_or(Advice::No, |m| Advice::After(Duration::from_millis(m.into())));
    }
    let named = status.get_details_retry_info().and_then(|info| info.retry_delay);
    match (named, status.code()) {
        (Some(delay), _) => Advice::After(delay),
        (None, Code::Unavailable) => Advice::Soon,
        // Overload and lost races are retried only when the server asks for it.
        (None, _) => Advice::No,
    }
}

/// Pauses that double from a first to a longest, each varied by a fifth to either side.
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
    chance: HasherRng,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest, chance: HasherRng::new() }
    }

    /// The pauses between the attempts of a call.
    pub(crate) fn of_calls() -> Self {
        Self::new(FIRST_PAUSE, LONGEST_PAUSE)
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.vary(self.next);
        self.next = (self.next * 2).min(self.longest);
        pause
    }

    /// `pause`, a fifth shorter to a fifth longer.
    fn vary(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(0.8 + 0.4 * self.chance.next_f64())
    }

    /// What the server asked for, up to a fifth longer, so that callers do not come back together.
    pub(crate) fn at_least(&mut self, asked: Duration) -> Duration {
        asked.mul_f64(1.0 + 0.2 * self.chance.next_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    fn headers(pushback: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(PUSHBACK, pushback.parse().unwrap());
        headers
    }

    #[test]
    fn only_what_may_pass_is_retried() {
        for code in (0..=16).map(Code::from_i32) {
            let said = advice(&Status::new(code, ""), &HeaderMap::new());
            let expected = if code == Code::Unavailable { Advice::Soon } else { Advice::No };
            assert_eq!(said, expected, "{code:?}");
        }
    }

    #[test]
    fn the_server_names_the_pause_or_forbids() {
        for code in [Code::Unavailable, Code::ResourceExhausted, Code::Aborted] {
            let status = Status::new(code, "");
            let after = Advice::After(Duration::from_millis(70));
            assert_eq!(advice(&status, &headers("70")), after);
            for no in ["-1", "soon", "", "99999999999999"] {
                assert_eq!(advice(&status, &headers(no)), Advice::No, "{no}");
            }
            let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(2)));
            let status = Status::with_error_details(code, "", details);
            let after = Advice::After(Duration::from_secs(2));
            assert_eq!(advice(&status, &HeaderMap::new()), after);
        }
        assert_eq!(advice(&Status::not_found(""), &headers("70")), Advice::No);
    }

    #[test]
    fn pauses_double_up_to_a_second_within_a_fifth() {
        let mut backoff = Backoff::of_calls();
        for base in [50.0, 100.0, 200.0, 400.0, 800.0, 1000.0, 1000.0] {
            let pause = backoff.pause().as_secs_f64() * 1000.0;
            assert!((base * 0.8..=base * 1.2).contains(&pause), "{pause} for {base}");
        }
    }

    #[test]
    fn a_budget_allows_a_tenth_above_its_floor() {
        let budget = Budget::new();
        let floor = (0..1000).filter(|_| budget.take()).count();
        assert_eq!(floor, 10, "a second's floor for each second of the window");
        let budget = Budget::new();
        (0..1000).for_each(|_| budget.earn());
        let taken = (0..1000).filter(|_| budget.take()).count();
        assert_eq!(taken, 110);
    }
}
