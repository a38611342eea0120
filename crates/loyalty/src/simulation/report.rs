//! What a simulation saw.

use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::fmt;

/// Everything that has to occur in a run that is long enough for it, or the run proves little.
const SOMETIMES: &[&str] = &[
    "Earn done",
    "Spend done",
    "Hold done",
    "Capture done",
    "Void done",
    "Reverse done",
    "EarnPending done",
    "Activate done",
    "CancelPending done",
    "Transfer done",
    "Correct done",
    "replayed",
    "BALANCE_LIMIT",
    "ENTRY_NOT_FOUND",
    "EXCEEDS_HOLD",
    "EXCEEDS_PENDING",
    "NOT_PENDING",
    "RECEIVER_CLOSED",
    "RECEIVER_NOT_FOUND",
    "EXCEEDS_ORIGINAL",
    "HOLD_CAPTURED",
    "HOLD_NOT_FOUND",
    "HOLD_TIMED_OUT",
    "HOLD_VOIDED",
    "INSUFFICIENT_POINTS",
    "MEMBER_CLOSED",
    "MEMBER_NOT_FOUND",
    "NOTHING_TO_REVERSE",
    "NOT_REVERSIBLE",
    "REQUEST_ID_REUSED",
    "SOURCE_EVENT_REUSED",
    "expire_time",
    "ClaimBenefit",
    "UseBenefit",
    "ReturnBenefit",
    "place replayed",
    "claims let go",
    "BENEFIT_NOT_FOUND",
    "CLAIM_NOT_FOUND",
    "CLAIM_RETURNED",
    "CLAIM_TIMED_OUT",
    "CLAIM_USED",
    "LIMIT_REACHED",
    "NO_PLACES_LEFT",
];

/// Every class of faults.
const FAULTS: &[&str] = &[
    "answer lost, asked again",
    "business event under a new request id",
    "caller gone, asked again",
    "clock stepped back",
    "crash at a step, database reopened",
    "delay past a hold's timeout",
    "events out of order",
    "job killed midway",
    "log event told twice",
    "request repeated",
    "request id with another content",
    "transaction failed before its commit",
    "twins in one batch",
    "two replicas at once",
    "two sweeps at once",
];

/// Operations from which on everything has to have occurred.
pub const LONG: u64 = 20_000;

/// What a simulation saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What decided everything.
    pub seed: u64,
    /// Steps taken.
    pub operations: u64,
    /// How much time passed for the service.
    pub simulated: TimeDelta,
    /// How often each outcome was seen.
    pub outcomes: BTreeMap<String, u64>,
    /// How often each class of faults fell.
    pub faults: BTreeMap<&'static str, u64>,
    /// What is wrong; empty when nothing is.
    pub violations: Vec<String>,
    /// A fingerprint of all outcomes in order: the same for the same seed.
    pub fingerprint: u64,
}

impl Report {
    pub(super) fn saw(&mut self, outcome: &str) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
        // FNV-1a.
        for byte in outcome.bytes() {
            self.fingerprint =
                (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    pub(super) fn fault(&mut self, class: &'static str) {
        *self.faults.entry(class).or_default() += 1;
    }

    /// What ought to occur sometimes and did not.
    pub fn missing(&self) -> Vec<&'static str> {
        let outcomes = SOMETIMES.iter().filter(|name| !self.outcomes.contains_key(**name));
        let faults = FAULTS.iter().filter(|name| !self.faults.contains_key(**name));
        outcomes.chain(faults).copied().collect()
    }

    /// Nothing is wrong, and a long run has seen everything.
    pub fn passed(&self) -> bool {
        self.violations.is_empty() && (self.operations < LONG || self.missing().is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: String| {
            writeln!(f, "  {name:<42} {value:>12}")
        };
        writeln!(f, "seed {}", self.seed)?;
        row(f, "operations", self.operations.to_string())?;
        row(f, "simulated days", self.simulated.num_days().to_string())?;
        let total: u64 = self.faults.values().sum();
        row(f, "faults", total.to_string())?;
        for (class, times) in &self.faults {
            row(f, &format!("  {class}"), times.to_string())?;
        }
        row(f, "distinct outcomes", self.outcomes.len().to_string())?;
        for (outcome, times) in &self.outcomes {
            row(f, &format!("  {outcome}"), times.to_string())?;
        }
        for missing in self.missing() {
            row(f, &format!("  {missing}"), "never".to_owned())?;
        }
        row(f, "violations", self.violations.len().to_string())?;
        for violation in &self.violations {
            writeln!(f, "  {violation}")?;
        }
        Ok(())
    }
}
